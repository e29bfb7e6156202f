# SPDX-License-Identifier: Apache-2.0
"""The sweep end to end, on small tables: what it writes, and that nothing leaks."""

import dataclasses
import json

import numpy as np
import onnxruntime
import polars as pl
import pytest
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.neighbors import KNeighborsRegressor

import tinyvmaf as tv
from tests.evaluation.tables import smooth_table, table_of
from tinyvmaf.errors import SplitError, UsageError
from tinyvmaf.evaluation.evaluate import evaluate_run, read_run
from tinyvmaf.evaluation.folds import make_folds
from tinyvmaf.evaluation.loso import loso
from tinyvmaf.evaluation.sweep import train_sweep
from tinyvmaf.features.table import make_table
from tinyvmaf.libvmaf.sets import CANONICAL6
from tinyvmaf.progress import SILENT
from tinyvmaf.training.recipes import load_recipe, with_epochs
from tinyvmaf.training.train import train as train_one


@pytest.fixture(scope="module")
def recipe():
    return with_epochs(load_recipe("default"), 60)


@pytest.fixture(scope="module")
def swept(tmp_path_factory, recipe):
    folder = tmp_path_factory.mktemp("run")
    table = smooth_table()
    run = loso(table, folder=folder, arch="mlp_small", recipe=recipe, seeds=(0, 1))
    return table, folder, run


def test_every_frame_is_predicted_once_a_seed_by_a_model_that_did_not_see_it(swept):
    table, folder, run = swept
    for seed in (0, 1):
        rows = run.predictions.filter(pl.col("seed") == seed)
        assert rows.select("source", "clip", "frame", "vmaf").equals(
            table.rows.select("source", "clip", "frame", "vmaf")
        )
    for source in table.sources:
        card = json.loads((folder / f"fold_{source}" / "mlp_small_final.json").read_text())
        assert source not in card["training_sources"]
        assert len(card["training_sources"]) == len(table.sources) - 1


def test_onnx_runtime_alone_gives_the_predictions(swept):
    table, folder, run = swept
    for source in table.sources:
        session = onnxruntime.InferenceSession(folder / f"fold_{source}" / "mlp_small_final.onnx")
        features = table.rows.filter(pl.col("source") == source).select(CANONICAL6).to_numpy()
        (scores,) = session.run(["vmaf"], {"features": features.astype(np.float32)})
        rows = run.predictions.filter(pl.col("source") == source, pl.col("seed") == 0)
        np.testing.assert_allclose(scores, rows["predicted"].to_numpy(), atol=1e-3)


def test_two_sweeps_are_equal(swept, recipe, tmp_path):
    table, folder, run = swept
    again = loso(table, folder=tmp_path, arch="mlp_small", recipe=recipe, seeds=(0, 1))
    assert again.predictions.equals(run.predictions)
    assert again.baselines.equals(run.baselines)
    for path in sorted(folder.rglob("*.onnx")):
        assert path.read_bytes() == (tmp_path / path.relative_to(folder)).read_bytes()


def test_training_one_fold_gives_the_model_of_the_loso(swept, recipe, tmp_path):
    table, folder, _ = swept
    path = tmp_path / "mlp_small_final.onnx"
    trained = train_one(table, path=path, arch="mlp_small", recipe=recipe, val_source="S01")
    assert path.read_bytes() == (folder / "fold_S01" / "mlp_small_final.onnx").read_bytes()
    assert trained.held_out is not None


def test_the_run_on_disk_is_the_run(swept):
    _, folder, run = swept
    back = read_run(folder)
    assert evaluate_run(back) == evaluate_run(run)


def test_the_python_call_gives_the_record_of_the_run(recipe, tmp_path):
    table = smooth_table(n_sources=3)
    run = tv.loso(table, folder=str(tmp_path), recipe=recipe, seeds=2)
    assert run.record.seeds == (0, 1)
    assert run.record == evaluate_run(tv.read_run(tmp_path))


def test_single_split_baselines_say_what_they_saw(swept):
    _, _, run = swept
    record = evaluate_run(run)
    small = next(item for item in record.baselines if item.model == "vmaf_tiny_small")
    assert [cell.seen for cell in small.per_source] == ["train", "train", "train", "val"]


def test_leak_canary(recipe, tmp_path):
    """Features tell the source, the target is a random constant a source: only a leak has skill."""
    rng = np.random.default_rng(3)
    n_sources, per_source = 10, 40
    source = np.repeat(np.arange(n_sources), per_source)
    features = rng.uniform(0.2, 0.8, (n_sources, 6))[source] + rng.normal(0, 1e-3, (len(source), 6))
    target = rng.permutation(np.linspace(10, 90, n_sources))[source]
    table = table_of(features, target, n_sources=n_sources, n_clips=2)
    leaky = cross_val_predict(
        KNeighborsRegressor(5), features, target, cv=KFold(5, shuffle=True, random_state=0)
    )
    assert r2_score(target, leaky) > 0.99
    run = loso(table, folder=tmp_path, arch="mlp_small", recipe=recipe, seeds=(0,))
    held_out = run.predictions
    assert r2_score(held_out["vmaf"], held_out["predicted"]) < 0.2


def test_held_out_scores_do_not_reach_the_fold_that_is_judged_on_them(recipe, tmp_path):
    """Other scores and features in the held-out source change nothing in its fold's model."""
    table = smooth_table(n_sources=3)
    own = pl.col("source") == "S02"
    changed = dataclasses.replace(
        table,
        rows=table.rows.with_columns(
            pl.when(own).then(1.0).otherwise("vmaf").alias("vmaf"),
            *(pl.when(own).then(0.5).otherwise(name).alias(name) for name in CANONICAL6),
        ),
    )
    folders = tmp_path / "a", tmp_path / "b"
    for each, folder in zip((table, changed), folders, strict=True):
        loso(each, folder=folder, arch="mlp_small", recipe=recipe, seeds=(0,))
    models = [folder / "fold_S02" / "mlp_small_final.onnx" for folder in folders]
    assert models[0].read_bytes() == models[1].read_bytes()


@pytest.mark.parametrize(("n_sources", "doubled"), [(4, 4), (9, 5)])
def test_at_most_eight_folds_are_trained_with_half_the_steps(recipe, n_sources, doubled):
    table = smooth_table(n_sources=n_sources, n_clips=1, n_frames=5)
    networks = train_sweep(
        table,
        make_folds(table.sources, n_rows=[5] * n_sources),
        arch="mlp_small",
        recipe=with_epochs(recipe, 2),
        seeds=(0,),
        with_learning_curve=False,
        progress=SILENT,
    )
    assert networks.doubling["folds"] == doubled


def test_one_source_is_refused_by_name(recipe, tmp_path):
    table = smooth_table(n_sources=1)
    with pytest.raises(SplitError, match="this table has 1: S00"):
        loso(table, folder=tmp_path, arch="mlp_small", recipe=recipe, seeds=(0,))


def test_an_unknown_validation_source_is_refused_with_those_there_are(recipe, tmp_path):
    with pytest.raises(UsageError, match="no source 'Nope'; this table has S00, S01, S02, S03"):
        train_one(
            smooth_table(),
            path=tmp_path / "m.onnx",
            arch="mlp_small",
            recipe=recipe,
            val_source="Nope",
        )


def test_one_content_under_two_names_is_never_held_out(tmp_path, recipe):
    table = smooth_table()
    info = dataclasses.replace(table.info, references={"S00": ("1" * 32,), "S02": ("1" * 32,)})
    leaky = dataclasses.replace(table, info=info)
    with pytest.raises(SplitError, match="sources 'S00' and 'S02' have the same reference"):
        loso(leaky, folder=tmp_path, arch="linear", recipe=recipe)
    with pytest.raises(SplitError, match="sources 'S00' and 'S02' have the same reference"):
        train_one(leaky, path=tmp_path / "m.onnx", arch="linear", recipe=recipe, val_source="S00")
    named = table.rows.with_columns(pl.col("source").replace("S02", " S00"))
    with pytest.raises(SplitError, match="sources ' S00' and 'S00' differ by blanks"):
        loso(make_table(named, table.info), folder=tmp_path, arch="linear", recipe=recipe)
    assert list(tmp_path.iterdir()) == []
