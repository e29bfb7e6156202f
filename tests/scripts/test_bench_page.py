# SPDX-License-Identifier: Apache-2.0
"""The page on costs says what was measured."""

import importlib
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def test_the_page_is_up_to_date(monkeypatch):
    monkeypatch.syspath_prepend(str(REPOSITORY / "benchmarks"))
    script = importlib.import_module("everything")
    text = script.page()
    assert text == script.PAGE.read_text(), "run make bench"
    for picture in script.PICTURES.values():
        assert f"pictures/{picture}" not in text or (script.DOCS / "pictures" / picture).exists()
