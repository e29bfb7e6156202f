# SPDX-License-Identifier: Apache-2.0
"""Small pictures that are drawn, not decoded."""

import numpy as np

from tinyvmaf.media.small_pictures import SMALL, SmallPictures

N_FRAMES = 60


def scene(n_frames, *, speed=1.0, seed=1):
    """A texture that moves over a background."""
    rng = np.random.default_rng(seed)
    width, height = SMALL
    texture = rng.normal(0, 40, (height // 4 + 1, 400)).repeat(4, axis=0)[:height]
    texture = texture.repeat(4, axis=1)
    texture = sum(np.roll(texture, shift, axis=1) for shift in range(6)) / 3
    starts = (np.arange(n_frames) * speed).astype(int)
    return np.stack([texture[:, 100 + start : 100 + start + width] for start in starts]) + 110


def seen(pictures, *, noise=3.0, seed=2):
    rng = np.random.default_rng(seed)
    rough = pictures + rng.normal(0, noise, pictures.shape)
    values = np.clip(np.rint(rough), 0, 255).astype(np.uint8).reshape(len(pictures), -1)
    return SmallPictures(np.arange(len(values)), values, {})
