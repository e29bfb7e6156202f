# SPDX-License-Identifier: Apache-2.0
"""Whether pictures show where a matching changes; the pictures are drawn, not decoded."""

from dataclasses import replace

import numpy as np
import pytest

from tests.pairs.drawing import N_FRAMES, scene, seen
from tests.pairs.making import PLAIN, checked
from tinyvmaf.pairs.checked import Matching, Side
from tinyvmaf.pairs.locating import is_located, other_start, steadied
from tinyvmaf.pairs.looking import Sight
from tinyvmaf.pairs.picture_matching import matching_at


def located(ours, order, offsets, *, noise=3.0):
    frames = np.arange(len(order))
    return is_located(
        seen(ours, noise=0),
        seen(ours[order], noise=noise),
        matched=(frames, frames),
        offsets=np.array(offsets),
    )


DROPPED = [*range(30), *range(31, N_FRAMES)]
TRUE = [0] * 30 + [1] * 29


def test_a_change_in_a_moving_scene_is_located():
    assert located(scene(N_FRAMES), DROPPED, TRUE)


@pytest.mark.parametrize("change", [25, 28, 32, 36])
def test_a_change_at_the_wrong_frame_is_not(change):
    assert not located(scene(N_FRAMES), DROPPED, [0] * change + [1] * (59 - change))


def test_a_change_that_makes_no_difference_is():
    still = np.repeat(scene(1), N_FRAMES, axis=0)
    assert located(still, DROPPED, [0] * 10 + [1] * 49)


def test_a_change_that_a_coarse_encode_does_not_show_is_not():
    # It refreshes every eighth picture only, while the scene moves on by half a pixel a frame.
    coarse = [frame // 8 * 8 for frame in DROPPED]
    assert not located(scene(N_FRAMES, speed=0.5), coarse, TRUE, noise=12.0)


def test_a_shift_that_is_off_by_one_is_not():
    order = list(range(5, N_FRAMES))
    assert located(scene(N_FRAMES), order, [5] * len(order))
    assert not located(scene(N_FRAMES), order, [4] * len(order))


def test_an_excerpt_of_a_still_scene_may_begin_anywhere():
    rng = np.random.default_rng(4)
    still = scene(1) + rng.normal(0, 1.0, (N_FRAMES, 54, 96))
    first = np.arange(20)
    taken = seen(still[10:30], noise=6.0)
    assert other_start(seen(still, noise=0), taken, (first, first)) is not None


def test_an_excerpt_from_the_start_of_a_moving_scene_begins_there():
    ours = scene(N_FRAMES)
    first = np.arange(20)
    assert other_start(seen(ours, noise=0), seen(ours[:20]), (first, first)) is None


def test_short_returns_are_taken_out_and_long_ones_stay():
    offsets = np.array([0] * 6 + [1] * 2 + [0] * 5 + [1] * 4 + [0] * 5)
    assert steadied(offsets).tolist() == [0] * 13 + [1] * 4 + [0] * 5


def test_a_matching_that_is_a_guess_is_none():
    frames = np.arange(len(DROPPED))
    pair = checked(matching=Matching.by_number(len(DROPPED)))
    ours, theirs = (
        Side(side.video, replace(PLAIN, n_frames=n_frames))
        for side, n_frames in ((pair.reference, N_FRAMES), (pair.distorted, len(DROPPED)))
    )
    pair = replace(pair, reference=ours, distorted=theirs)
    pictures = scene(N_FRAMES)
    sight = Sight(seen(pictures, noise=0), seen(pictures[DROPPED]), (frames, frames), ())
    found = matching_at(pair, sight, np.array(TRUE))
    assert found is not None
    assert [(run.reference, run.distorted) for run in found.runs] == [(0, 0), (31, 30)]
    assert matching_at(pair, sight, np.array([0] * 20 + [1] * 39)) is None
