# SPDX-License-Identifier: Apache-2.0
"""A sweep of K folds of whole sources, end to end: what it predicts, writes and says."""

import json
import tracemalloc
from dataclasses import replace

import jax
import polars as pl
import pytest

from tests.evaluation.tables import smooth_table
from tinyvmaf.errors import SplitError
from tinyvmaf.evaluation.baselines import least_squares
from tinyvmaf.evaluation.evaluate import evaluate_run, read_run
from tinyvmaf.evaluation.folds import make_folds
from tinyvmaf.evaluation.loso import loso
from tinyvmaf.report.digest import write_digest
from tinyvmaf.training.fitting import fit
from tinyvmaf.training.recipes import load_recipe, with_epochs
from tinyvmaf.typed_json import to_json


@pytest.fixture(scope="module")
def recipe():
    return with_epochs(load_recipe("default"), 40)


@pytest.fixture(scope="module")
def swept(tmp_path_factory, recipe):
    folder = tmp_path_factory.mktemp("run")
    table = smooth_table(n_sources=7)
    run = loso(table, folder=folder, arch="mlp_small", recipe=recipe, seeds=(0,), folds=3)
    return table, folder, run


def test_every_source_is_predicted_by_the_network_of_its_fold(swept):
    table, folder, run = swept
    assert sorted(source for fold in run.facts.held_out for source in fold) == list(table.sources)
    assert len(run.facts.held_out) == 3
    for number, held_out in enumerate(run.facts.held_out, start=1):
        card = json.loads((folder / f"fold_{number}" / "mlp_small_final.json").read_text())
        assert not set(card["training_sources"]) & set(held_out)
        assert len(card["training_sources"]) + len(held_out) == 7
    keys = ("source", "clip", "frame")
    text = run.predictions.select(pl.col("source", "clip").cast(pl.String), "frame")
    assert text.equals(table.rows.select(keys))


def test_baselines_go_through_the_same_folds(swept):
    table, _, run = swept
    constant = run.baselines.filter(pl.col("model") == "constant")
    for held_out in run.facts.held_out:
        own = table.rows["source"].is_in(held_out)
        found = constant.filter(pl.col("source").cast(pl.String).is_in(held_out))["predicted"]
        assert found.to_list() == pytest.approx(
            [table.rows.filter(~own)["vmaf"].mean()] * len(found)
        )


def test_the_record_is_per_source_and_its_intervals_count_folds(swept):
    table, folder, run = swept
    record = to_json(evaluate_run(run))
    assert [fold["source"] for fold in record["folds"]] == list(table.sources)
    assert record["protocol"] == {
        "name": "folds of whole sources",
        "n_folds": 3,
        "held_out": [list(fold) for fold in run.facts.held_out],
    }
    intervals = record["evidence"]["intervals"]
    assert intervals["frame"]["rmse"]["k"] == 3
    assert intervals["pooled"]["frame"]["rmse"]["method"] == "delete-one-fold jackknife, t"
    assert record["aggregate"]["frame"]["rmse"]["k"] == 7
    assert to_json(evaluate_run(read_run(folder))) == record


def test_the_digest_says_what_was_held_out(swept):
    _, folder, run = swept
    text = write_digest(run, folder).markdown.read_text()
    assert text.startswith("# 3 folds of whole sources: mlp\\_small")
    assert "over 7 sources in 3 folds of whole sources" in text
    assert "the 3 folds are what is taken as independent, with 2 degrees of freedom" in text
    assert "of 2 to 3 whole sources each: not leave-one-source-out" in text
    assert f"- fold 1: {', '.join(run.facts.held_out[0])}" in text
    assert "leave-one-source-out:" not in text.lower()
    assert "left out one at a time" not in text


def test_as_many_folds_as_sources_is_leave_one_source_out(recipe, tmp_path):
    table = smooth_table(n_sources=3)
    runs = [
        loso(table, folder=tmp_path / f"{k}", arch="linear", recipe=recipe, seeds=(0,), folds=k)
        for k in (None, 3)
    ]
    assert runs[0].predictions.equals(runs[1].predictions)
    assert runs[0].baselines.equals(runs[1].baselines)
    assert runs[1].facts.held_out == ()
    assert evaluate_run(runs[1]).protocol.name == "leave-one-source-out"


def test_more_folds_than_sources_are_refused(recipe, tmp_path):
    with pytest.raises(SplitError, match="5 folds: expected 2 to 4"):
        loso(smooth_table(), folder=tmp_path, arch="linear", recipe=recipe, seeds=(0,), folds=5)


@pytest.mark.parametrize("what", ["networks", "least squares"])
def test_more_folds_take_no_more_memory(what, monkeypatch):
    """Row arrays are NumPy's, which tracemalloc sees; the rows go to the device once."""
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    table = smooth_table(n_sources=12, n_frames=5000)
    sent = []
    send = jax.device_put
    monkeypatch.setattr(
        jax, "device_put", lambda rows, to: sent.append(rows.shape) or send(rows, to)
    )
    recipe = replace(load_recipe("default"), steps=2)
    peaks = {}
    for k in (3, 12, 3, 12):  # what is compiled or loaded once counts in the first round only
        n_rows = [block.stop - block.start for block in table.blocks]
        folds = make_folds(table.sources, n_rows=n_rows, k=k)
        sent.clear()
        tracemalloc.start()
        if what == "networks":
            held_out = [fold.positions for fold in folds]
            fit(table, arch="linear", recipe=recipe, held_out=held_out)
            assert sent.count((len(table.target), 7)) == 1
        else:
            least_squares(table, folds)
        peaks[k] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    # A copy of the rows for each of twelve folds would be three times as much; networks that are
    # trained side by side may meet at their peaks, or not.
    assert peaks[12] < 1.6 * peaks[3]
