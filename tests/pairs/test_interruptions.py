# SPDX-License-Identifier: Apache-2.0
"""Parts of a pair in which the distorted video stands still or shows something else."""

import numpy as np
import pytest

from tests.pairs.drawing import N_FRAMES, scene, seen
from tinyvmaf.media.small_pictures import SmallPictures
from tinyvmaf.pairs.interruptions import frozen, strange

EVERY = (np.arange(N_FRAMES), np.arange(N_FRAMES))


def pair(order, *, noise=3.0, seed=2):
    ours = scene(N_FRAMES)
    return seen(ours, noise=0), _still_noise(ours, order, noise=noise, seed=seed)


def _still_noise(ours, order, *, noise, seed):
    # An encoder repeats a picture with its noise.
    rng = np.random.default_rng(seed)
    rough = ours + rng.normal(0, noise, ours.shape)
    values = np.clip(np.rint(rough[order]), 0, 255).astype(np.uint8)
    return SmallPictures(np.arange(len(order)), values.reshape(len(order), -1), {})


@pytest.mark.parametrize("noise", [1.0, 6.0])
def test_a_frozen_picture_is_found_with_its_frames(noise):
    order = [*range(20), *[20] * 15, *range(35, N_FRAMES)]
    reference, distorted = pair(order, noise=noise)
    assert frozen(reference, distorted, EVERY) == ((21, 34),)


def test_a_still_scene_is_not_frozen():
    ours = np.repeat(scene(1), N_FRAMES, axis=0)
    distorted = _still_noise(ours, list(range(N_FRAMES)), noise=3.0, seed=2)
    assert frozen(seen(ours, noise=0), distorted, EVERY) == ()


def test_one_doubled_frame_is_not_frozen():
    order = [*range(20), 19, *range(20, N_FRAMES - 1)]
    assert frozen(*pair(order), EVERY) == ()


def test_a_slow_scene_of_a_coarse_encode_is_not_frozen():
    # The error is large everywhere, and three frames bring little to it.
    ours = scene(N_FRAMES, speed=0.2)
    order = [frame // 4 * 4 for frame in range(N_FRAMES)]
    distorted = _still_noise(ours, order, noise=15.0, seed=2)
    assert frozen(seen(ours, noise=0), distorted, EVERY) == ()


def test_frames_that_were_not_seen_have_no_say():
    order = [*range(20), *[20] * 15, *range(35, N_FRAMES)]
    reference, distorted = pair(order)
    every_third = slice(None, None, 3)
    some = SmallPictures(distorted.frames[every_third], distorted.pictures[every_third], {})
    assert frozen(reference, some, EVERY) == ()


def test_another_scene_within_a_pair_is_found():
    ours, other = scene(N_FRAMES), scene(N_FRAMES, seed=7)
    mixed = np.concatenate([ours[:20], other[20:30], ours[30:]])
    (part,) = strange(seen(ours, noise=0), seen(mixed), EVERY)
    assert (part.first, part.last) == (20, 29)
    assert part.likeness < 0.4


def test_a_part_that_is_half_covered_by_rubbish_is_found():
    ours = scene(N_FRAMES)
    damaged = ours.copy()
    rng = np.random.default_rng(3)
    damaged[40:, 30:] = rng.normal(110, 40, damaged[40:, 30:].shape)
    (part,) = strange(seen(ours, noise=0), seen(damaged), EVERY)
    assert (part.first, part.last) == (40, N_FRAMES - 1)
    assert 0.5 < part.likeness < 0.9


@pytest.mark.parametrize("noise", [3.0, 30.0])
def test_an_encode_that_is_alike_everywhere_has_no_strange_part(noise):
    ours = scene(N_FRAMES)
    assert strange(seen(ours, noise=0), seen(ours, noise=noise), EVERY) == ()


def test_other_content_from_first_to_last_is_no_part():
    ours, other = scene(N_FRAMES), scene(N_FRAMES, seed=7)
    assert strange(seen(ours, noise=0), seen(other), EVERY) == ()
