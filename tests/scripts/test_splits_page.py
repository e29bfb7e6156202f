# SPDX-License-Identifier: Apache-2.0
"""The page on other splits says what was measured, on the tables of the repository."""

import importlib
import json
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(REPOSITORY / "scripts"))
    return importlib.import_module("splits_page")


def test_the_page_is_up_to_date(script):
    assert script.PAGE.read_text() == script.page(), "run scripts/splits_page.py"


def test_the_record_is_of_the_tables_in_the_repository(script):
    record = json.loads(script.RECORD.read_text())
    for name, table in (("sample", script._sample()), ("broad", script._broad())):
        assert record[name]["sha256"] == table.sha256
        assert len(record[name]["nested"]["folds"]) == len(table.sources)
        assert [row["split"] for row in record[name]["splits"]] == ["source", "group", "both"]
