# SPDX-License-Identifier: Apache-2.0
"""The verbs that train and judge: what they write, and one line for whatever is wrong."""

import json

import polars as pl
import pytest

from tests.evaluation.tables import smooth_table
from tinyvmaf.corpus.sample import sample_path
from tinyvmaf.evaluation.loso import loso
from tinyvmaf.features.table import read_table, write_table
from tinyvmaf.libvmaf.sets import CANONICAL6
from tinyvmaf.provenance import sha256
from tinyvmaf.training.recipes import load_recipe, with_epochs

_SHORT = ("--epochs", "3")
_ISSUED = {
    "schema",
    "arch",
    "n_params",
    "recipe",
    "seeds",
    "teacher",
    "features",
    "table",
    "folds",
    "aggregate",
    "baselines",
    "seconds",
}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "table.parquet"
    write_table(smooth_table(), path)
    return path


@pytest.fixture(scope="module")
def swept(table, tmp_path_factory):
    """A run of the same settings, made without the command line."""
    folder = tmp_path_factory.mktemp("swept") / "first"
    recipe = with_epochs(load_recipe("default"), 3)
    loso(read_table(table), folder=folder, arch="mlp_small", recipe=recipe, seeds=[0])
    return folder


def test_a_sweep_writes_what_the_design_lists(tinyvmaf, table, tmp_path):
    run = tmp_path / "run"
    found = tinyvmaf("loso", table, "-o", run, *_SHORT, "--json")
    assert found.status == 0
    record = json.loads(found.stdout)
    assert set(record) >= _ISSUED
    assert record["n_params"] == 257
    assert record == json.loads((run / "loso_mlp_small_eval.json").read_text())
    names = {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()}
    assert names >= {
        "run.json",
        "predictions.parquet",
        "baselines.parquet",
        "loso_mlp_small_eval.md",
        "loso_mlp_small_eval.html",
        *(f"fold_S0{index}/mlp_small_final.onnx" for index in range(4)),
        *(f"fold_S0{index}/mlp_small_final.json" for index in range(4)),
        "baselines/vmaf_tiny_small.onnx",
        "baselines/vmaf_tiny_medium.onnx",
    }


def test_an_undertrained_sweep_is_said_beside_its_table(tinyvmaf, table, tmp_path):
    found = tinyvmaf("loso", table, "-o", tmp_path / "run", *_SHORT)
    assert found.status == 0
    assert "held out" in found.stdout
    assert "mlp_small is undertrained: train RMSE " in " ".join(found.stderr.split())


def test_the_published_loop_gives_the_folds_of_the_sweep(
    tinyvmaf, table, swept, tmp_path, monkeypatch
):
    monkeypatch.setenv("VMAF_DATA_ROOT", str(table))
    for source in ("S00", "S03"):
        monkeypatch.setenv("VMAF_TRAIN_OUT_DIR", str(tmp_path / source))
        arguments = ("--model-arch", "mlp_small", *_SHORT, "--val-source", source)
        assert tinyvmaf("train", *arguments).status == 0
        alone = tmp_path / source / "mlp_small_final.onnx"
        fold = swept / f"fold_{source}" / "mlp_small_final.onnx"
        assert sha256(alone.read_bytes()) == sha256(fold.read_bytes())


def test_a_model_and_a_run_can_stand_beside_a_sweep(tinyvmaf, table, swept, tmp_path):
    model = swept / "fold_S01" / "mlp_small_final.onnx"
    options = ("--baseline", model, "--baseline", swept)
    found = tinyvmaf("loso", table, "-o", tmp_path / "run", *_SHORT, *options, "--json")
    assert found.status == 0
    beside = {item["model"]: item for item in json.loads(found.stdout)["baselines"]}
    seen = [cell["seen"] for cell in beside["mlp_small_final"]["per_source"]]
    assert seen == ["train", "heldout", "train", "train"]
    assert {cell["seen"] for cell in beside["first"]["per_source"]} == {"heldout"}


def test_evaluate_says_what_a_model_had_seen(tinyvmaf, table, swept):
    model = swept / "fold_S02" / "mlp_small_final.onnx"
    found = tinyvmaf("evaluate", table, model, "--json")
    assert found.status == 0
    (judged,) = json.loads(found.stdout)["models"]
    assert [cell["seen"] for cell in judged["per_source"]] == [
        "train",
        "train",
        "heldout",
        "train",
    ]
    assert judged["concat"]["n_frames"] == 240


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--model-arch", "mlp_huge"), "unknown arch 'mlp_huge'"),
        (("--recipe", "magic"), "unknown recipe 'magic'"),
        (("--baseline", "no_such_model"), "no_such_model"),
        (("--seeds", "0"), "seeds 0: expected 1 or more"),
        (("--epochs", "0"), "epochs 0"),
        (("--teacher", "vmaf_v9"), "was labelled by vmaf_v0.6.1, not by vmaf_v9"),
    ],
)
def test_a_wrong_call_gives_one_line_and_status_2(tinyvmaf, table, tmp_path, options, message):
    found = tinyvmaf("loso", table, "-o", tmp_path / "run", *options)
    assert found.status == 2
    assert len(found.lines) == 1
    assert message in found.stderr
    assert not list((tmp_path / "run").rglob("*"))


def _broken(table, path, change):
    change(pl.read_parquet(table)).write_parquet(path)
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.filter(pl.col("source") == "S00"), "this table has 1: S00"),
        (
            lambda rows: rows.with_columns(adm2=pl.when(pl.col("frame") == 3).then(float("nan"))),
            "column adm2",
        ),
        (lambda rows: rows.drop("motion2"), "no column motion2"),
        (
            lambda rows: rows.with_columns(
                teacher=pl.when(pl.col("source") == "S00").then(pl.lit("a")).otherwise(pl.lit("b"))
            ),
            "labelled by 2 teachers (a, b)",
        ),
    ],
)
def test_a_wrong_table_gives_one_line_and_status_2(tinyvmaf, table, tmp_path, change, message):
    broken = _broken(table, tmp_path / "broken.parquet", change)
    found = tinyvmaf("loso", broken, "-o", tmp_path / "run", *_SHORT)
    assert found.status == 2
    assert len(found.lines) == 1
    assert message in found.stderr
    assert not (tmp_path / "run" / "run.json").exists()


def test_an_output_that_cannot_be_written_is_refused_before_any_work(tinyvmaf, table, tmp_path):
    (tmp_path / "file").write_text("in the way")
    found = tinyvmaf("loso", table, "-o", tmp_path / "file" / "run")
    assert found.status == 2
    assert len(found.lines) == 1
    assert "cannot write" in found.stderr


def test_the_sample_is_what_its_card_says():
    table = read_table(sample_path())
    card = json.loads(sample_path().with_name("card.json").read_text())
    assert table.sha256 == card["table"]["sha256"]
    assert list(table.info.features) == list(CANONICAL6)
    assert len(table.sources) >= 12
    assert table.rows.height >= 10_000
    assert sample_path().stat().st_size <= 2_000_000
    assert (table.rows.group_by("source").agg(pl.col("clip").n_unique())["clip"] == 8).all()
