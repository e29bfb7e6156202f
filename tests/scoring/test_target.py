# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import PchipInterpolator

from tinyvmaf.scoring.target import Point, _shape_preserving, reach_target

POINTS = [
    Point("crf40.mp4", 200.0, 70.0, 0.5, crf=40.0),
    Point("crf34.mp4", 500.0, 84.0, 0.5, crf=34.0),
    Point("crf28.mp4", 1200.0, 92.0, 0.5, crf=28.0),
    Point("crf22.mp4", 3000.0, 97.0, 0.5, crf=22.0),
]


def reach(target, points=POINTS):
    return reach_target(points, target=target, curve="h264 640x360")


def test_a_target_between_two_encodes():
    found = reach(95.0)
    curve = PchipInterpolator(np.log([p.bitrate_kbps for p in POINTS]), [p.vmaf for p in POINTS])
    assert curve(np.log(found.bitrate_kbps)) == pytest.approx(95, abs=0.01)
    low, high = found.bitrate_interval_kbps
    assert 1200 < low < found.bitrate_kbps < high < 3000
    assert curve(np.log(low)) == pytest.approx(94.5, abs=0.01)
    assert found.between == ("crf28.mp4", "crf22.mp4")
    assert 22 < found.crf < 28


@given(
    st.lists(st.tuples(st.integers(1, 90), st.integers(0, 1000)), min_size=2, max_size=9),
    st.booleans(),
)
def test_the_curve_is_scipys(steps, rising):
    x = np.cumsum([step / 10 for step, _ in steps])
    y = np.array([value / 10 for _, value in steps])
    if rising:
        y = np.sort(y)
    grid = np.linspace(x[0], x[-1], 50)
    expected = PchipInterpolator(x, y)(grid)
    assert _shape_preserving(x, y, grid) == pytest.approx(expected, abs=1e-6)


def test_a_target_that_is_an_encode():
    found = reach(84.0)
    assert found.bitrate_kbps == pytest.approx(500, rel=1e-3)
    assert found.crf == pytest.approx(34, abs=0.01)


def test_an_end_of_the_interval_beyond_the_range_is_none():
    assert reach(96.8).bitrate_interval_kbps[1] is None
    assert reach(70.2).bitrate_interval_kbps[0] is None


def test_without_crf_there_is_none():
    points = [Point(p.name, p.bitrate_kbps, p.vmaf, p.half_width) for p in POINTS]
    assert reach(90.0, points).crf is None


@pytest.mark.parametrize(
    ("target", "points", "reason"),
    [
        (98.0, POINTS, "98 lies above the measured range 70.00 to 97.00"),
        (60.0, POINTS, "60 lies below the measured range 70.00 to 97.00"),
        (90.0, POINTS[:1], "a curve needs two encodes of different bitrates"),
        (
            80.0,
            [POINTS[0], Point("b", 500.0, 60.0, 0.1)],
            "the score does not rise with the bitrate",
        ),
    ],
)
def test_a_target_that_is_not_reached(target, points, reason):
    found = reach(target, points)
    assert (found.bitrate_kbps, found.reason) == (None, reason)
