# SPDX-License-Identifier: Apache-2.0
"""The page on cost and error says what was measured."""

import importlib
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def test_the_page_is_up_to_date(monkeypatch):
    monkeypatch.syspath_prepend(str(REPOSITORY / "scripts"))
    script = importlib.import_module("sampling_page")
    assert script.PAGE.read_text() == script.page(), "run scripts/sampling_page.py"
