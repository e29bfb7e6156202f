# SPDX-License-Identifier: Apache-2.0
"""The page on costs says what was measured, and every benchmark is known to `make bench`."""

import importlib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(REPOSITORY / "benchmarks"))
    return importlib.import_module("everything")


def test_every_benchmark_is_run(script):
    found = {path.stem for path in script.HERE.glob("*.py")}
    known = [*script.PARTS, *script.OTHERS, *script.PROGRAMS]
    assert sorted(known) == sorted(found), "name it in benchmarks/everything.py"


def test_the_page_is_up_to_date(script):
    text = script.page()
    assert text == script.PAGE.read_text(), "run make bench"
    for picture in script.PICTURES.values():
        assert f"../pictures/{picture}" not in text or (script.DOCS / "pictures" / picture).exists()
