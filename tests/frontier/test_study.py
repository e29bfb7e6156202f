# SPDX-License-Identifier: Apache-2.0
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tinyvmaf.errors import SchemaError, UsageError
from tinyvmaf.features.table import TableInfo, make_table
from tinyvmaf.frontier.cpu_time import EVERY, every_nth
from tinyvmaf.frontier.frontier_record import FrontierRecord
from tinyvmaf.frontier.judged_models import (
    judge_model,
    read_predictions,
    reduced_model,
    reduced_models,
)
from tinyvmaf.frontier.measuring import frontier_record, recommend
from tinyvmaf.frontier.study import Clip, bare, every_nth_method, model_method, sampled_methods
from tinyvmaf.libvmaf.sets import FULL, HALF, QUARTER, SETS, SIGNAL
from tinyvmaf.report.frontier_report import HEADS, chart, markdown, rows, sentences
from tinyvmaf.scoring.auxiliary import predicted_score
from tinyvmaf.scoring.costs import DECODING, EXACT_FRAME, START, costs_of
from tinyvmaf.typed_json import from_json

RESULT = Path(__file__).parents[2] / "docs" / "results" / "frontier.json"
N_FRAMES = 120
CPU = {
    "spare frame": 0.005,
    START: 0.0,
    DECODING: 0.01,
    EXACT_FRAME: 0.04,
    **{item.name: 0.05 if item.is_full else 0.02 for item in SETS.values()},
    **{every_nth(n): 0.01 + 0.04 / n for n in EVERY},
}


def clips(noise=1.0, offset=0.0, count=6, seed=0):
    """Clips whose exact scores drift, and a model that is off by `offset` and some noise."""
    rng = np.random.default_rng(seed)
    found = []
    for index in range(count):
        exact = 70 + 5 * np.sin(np.arange(N_FRAMES) / 9) + rng.normal(0, 3, N_FRAMES)
        modelled = exact + offset + rng.normal(0, noise, N_FRAMES)
        found.append(
            Clip(
                f"s{index // 2}",
                f"c{index % 2}",
                exact,
                (predicted_score(modelled[:, np.newaxis]),),
            )
        )
    return found


def by_name(found):
    return {each.name.rpartition(", ")[2]: each.record(cpu=CPU) for each in found}


def methods(material, replicates=8, **options):
    options = {"model": "m", "sets": (QUARTER,), "seed": 0, "level": 0.9, **options}
    options["costs"] = costs_of({name: 1000 * value for name, value in CPU.items()})
    return by_name(sampled_methods(material, replicates=replicates, **options))


def test_a_perfect_model_has_the_width_of_the_floor_alone():
    found = methods(clips(noise=0.0))["20 exact"]
    assert (found.rmse, found.covered) == (pytest.approx(0, abs=1e-9), 1.0)
    assert 0 < found.half_width < 0.3


def test_a_model_that_is_off_by_a_constant_is_as_good_once_it_is_corrected():
    right, off = methods(clips())["10 exact"], methods(clips(offset=-20.0))["10 exact"]
    assert off.rmse == pytest.approx(right.rmse)
    assert off.covered == right.covered


def test_intervals_cover_about_as_often_as_they_say():
    for found in methods(clips(count=10), replicates=10).values():
        if found.covered is not None and found.replicates > found.fell_back:
            assert 0.8 < found.covered <= 1


def test_a_better_model_is_narrower_and_frames_alone_are_wider():
    material = clips(noise=0.5)
    assert methods(material)["10 exact"].rmse < methods(bare(material))["10 exact"].rmse


def test_what_would_cost_as_much_is_fell_back_and_counted_apart():
    found = methods(clips(noise=30.0), replicates=3)["within 0.5"]
    assert found.fell_back == found.replicates
    assert found.rmse is None


def test_models_alone_and_every_nth_frame_miss_by_what_they_miss():
    material = clips(offset=2.0, noise=0.0)
    assert model_method(material, model="m", sets=()).record(cpu=CPU).rmse == pytest.approx(2)
    expected = np.sqrt(
        np.mean([(clip.exact[::5].mean() - clip.exact.mean()) ** 2 for clip in material])
    )
    found = every_nth_method(material, 5, name=every_nth(5)).record(cpu=CPU)
    assert (found.rmse, found.name) == (pytest.approx(expected), "every 5th frame")


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    columns = [name for item in SETS.values() for name in item.columns]
    rows = pl.DataFrame(
        {
            "source": np.repeat(["a", "b", "c"], 60),
            "clip": np.tile(np.repeat(["x", "y"], 30), 3),
            "frame": np.tile(np.arange(30, dtype=np.uint32), 6),
            **{name: rng.random(180) for name in columns},
            "vmaf": rng.uniform(40, 90, 180),
        }
    )
    info = TableInfo(teacher="vmaf_v0.6.1", features=tuple(columns), versions={}, corpus=None)
    return make_table(rows, info)


def test_the_record_has_every_method_and_what_readers_get_of_it(table):
    models = [judge_model(table, model) for model in reduced_models()]
    assert [item.name for item in models] == ["tinyvmaf_half_v1", "tinyvmaf_quarter_v1"]
    assert {item.sets for item in models} == {(HALF,), (QUARTER,)}
    record = frontier_record(table, models, cpu=CPU, replicates=2, seed=0, level=0.9)
    names = [method.name for method in record.methods]
    assert {"tinyvmaf_quarter_v1 alone", "every 5th frame", "regression on PSNR"} <= set(names)
    costs = [method.cpu_ms for method in record.methods]
    assert costs == sorted(costs)
    assert costs[names.index("libvmaf on every frame")] == pytest.approx(50)
    assert costs[names.index("tinyvmaf_quarter_v1 alone")] == pytest.approx(20)
    assert all(len(row) == len(HEADS) for row in rows(record))
    assert markdown(record).count("\n") == len(names) + 2
    kinds = {
        point["method"]: point["kind"] for point in chart(record)["layer"][1]["data"]["values"]
    }
    assert kinds["signal, 5 exact"] == "signal"
    assert kinds["exact frames alone, 5 exact"] == "exact frames alone"
    assert kinds["tinyvmaf_quarter_v1 alone"] == "tinyvmaf_quarter_v1"
    assert kinds["every 5th frame"] == "every Nth frame"
    assert len(sentences(record)) == 2


def test_predictions_count_for_clips_with_the_same_exact_scores(table, tmp_path):
    model = reduced_model("tinyvmaf_half_v1")
    path = tmp_path / "tinyvmaf_half_v1.parquet"
    found = table.rows.select("source", "clip", "frame", "vmaf").with_columns(
        pl.lit(0, dtype=pl.Int64).alias("seed"), predicted=pl.col("vmaf") + 1
    )
    found.write_parquet(path)
    judged = judge_model(table, model, predictions=read_predictions(path))
    assert model_method(judged.clips, model="m", sets=()).record(cpu=CPU).rmse == pytest.approx(1)
    other = pl.when(pl.col("source") == "a").then(pl.col("vmaf") + 0.01).otherwise(pl.col("vmaf"))
    found.with_columns(vmaf=other).write_parquet(path)
    judged = judge_model(table, model, predictions=read_predictions(path))
    assert {(clip.source, clip.name) for clip in judged.clips} == {
        (source, clip) for source in "bc" for clip in "xy"
    }
    record = frontier_record(table, [judged], cpu=CPU, replicates=2, seed=0, level=0.9)
    assert (record.sources, record.clips, record.clips_left_out) == (("b", "c"), 4, 2)
    found.with_columns(pl.col("vmaf") + 0.01).write_parquet(path)
    with pytest.raises(SchemaError, match="no clip of the corpus has those frames and scores"):
        judge_model(table, model, predictions=read_predictions(path))


def test_what_are_no_predictions_is_said(table, tmp_path):
    path = tmp_path / "tinyvmaf_half_v1.parquet"
    with pytest.raises(UsageError, match=r"no such file; predictions.parquet of a LOSO run is one"):
        read_predictions(path)
    path.write_bytes(b"")
    with pytest.raises(SchemaError, match="not readable predictions: it is empty"):
        read_predictions(path)
    path.write_bytes(b"no Parquet")
    with pytest.raises(SchemaError, match=r"not readable predictions: .*parquet"):
        read_predictions(path)
    table.rows.write_parquet(path)
    with pytest.raises(SchemaError, match=r"not readable predictions: .*seed"):
        read_predictions(path)


def test_sources_that_trained_a_model_do_not_judge_it(table):
    model = reduced_model("tinyvmaf_half_v1")
    seen = table.rows.with_columns(source=pl.lit("City"), clip=pl.col("source") + pl.col("clip"))
    rows = pl.concat([table.rows, seen])
    mixed = make_table(rows, table.info)
    judged = judge_model(mixed, model)
    assert {clip.source for clip in judged.clips} == {"a", "b", "c"}
    with pytest.raises(UsageError, match="was trained on every source of the corpus"):
        judge_model(make_table(seen, table.info), model)
    with pytest.raises(UsageError, match="reads features at full size"):
        reduced_model("tinyvmaf_small_v1")


def test_recommendations_are_the_cheapest_or_the_most_exact():
    empty = model_method([], model="m", sets=()).record(cpu=CPU)
    record = replace(
        from_json(FrontierRecord, json.loads(RESULT.read_text(encoding="utf-8"))),
        cpu_ms={FULL.name: 50.0},
        methods=(
            replace(empty, name="a", cpu_ms=10.0, rmse=2.0, sets=(SIGNAL.name,)),
            replace(empty, name="b", cpu_ms=20.0, rmse=0.8),
            replace(empty, name="c", cpu_ms=30.0, rmse=0.4),
            replace(empty, name="fallen back", cpu_ms=5.0),
            replace(empty, name="all", cpu_ms=50.0, rmse=0.0, sets=(FULL.name,)),
        ),
    )
    found = recommend(record, error=1.0), recommend(record, budget=0.7)
    assert [each.name for each in found] == ["b", "c"]
    assert recommend(record, budget=0.1) is None
    assert sentences(record, error=1.0) == [
        "For an RMSE of 1: b, RMSE 0.80, 2.5 times cheaper.",
    ]
    assert sentences(record, budget=0.1) == [
        "For 10% of libvmaf's CPU time: no method that was measured.",
    ]
