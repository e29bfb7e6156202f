# SPDX-License-Identifier: Apache-2.0
import json

import numpy as np
import polars as pl
import pytest
from scipy import stats
from sklearn.metrics import root_mean_squared_error

from tests.evaluation.tables import smooth_table
from tinyvmaf.errors import SchemaError, UsageError
from tinyvmaf.evaluation.baselines import PER_FOLD, per_fold_baselines
from tinyvmaf.evaluation.evaluate import Run, evaluate_run, read_run
from tinyvmaf.evaluation.folds import leave_one_source_out
from tinyvmaf.evaluation.predictions import baseline_rows, keyed
from tinyvmaf.evaluation.records import LosoRecord
from tinyvmaf.evaluation.run_files import (
    FoldFacts,
    RunFacts,
    folder_name,
    refuse_other_table,
    write_run,
)
from tinyvmaf.typed_json import from_json, to_json


def made_up_run(*, seeds=(0, 1), noise=2.0, table=None) -> Run:
    """A run whose predictions are the target and seeded noise."""
    table = smooth_table() if table is None else table
    rng = np.random.default_rng(1)
    parts = [
        table.rows.select(
            "source",
            "clip",
            "frame",
            pl.lit(seed, dtype=pl.Int64).alias("seed"),
            "vmaf",
            (pl.col("vmaf") + rng.normal(0, noise, table.rows.height)).alias("predicted"),
        )
        for seed in seeds
    ]
    held_out = dict.fromkeys(table.sources, "heldout")
    keys, folds = keyed(table), leave_one_source_out(table.sources)
    baselines = [
        baseline_rows(keys, model=name, models=list(PER_FOLD), predicted=predicted, seen=held_out)
        for name, predicted in per_fold_baselines(table, folds)
    ]
    facts = RunFacts(
        arch="mlp_small",
        n_params=257,
        recipe="default",
        recipe_settings={},
        seeds=tuple(seeds),
        teacher="vmaf_v0.6.1",
        features=table.info.features,
        table={
            "rows": table.rows.height,
            "sources": len(table.sources),
            "clips": table.n_clips,
            "sha256": table.sha256,
        },
        folds=tuple(
            FoldFacts(source, seed, 100, 10, 1.0) for source in table.sources for seed in seeds
        ),
        baselines=dict(PER_FOLD),
        seconds={"train": 1.0},
        command="tinyvmaf loso",
    )
    return Run(facts, pl.concat(parts), as_text(pl.concat(baselines)))


def record_of(run):
    """The evaluation of a run as JSON has it."""
    return to_json(evaluate_run(run))


def as_text(rows):
    """The rows with names as text, as another program writes them."""
    return rows.with_columns(pl.col(pl.Enum).cast(pl.String))


def test_fold_values_are_means_over_seeds_of_independent_metrics():
    run = made_up_run()
    record = record_of(run)
    for fold in record["folds"]:
        rows = run.predictions.filter(pl.col("source") == fold["source"])
        parts = [part for _, part in rows.group_by("seed")]
        rmse = [root_mean_squared_error(part["vmaf"], part["predicted"]) for part in parts]
        plcc = [stats.pearsonr(part["vmaf"], part["predicted"]).statistic for part in parts]
        assert fold["frame"]["rmse"] == pytest.approx(np.mean(rmse))
        assert fold["frame"]["plcc"] == pytest.approx(np.mean(plcc))


def test_aggregate_is_mean_and_sample_deviation_over_folds():
    record = record_of(made_up_run())
    values = [fold["frame"]["rmse"] for fold in record["folds"]]
    aggregate = record["aggregate"]["frame"]["rmse"]
    assert aggregate["mean"] == pytest.approx(np.mean(values))
    assert aggregate["std"] == pytest.approx(np.std(values, ddof=1))
    assert aggregate["worst"] == max(values)
    assert aggregate["worst_source"] == record["folds"][int(np.argmax(values))]["source"]


def test_pooled_rmse_is_the_frame_weighted_mean_square_of_the_folds():
    record = record_of(made_up_run(seeds=(0,)))
    n = np.array([fold["n_frames"] for fold in record["folds"]])
    mse = np.array([fold["frame"]["rmse"] for fold in record["folds"]]) ** 2
    pooled = record["aggregate"]["pooled"]["frame"]["rmse"]
    assert pooled**2 == pytest.approx((n * mse).sum() / n.sum())


def test_clip_metrics_are_those_of_clip_means():
    run = made_up_run(seeds=(0,))
    record = record_of(run)
    means = run.predictions.group_by("source", "clip").agg(pl.col("vmaf", "predicted").mean())
    for fold in record["folds"]:
        own = means.filter(pl.col("source") == fold["source"])
        assert fold["n_clips"] == own.height
        expected = root_mean_squared_error(own["vmaf"], own["predicted"])
        assert fold["clip"]["rmse"] == pytest.approx(expected)


def test_the_constant_has_an_error_and_no_correlation():
    record = record_of(made_up_run())
    concat = next(item for item in record["baselines"] if item["model"] == "constant")["concat"]
    assert concat["rmse"] > 0
    assert concat["plcc"] is None
    assert "constant" in concat["undefined"]["plcc"]


def test_a_constant_fold_is_null_with_its_reason_and_counted():
    run = made_up_run(seeds=(0,))
    rows = run.predictions.with_columns(
        vmaf=pl.when(pl.col("source") == "S00").then(100.0).otherwise("vmaf")
    )
    record = record_of(Run(run.facts, rows, run.baselines))
    assert record["folds"][0]["frame"]["plcc"] is None
    assert record["folds"][0]["frame"]["undefined"]["plcc"] == "target is constant at 100"
    assert record["aggregate"]["frame"]["plcc"]["k_eff"] == 3
    json.dumps(record, allow_nan=False)


def test_a_run_comes_back_as_it_was_written(tmp_path):
    run = made_up_run()
    write_run(run, tmp_path)
    back = read_run(tmp_path)
    assert back.facts == run.facts
    assert as_text(back.predictions).equals(run.predictions)
    assert as_text(back.baselines).equals(run.baselines)
    assert record_of(back) == record_of(run)


@pytest.mark.parametrize("seeds", [(0,), (0, 1, 2)])
def test_a_record_comes_back_from_its_json(seeds):
    record = evaluate_run(made_up_run(seeds=seeds))
    text = json.dumps(to_json(record), allow_nan=False)
    assert from_json(LosoRecord, json.loads(text)) == record


def test_a_record_and_a_run_print_in_a_line_and_show_their_folds():
    run = made_up_run()
    assert repr(run) == "<Run mlp_small, 4 held-out sources, seeds (0, 1)>"
    assert repr(run.record).startswith("<LosoRecord mlp_small: RMSE ")
    shown = run._repr_html_()
    assert shown == run.record._repr_html_()
    assert all(f"<td>{source}</td>" in shown for source in ("S00", "S03"))


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"no run here \(no run\.json\)"):
        read_run(tmp_path)


@pytest.mark.parametrize("name", ["run.json", "predictions.parquet", "baselines.parquet"])
def test_a_damaged_run_is_refused(tmp_path, name):
    write_run(made_up_run(), tmp_path)
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(SchemaError, match="damaged run"):
        read_run(tmp_path)


def test_runs_of_different_tables_are_refused_with_what_differs():
    one, other = made_up_run(), made_up_run(table=smooth_table(n_sources=5, seed=2))
    refuse_other_table(one.facts.table, one.facts.table)
    with pytest.raises(UsageError) as caught:
        refuse_other_table(one.facts.table, other.facts.table)
    assert "rows 240 against 300; sources 4 against 5" in str(caught.value)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("FoxBird", "fold_FoxBird"),
        ("../etc", "fold_..%2Fetc"),
        ("<b>", "fold_%3Cb%3E"),
        ("a b", "fold_a%20b"),
    ],
)
def test_folder_names_hold_any_source(source, expected):
    assert folder_name(source) == expected
