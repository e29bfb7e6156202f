# SPDX-License-Identifier: Apache-2.0
"""The figures on cards and pages are those of the runs that they name."""

import importlib
import json
from dataclasses import asdict, replace
from pathlib import Path

import polars as pl
import pytest

from tinyvmaf.evaluation.card_figures import loso_figures, residuals
from tinyvmaf.features.table import make_table, read_table
from tinyvmaf.models import zoo
from tinyvmaf.models.card import read_card
from tinyvmaf.provenance import file_sha256

REPOSITORY = Path(__file__).parents[2]
RUNS = REPOSITORY / "docs" / "models" / "runs"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(REPOSITORY / "scripts"))
    return importlib.import_module


@pytest.fixture(params=zoo.names())
def card(request):
    return read_card(zoo.path_of(request.param).with_suffix(".json"))


@pytest.fixture
def run(card):
    return json.loads((RUNS / f"{card.loso.run}.json").read_text())


@pytest.fixture
def predictions(card):
    return pl.read_parquet(RUNS / f"{card.loso.run}.parquet")


def test_the_error_on_a_card_is_the_one_of_its_run(card, predictions):
    found = loso_figures(predictions, protocol=card.loso.protocol, run=card.loso.run)
    for name, value in asdict(card.loso).items():
        computed = getattr(found, name)
        assert computed == (value if isinstance(value, str) else pytest.approx(value, rel=1e-9))
    missed = residuals(predictions)
    assert [item.source for item in missed] == [item.source for item in card.calibration]
    for item, given in zip(missed, card.calibration, strict=True):
        assert item.residuals == pytest.approx(given.residuals, abs=1e-9)


def test_a_run_says_how_to_repeat_it(card, run):
    assert run["predictions"] == file_sha256(RUNS / f"{card.loso.run}.parquet")
    assert run["table"]["sha256"] == card.table_sha256
    assert run["table"]["sources"] == list(card.training_sources)
    assert run["recipe"] == card.recipe
    assert run["command"] == card.command
    assert (run["arch"], run["seed"]) == (card.arch, card.seeds[0])


def test_only_real_sources_judge_and_none_of_the_hold_out_trains(script, card, run):
    listed = {source.name: source for source in script("source_list").read_sources()}
    real = [name for name in card.training_sources if listed[name].kind == "clip"]
    assert [fold["source"] for fold in run["folds"]] == real
    assert not any(listed[name].hold_out for name in card.training_sources)


def test_pages_are_up_to_date(script):
    for path, text in script("model_pages").pages().items():
        assert path.read_text() == text, f"{path.name}: run scripts/model_pages.py"


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("tinyvmaf_half_v1", "broad"),
        ("tinyvmaf_quarter_v1", "broad"),
        ("tinyvmaf_small_vmaf1_v1", "broad_vmaf1"),
    ],
)
def test_the_tables_of_models_are_in_the_repository(name, table):
    table = read_table(REPOSITORY / "corpora" / "tables" / f"{table}.parquet")
    card = read_card(zoo.path_of(name).with_suffix(".json"))
    own = make_table(table.rows, replace(table.info, features=card.features))
    assert card.table_sha256 == own.sha256


def test_the_student_of_vmaf_v1_is_better_than_six_features():
    run = json.loads((RUNS / "tinyvmaf_small_vmaf1_v1.json").read_text())
    assert run["loso"]["rmse"] <= 0.25
    assert run["beside"]["loso"]["rmse"] > 10 * run["loso"]["rmse"]
