# SPDX-License-Identifier: Apache-2.0
"""Each verb of training and evaluation is a public function that gives the command's record."""

import json

import pytest

import tinyvmaf as tv
from tests.evaluation.tables import smooth_table
from tinyvmaf.features.table import write_table
from tinyvmaf.training.recipes import load_recipe, with_epochs
from tinyvmaf.typed_json import to_json

RECIPE = with_epochs(load_recipe("default"), 3)
# What names the call, or takes as long as it takes.
OWN = ("command", "seconds")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A table, and a run of it that `tv.loso` wrote."""
    folder = tmp_path_factory.mktemp("made")
    write_table(smooth_table(), folder / "table.parquet")
    tv.loso(folder / "table.parquet", folder=folder / "ours", recipe=RECIPE)
    return folder


def plain(record):
    return {key: value for key, value in record.items() if key not in OWN}


def test_loso_and_report(tinyvmaf, made):
    table, run = made / "table.parquet", made / "command"
    done = tinyvmaf("loso", table, "-o", run, "--epochs", "3", "--json")
    ours = to_json(tv.read_run(made / "ours").record)
    assert plain(json.loads(done.stdout)) == plain(ours)
    found = tinyvmaf("report", made / "ours", "--json")
    assert json.loads(found.stdout) == ours == to_json(tv.report(made / "ours").record)


def test_evaluate(tinyvmaf, made):
    model = made / "ours" / "fold_S02" / "mlp_small_final.onnx"
    done = tinyvmaf("evaluate", made / "table.parquet", model, "--json")
    assert json.loads(done.stdout) == to_json(tv.evaluate(made / "table.parquet", [model]))


def test_compare(tinyvmaf, made):
    tv.loso(made / "table.parquet", folder=made / "linear", arch="linear", recipe=RECIPE)
    runs = made / "ours", made / "linear"
    done = tinyvmaf("compare", *runs, "--json")
    assert json.loads(done.stdout) == to_json(tv.compare(runs))


def test_train(tinyvmaf, made):
    path = made / "one.onnx"
    tinyvmaf("train", made / "table.parquet", "--epochs", "3", "--val-source", "S01", "-o", path)
    trained = tv.train(
        made / "table.parquet", path=made / "two.onnx", recipe=RECIPE, val_source="S01"
    )
    assert path.read_bytes() == (made / "two.onnx").read_bytes()
    assert repr(trained).startswith("<Trained two, 257 parameters, train RMSE ")
    assert trained.held_out is not None
