# SPDX-License-Identifier: Apache-2.0
"""What small pictures say of a matching; the pictures are drawn, not decoded."""

import numpy as np
import pytest

from tests.pairs.drawing import N_FRAMES, scene, seen
from tinyvmaf.media.small_pictures import SmallPictures
from tinyvmaf.pairs.evidence import examine


def look(order, *, reference=None, noise=3.0, far=0, surplus=0):
    ours = scene(N_FRAMES) if reference is None else reference
    n_frames = min(len(ours), len(order))
    return examine(
        seen(ours, noise=0),
        seen(ours[order], noise=noise),
        matched=(np.arange(n_frames), np.arange(n_frames)),
        surplus=surplus,
        far=far,
    )


def test_frames_in_their_place_are_left_there():
    found = look(list(range(N_FRAMES)))
    assert found.off == ()
    assert found.swapped == ()
    assert found.misfit == pytest.approx(9, rel=0.2)
    assert found.likeness == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("noise", [1.0, 15.0])
@pytest.mark.parametrize("shift", [1, 2, 7])
def test_a_shift_is_found_through_noise(shift, noise):
    (main, *_) = look(list(range(shift, N_FRAMES)), noise=noise).off
    assert (main.first, main.offset) == (0, shift)


@pytest.mark.parametrize("place", [3, 30, 56])
def test_a_dropped_frame_is_found_where_it_was(place):
    order = [frame for frame in range(N_FRAMES) if frame != place]
    (stretch,) = look(order, surplus=-1).off
    assert abs(stretch.first - place) <= 1
    assert (stretch.last, stretch.offset) == (N_FRAMES - 2, 1)


def test_frames_in_each_others_place_are_found():
    order = list(range(N_FRAMES))
    order[20], order[21] = 21, 20
    assert look(order).swapped == (20,)


def test_still_pictures_tell_nothing_and_are_carried_by_the_others():
    still = np.concatenate([scene(1).repeat(30, axis=0), scene(30)])
    assert look(list(range(60)), reference=still).off == ()
    late = [*range(31, 60)]
    found = look([0] * 31 + late, reference=still)
    assert found.off == ()
    (stretch,) = look([0] * 29 + [*range(30, 60)], reference=still, surplus=-1).off
    assert stretch.offset == 1


def test_animation_on_twos_is_not_called_shifted():
    twos = scene(N_FRAMES)[np.arange(N_FRAMES) // 2 * 2]
    found = look(list(range(N_FRAMES)), reference=twos, noise=6.0)
    assert found.off == ()
    assert found.swapped == ()


def test_one_frame_that_was_not_refreshed_moves_nothing():
    order = list(range(N_FRAMES))
    order[30] = 29
    assert look(order).off == ()


def test_noise_that_an_encode_keeps_for_a_while_is_no_shift():
    rng = np.random.default_rng(5)
    still = scene(1).repeat(N_FRAMES, axis=0)
    noisy = still + rng.normal(0, 8, still.shape)
    kept = noisy.copy()
    kept[4:18] = 0.6 * noisy[0] + 0.4 * noisy[4:18]
    found = examine(
        seen(noisy, noise=0),
        seen(kept, noise=1),
        matched=(np.arange(N_FRAMES), np.arange(N_FRAMES)),
    )
    assert found.off == ()


def test_far_shifts_are_found_if_they_are_looked_for():
    long = scene(150, speed=2)
    found = look(list(range(40, 150)), reference=long, far=100)
    assert found.off[0].offset == 40


def test_moments_are_enough():
    ours = scene(200, speed=1)
    order = [frame for frame in range(200) if frame != 90]
    kept = np.concatenate([np.arange(start, start + 4) for start in range(0, 190, 20)])
    theirs = seen(ours[order])
    found = examine(
        seen(ours, noise=0),
        SmallPictures(kept, theirs.pictures[kept], {}),
        matched=(np.arange(199), np.arange(199)),
        surplus=-1,
    )
    (stretch,) = found.off
    assert (stretch.first, stretch.offset) == (100, 1)


@pytest.mark.parametrize("place", [5, 40, 90])
def test_a_frame_that_lacks_among_still_pictures_is_found_by_their_noise(place):
    rng = np.random.default_rng(7)
    ours = np.concatenate([scene(1).repeat(100, axis=0), scene(20)])
    ours = ours + rng.normal(0, 4, ours.shape)
    order = [frame for frame in range(120) if frame != place]
    found = examine(
        seen(ours, noise=0),
        seen(ours[order], noise=3.0),
        matched=(np.arange(119), np.arange(119)),
        surplus=-1,
    )
    (stretch,) = found.off
    assert (stretch.first, stretch.offset) == (place, 1)


@pytest.mark.parametrize("surplus", [-1, 0, 1])
def test_an_encode_whose_blocks_lag_is_no_shift(surplus):
    # Most blocks show the picture before, those with much change the right one, as coarse encodes
    # do where a change is not worth its bits.
    ours = scene(N_FRAMES + 1)
    theirs = ours.copy()
    rng = np.random.default_rng(3)
    for frame in range(20, N_FRAMES):
        for top in range(0, 54, 9):
            for left in range(0, 96, 12):
                late = frame - (rng.random() < 0.5)
                block = np.s_[top : top + 9, left : left + 12]
                theirs[frame][block] = ours[late][block]
    theirs = theirs[: N_FRAMES + surplus]
    found = examine(
        seen(ours[:N_FRAMES], noise=0),
        seen(theirs, noise=12.0),
        matched=(np.arange(N_FRAMES + min(surplus, 0)), np.arange(N_FRAMES + min(surplus, 0))),
        surplus=surplus,
    )
    assert found.off == ()
    assert found.swapped == ()
