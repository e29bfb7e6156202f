# SPDX-License-Identifier: Apache-2.0
import polars as pl
import pytest

from tinyvmaf.errors import SchemaError
from tinyvmaf.evaluation.card_figures import coverage, loso_figures, radius, residuals
from tinyvmaf.models.card import Residuals

# Two sources of two clips of two frames; what the frames are missed by is chosen by hand.
WRONG = {
    ("A", "x"): (1.0, -1.0),
    ("A", "y"): (2.0, 2.0),
    ("B", "x"): (0.0, 0.0),
    ("B", "y"): (-3.0, -1.0),
}


def predictions(seeds=(0,), factor=1.0):
    rows = [
        (source, clip, frame, seed, 50.0 + 10 * frame, 50.0 + 10 * frame + factor**seed * wrong)
        for seed in seeds
        for (source, clip), both in WRONG.items()
        for frame, wrong in enumerate(both)
    ]
    names = ["source", "clip", "frame", "seed", "vmaf", "predicted"]
    return pl.DataFrame(rows, schema=names, orient="row")


def test_the_figures_are_those_of_the_sources():
    found = loso_figures(predictions(), protocol="by hand", run="a_run")
    rmse_a, rmse_b = (10 / 4) ** 0.5, (10 / 4) ** 0.5
    assert (found.protocol, found.run) == ("by hand", "a_run")
    assert (found.n_sources, found.n_clips, found.n_frames) == (2, 4, 8)
    assert found.rmse == pytest.approx((rmse_a + rmse_b) / 2)
    assert found.rmse_std == pytest.approx(0, abs=1e-12)
    assert found.worst_rmse == pytest.approx(rmse_a)
    assert found.clip_rmse == pytest.approx(((0 + 4) / 2) ** 0.5)  # both sources: means 0 and ±2


def test_a_correlation_that_does_not_exist_for_one_source_has_no_mean():
    flat = predictions().with_columns(
        vmaf=pl.when(pl.col("source") == "A").then(70.0).otherwise(pl.col("vmaf"))
    )
    found = loso_figures(flat, protocol="by hand", run="a_run")
    assert found.plcc is None
    assert found.srocc is None


def test_one_source_gives_no_figures():
    alone = predictions().filter(pl.col("source") == "A")
    with pytest.raises(SchemaError, match="predictions of 1 sources; a LOSO error needs two"):
        loso_figures(alone, protocol="by hand", run="a_run")


def test_residuals_are_those_of_the_first_seeds_clips():
    found = residuals(predictions(seeds=(0, 1), factor=5.0))
    assert [item.source for item in found] == ["A", "B"]
    assert found[0].residuals == pytest.approx((0.0, 2.0))
    assert found[1].residuals == pytest.approx((0.0, -2.0))


def test_a_source_is_covered_by_the_interval_of_the_others():
    small = [Residuals(f"S{index}", (0.1, -0.2)) for index in range(9)]
    calibration = [*small, Residuals("Large", (0.1, -5.0))]
    shares = coverage(calibration, level=0.9)
    assert shares == {**{f"S{index}": 1.0 for index in range(9)}, "Large": 0.5}
    assert radius(small, level=0.9) == pytest.approx(0.2)
    assert radius(small[:3], level=0.9) == float("inf")
