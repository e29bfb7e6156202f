# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from tinyvmaf.scoring.pooling import harmonic_mean, pool, worst_frames

SCORES = np.array([90.0, 80.0, 20.0, 25.0, 85.0, 50.0, 95.0])


def test_pooled_figures():
    pooled = pool(np.arange(101, dtype=np.float64))
    assert (pooled.mean, pooled.min) == (50.0, 0.0)
    assert (pooled.p1, pooled.p5, pooled.p10) == pytest.approx((1.0, 5.0, 10.0))


def test_harmonic_mean_is_that_of_the_scores_plus_one():
    assert harmonic_mean(np.array([0.0, 1.0])) == pytest.approx(2 / (1 / 1 + 1 / 2) - 1)
    assert harmonic_mean(np.array([42.0, 42.0])) == pytest.approx(42.0)


def test_harmonic_mean_is_libvmafs():
    # Source: the five frames and the pooled figures of a log of libvmaf 86da14d (ffmpeg 9.0.2).
    scores = np.array([33.995341, 34.302666, 33.804003, 34.347732, 34.882376])
    pooled = pool(scores)
    assert (pooled.mean, pooled.harmonic_mean) == pytest.approx((34.266424, 34.262616), abs=1e-6)


def test_worst_frames_are_moments_apart():
    times = np.arange(7) * 0.25
    found = worst_frames(SCORES, times, n=3)
    # Frame 3 is bad too, but only a quarter of a second from frame 2.
    assert [(item.frame, item.time_s, item.vmaf) for item in found] == [
        (2, 0.5, 20.0),
        (5, 1.25, 50.0),
        (0, 0.0, 90.0),
    ]


def test_a_short_clip_has_fewer_worst_frames():
    assert len(worst_frames(SCORES, np.zeros(7), n=5)) == 1


def test_one_frame_is_all_of_its_figures():
    pooled = pool(np.array([61.5]))
    assert {pooled.mean, pooled.min, pooled.p1, pooled.p5, pooled.p10} == {61.5}
    assert pooled.harmonic_mean == pytest.approx(61.5)
