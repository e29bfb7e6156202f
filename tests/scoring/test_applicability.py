# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from tinyvmaf.models.card import Range
from tinyvmaf.scoring.applicability import DomainWatch, Verdict

DOMAIN = {"adm2": Range(0.5, 0.6, 0.99, 1.0), "motion2": Range(0.0, 0.0, 20.0, 30.0)}


def watch(*parts):
    watched = DomainWatch(DOMAIN)
    for part in parts:
        watched.add(np.asarray(part, dtype=np.float64))
    return watched.verdict()


def rows(n, adm2=0.9, motion2=5.0):
    return np.tile([adm2, motion2], (n, 1))


def test_features_within_the_ranges_are_inside():
    found = watch(rows(60), rows(40))
    assert (found.verdict, found.feature) == (Verdict.INSIDE, None)


def test_a_single_frame_beyond_a_range_does_no_harm():
    assert watch(rows(99), rows(1, motion2=31.0)).verdict is Verdict.INSIDE


@pytest.mark.parametrize("value", [-1.0, 31.0])
def test_more_frames_beyond_a_range_are_outside_and_name_the_feature(value):
    found = watch(rows(98), rows(2, motion2=value))
    assert (found.verdict, found.feature, found.share) == (Verdict.OUTSIDE, "motion2", 0.02)
    assert found.reason == (
        "motion2 of 2% of the frames is beyond all that the model was trained on"
    )


def test_many_frames_in_a_tail_are_at_the_edge():
    found = watch(rows(89), rows(11, adm2=0.55))
    assert (found.verdict, found.feature) == (Verdict.EDGE, "adm2")
    assert found.reason == (
        "adm2 of 11% of the frames is where only 2 % of what the model was trained on"
    )


def test_the_tenth_that_may_lie_in_the_tails():
    assert watch(rows(90), rows(10, adm2=0.55)).verdict is Verdict.INSIDE


def test_parts_count_like_the_whole():
    whole = np.vstack([rows(50), rows(3, adm2=0.4), rows(47)])
    assert watch(whole) == watch(whole[:20], whole[20:51], whole[51:])
