# SPDX-License-Identifier: Apache-2.0
import numpy as np
import polars as pl
import pytest

from tests.report.conftest import typed
from tinyvmaf.report.chart import by_error
from tinyvmaf.report.points import points_of


@pytest.fixture(scope="module")
def order(bare_record):
    return by_error(typed(bare_record))


def errors(run, seed=0):
    rows = run.predictions.filter(pl.col("seed") == seed)
    return rows.with_columns((pl.col("predicted").cast(pl.Float64) - pl.col("vmaf")).alias("error"))


def test_few_frames_are_all_there(run, order):
    points = points_of(run, order=order)
    assert len(points.frames) == points.n_frames == 4 * 3 * 40


def test_thinning_keeps_every_sources_extremes_and_the_limit(run, order):
    points = points_of(run, order=order, most_frames=40)
    assert points.n_frames == 480
    assert len(points.frames) <= 40 + 2 * 4
    drawn = {}
    for row in points.frame_rows():
        drawn.setdefault(row["source"], []).append(row["error"])
    for source, rows in errors(run).group_by("source"):
        assert max(drawn[source[0]]) == pytest.approx(rows["error"].max(), abs=2e-3)
        assert min(drawn[source[0]]) == pytest.approx(rows["error"].min(), abs=2e-3)


def test_only_the_first_seeds_models_are_drawn(run, order):
    points = points_of(run, order=order)
    first = errors(run)["predicted"].cast(pl.Float64)
    assert sorted(frame[3] for frame in points.frames) == pytest.approx(sorted(first), abs=6e-4)


def test_thinning_does_not_depend_on_the_order_of_rows(run, order):
    shuffled = run.predictions.sample(fraction=1.0, shuffle=True, seed=5)
    turned = type(run)(run.facts, shuffled, run.baselines)
    assert points_of(turned, order=order, most_frames=50) == points_of(
        run, order=order, most_frames=50
    )


def test_a_clips_error_is_that_of_its_means(run, order):
    rows = errors(run).filter(pl.col("source") == "Bird")
    for clip in points_of(run, order=order).by_clip:
        if clip["source"] == "Bird":
            own = rows.filter(pl.col("clip") == clip["clip"])
            expected = own["predicted"].cast(pl.Float64).mean() - own["vmaf"].mean()
            assert clip["error"] == pytest.approx(expected, abs=6e-4)


def test_the_spread_over_the_scale_is_of_all_frames_in_a_bin(run, order):
    rows = errors(run)
    target, error = rows["vmaf"].to_numpy(), rows["error"].to_numpy()
    bins = points_of(run, order=order, most_frames=20).by_score
    assert bins
    for found in bins:
        top = found["low"] + 5 if found["low"] < 95 else np.inf
        own = error[(target >= found["low"]) & (target < top)]
        assert found["n"] == len(own) >= 20
        assert found["q50"] == pytest.approx(np.median(own), abs=1e-3)
        assert own.min() <= found["q05"] <= found["q50"] <= found["q95"] <= own.max()


def test_sources_come_in_the_order_that_is_asked_for(run, order):
    found = points_of(run, order=order)
    assert list(dict.fromkeys(source for source, _ in found.clips)) == order
    assert list(dict.fromkeys(row["source"] for row in found.frame_rows())) == order
