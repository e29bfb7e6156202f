# SPDX-License-Identifier: Apache-2.0
"""A small pair of raw videos with a known score, made by arithmetic alone.

No encoder, filter or random generator is used, so that the pair has the same bytes everywhere;
another score means another libvmaf, or a broken one.
"""

from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import UInt8

from tinyvmaf.media.video import RawFormat, Video

WIDTH: Final = 320
HEIGHT: Final = 192
N_FRAMES: Final = 4

_BLOCK: Final = 4

KNOWN_SCORE: Final = 55.688
"""Mean of `vmaf_v0.6.1` as the libvmaf 86da14d of ffmpeg 9.0.2 computes it."""

TOLERANCE: Final = 0.05


def write_known_pair(folder: Path) -> tuple[Video, Video]:
    """Write reference and distorted into `folder`, as raw YUV of 8 bits."""
    raw = RawFormat(WIDTH, HEIGHT)
    videos = Video(folder / "reference.yuv", raw), Video(folder / "distorted.yuv", raw)
    for video, coarse in zip(videos, (False, True), strict=True):
        with video.path.open("wb") as file:
            for number in range(N_FRAMES):
                file.write(_frame(number, coarse=coarse).tobytes())
    return videos


def _frame(number: int, *, coarse: bool) -> UInt8[np.ndarray, " n_bytes"]:
    """Moving rings over a slope, with a fine texture; the distorted one shows blocks of it."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    rings = ((x - number - 100) ** 2 + (y - 96) ** 2) // 211 % 64
    texture = (x * 31 + y * 17) * 2_654_435_761 % 2**32 >> 28
    luma = 48 + rings + x // 4 + texture
    if coarse:
        blocks = luma.reshape(HEIGHT // _BLOCK, _BLOCK, WIDTH // _BLOCK, _BLOCK)
        means = blocks.sum(axis=(1, 3)) // _BLOCK**2
        luma = means.repeat(_BLOCK, axis=0).repeat(_BLOCK, axis=1)
    chroma = np.full(WIDTH * HEIGHT // 2, 128)
    return np.concatenate([luma.ravel(), chroma]).astype(np.uint8)
