# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from tinyvmaf.pairs.shift import MAX_SHIFT, find_shift


def scene(n_frames=40, speed=1.5, seed=0):
    """A random texture that moves under the window."""
    rng = np.random.default_rng(seed)
    wide = np.repeat(np.repeat(rng.uniform(20, 200, (12, 60)), 3, axis=0), 4, axis=1)
    starts = (np.arange(n_frames) * speed).astype(int)
    return np.stack([wide[:, start : start + 64] for start in starts]).astype(np.uint8)


def degraded(pictures, noise=6.0, seed=1):
    rng = np.random.default_rng(seed)
    changed = pictures * 0.9 + 8 + rng.normal(0, noise, pictures.shape)
    return np.clip(changed, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("shift", [0, 1, 2, 7, MAX_SHIFT])
def test_a_shift_of_either_side_is_found(shift):
    whole = scene(50)
    late, early = degraded(whole[shift : shift + 40]), whole[:40]
    found = find_shift(reference=early, distorted=late)
    assert (found.frames, found.certain) == (shift, True)
    found = find_shift(reference=late, distorted=early)
    assert (found.frames, found.certain) == (-shift, True)
    assert found.likeness > 0.9


def test_a_still_beginning_tells_nothing():
    still = np.repeat(scene(1), 40, axis=0)
    found = find_shift(reference=still, distorted=degraded(still))
    assert (found.frames, found.certain) == (0, False)


def test_a_repeating_beginning_is_not_called_shifted():
    pattern = np.tile(scene(4, speed=9.0), (10, 1, 1))
    assert find_shift(reference=pattern, distorted=degraded(pattern)).frames == 0


def test_other_content_is_not_alike():
    found = find_shift(reference=scene(), distorted=scene(seed=9))
    assert (found.frames, found.certain) == (0, False)
    assert found.likeness < 0.3


@pytest.mark.parametrize("n_frames", [1, 2, 4])
def test_too_few_frames_tell_nothing(n_frames):
    found = find_shift(reference=scene(n_frames), distorted=scene(n_frames))
    assert (found.frames, found.certain) == (0, False)
    assert found.likeness == 1.0


def test_black_pictures_tell_nothing():
    black = np.zeros((40, 36, 64), dtype=np.uint8)
    found = find_shift(reference=black, distorted=black)
    assert (found.frames, found.certain) == (0, False)
