# SPDX-License-Identifier: Apache-2.0
"""One frame of a video, examined closely: its picture, its black bars, its combs, its detail.

A frame that shows two moments is combed where something moves: a line is then less like its
neighbours, which belong to the other field, than like the next lines of its own field.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Int, Int16, UInt8

LONGER: Final = 320
"""The longer side of the picture, in pixels."""

Profile = tuple[UInt8[np.ndarray, " height"], UInt8[np.ndarray, " width"]]
"""The brightest level of each row and of each column."""

_BLOCK: Final = 16
_MORE: Final = 1.6
_LEVELS: Final = 3.0
_LARGE: Final = 700

_DETAIL_CROP: Final = 512

_PROFILE_PIXELS: Final = 135

COMBED: Final = 0.02
"""Share of combed blocks from which on a picture counts as combed."""


@dataclass(frozen=True, slots=True)
class CloseUp:
    """One frame, upright.

    Attributes:
        picture: Its luma, scaled to at most `LONGER` pixels.
        profile: Its brightest levels, at the size of the frame; single bright pixels are left out.
        combed: Share of its blocks that are combed, in [0, 1].
        detail: Mean absolute difference of neighbouring pixels in its middle, in grey levels.
    """

    picture: Float[np.ndarray, "h w"]
    profile: Profile
    combed: float
    detail: float


def close_up(
    stored: UInt8[np.ndarray, "stored_height stored_width"],
    upright: UInt8[np.ndarray, "height width"],
    *,
    size: tuple[int, int],
) -> CloseUp:
    """Examine a frame closely.

    Args:
        stored: All of its luma, as it is stored; combs lie in its lines.
        upright: The part of it that is compared, as it is shown.
        size: Width and height of the small picture.
    """
    return CloseUp(
        picture=_scaled(upright, size),
        profile=_profile(upright),
        combed=_combed_share(stored),
        detail=_detail(upright),
    )


def _scaled(luma: UInt8[np.ndarray, "h w"], size: tuple[int, int]) -> Float[np.ndarray, "sh sw"]:
    import av

    whole = av.VideoFrame.from_ndarray(np.ascontiguousarray(luma), format="gray")
    small = whole.reformat(width=size[0], height=size[1], interpolation="AREA")
    return small.to_ndarray().astype(np.float64)


def _detail(luma: UInt8[np.ndarray, "h w"]) -> float:
    top, left = (max(0, (side - _DETAIL_CROP) // 2) for side in luma.shape)
    middle = luma[top : top + _DETAIL_CROP, left : left + _DETAIL_CROP].astype(np.int16)
    steps = [np.abs(np.diff(middle, axis=axis)) for axis in (0, 1) if middle.shape[axis] > 1]
    return float(sum(step.mean() for step in steps))


def _profile(luma: UInt8[np.ndarray, "h w"]) -> Profile:
    """The brightest level of each row and of each column, but for single bright pixels.

    Of a large picture's rows and columns, some of the pixels suffice.
    """
    step = max(1, min(luma.shape) // _PROFILE_PIXELS)
    across, down = luma[:, ::step], luma[::step]
    few = max(1, across.shape[1] // 200)
    rows = np.partition(across, -few, axis=1)[:, -few]
    few = max(1, down.shape[0] // 200)
    columns = np.partition(down, -few, axis=0)[-few]
    return rows, columns


def _combed_share(luma: UInt8[np.ndarray, "h w"]) -> float:
    """Share of the blocks, in [0, 1], that are combed."""
    height, width = (side // _BLOCK * _BLOCK for side in (luma.shape[0] - 4, luma.shape[1]))
    if height <= 0 or not width:
        return 0.0
    # Row by row of blocks: whole arrays of a large picture take most of their time to allocate.
    # Of a large picture, every other row of blocks suffices.
    tops = range(0, height, _BLOCK * (1 if height < _LARGE else 2))
    combed = 0
    for top in tops:
        rows = luma[top : top + _BLOCK + 4, :width].astype(np.int16)
        middle = 2 * rows[2:-2]
        between = _sums(np.abs(middle - rows[1:-3] - rows[3:-1]))
        field = _sums(np.abs(middle - rows[:-4] - rows[4:]))
        combed += int((between > _MORE * field + 2 * _LEVELS * _BLOCK**2).sum())
    return combed / (len(tops) * (width // _BLOCK))


def _sums(differences: Int16[np.ndarray, "block w"]) -> Int[np.ndarray, " n_blocks"]:
    """Sums of twice the differences in each block; those of a column fit into 16 bits."""
    columns = differences.sum(axis=0, dtype=np.int16)
    return columns.reshape(-1, _BLOCK).sum(axis=1, dtype=np.int64)
