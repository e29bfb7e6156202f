# SPDX-License-Identifier: Apache-2.0
"""The parts of two pictures that are compared: as a user says, or as their black bars show.

A crop is proven by the pictures like everything else; what is found here is only proposed.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from jaxtyping import Float

from tinyvmaf.errors import UsageError
from tinyvmaf.pairs.checked import CheckedPair, Crop
from tinyvmaf.pairs.framing import content_box
from tinyvmaf.pairs.looking import Sight, look

AUTO: Final = "auto"

_WORDS: Final = re.compile(r"(?:(?P<side>reference|distorted):)?(\d+):(\d+):(\d+):(\d+)")
# Rows or columns that dark content may be mistaken for.
_SLACK: Final = 4
_BARS: Final = 0.01
# Correlation of pictures when the bars are off.
_SAME: Final = 0.85
_GRID: Final = 96

Crops = tuple[Crop | None, Crop | None]
"""Crops of the reference and of the distorted video."""


def choose_crops(pair: CheckedPair, wish: str | None) -> Crops:
    """The crops that a user asked for.

    Raises:
        UsageError: the words are no crop, or it does not lie within the picture.
    """
    if wish is None:
        return None, None
    if wish == AUTO:
        return bars(pair, look(pair)) if pair.n_frames else (None, None)
    match = _WORDS.fullmatch(wish)
    if match is None:
        raise UsageError(
            f"`crop='{wish}'`: expected W:H:X:Y in pixels of the reference, "
            "distorted:W:H:X:Y, or auto"
        )
    width, height, left, top = (int(number) for number in match.groups()[1:])
    side = pair.distorted if match["side"] == "distorted" else pair.reference
    info = side.info
    if not width or not height or left + width > info.width or top + height > info.height:
        raise UsageError(f"`crop='{wish}'`: does not lie within the picture of {info.size}")
    crop = Crop(width, height, left, top)
    return (None, crop) if match["side"] == "distorted" else (crop, None)


def bars(pair: CheckedPair, sight: Sight) -> Crops:
    """The crops that take black bars off the video that has more of them."""
    boxes = [
        content_box([seen.close_ups[pair_of[side]].profile for pair_of in sight.close])
        for side, seen in enumerate((sight.reference, sight.distorted))
    ]
    infos = pair.reference.info, pair.distorted.info
    wholes = [Crop(info.width, info.height, 0, 0) for info in infos]
    ours, theirs = (box or whole for box, whole in zip(boxes, wholes, strict=True))
    lacking = [
        max(1 - box.width / whole.width, 1 - box.height / whole.height)
        for box, whole in zip((ours, theirs), wholes, strict=True)
    ]
    if abs(lacking[0] - lacking[1]) < _BARS:
        return None, None
    if lacking[0] > lacking[1]:
        crops = _snapped(ours, whole=wholes[0], other=theirs), None
    else:
        crops = None, _snapped(theirs, whole=wholes[1], other=ours)
    return crops if _fits(sight, crops, wholes) else (None, None)


def _fits(sight: Sight, crops: Crops, wholes: Sequence[Crop]) -> bool:
    """True if the pictures agree once one of them is cropped, and did not before."""
    alike: list[tuple[float, float]] = []
    for frames in sight.close:
        seen = sight.reference, sight.distorted
        pictures = [item.close_ups[frame].picture for item, frame in zip(seen, frames, strict=True)]
        parts = [
            _part(picture, crop or whole, whole)
            for picture, crop, whole in zip(pictures, crops, wholes, strict=True)
        ]
        if min(part.std() for part in parts) > 1:
            wholly = [
                _part(item, whole, whole) for item, whole in zip(pictures, wholes, strict=True)
            ]
            alike.append((_correlation(*parts), _correlation(*wholly)))
    if not alike:
        return False
    cropped, whole = np.median(alike, axis=0)
    return bool(cropped >= _SAME and 1 - cropped < (1 - whole) / 2)


def _part(picture: Float[np.ndarray, "h w"], crop: Crop, whole: Crop) -> Float[np.ndarray, "n m"]:
    """Points of a part of a picture, as many of every part."""
    height, width = picture.shape
    across = crop.left + crop.width * (np.arange(_GRID) + 0.5) / _GRID
    down = crop.top + crop.height * (np.arange(_GRID) + 0.5) / _GRID
    columns = (across * width / whole.width).astype(int)
    rows = (down * height / whole.height).astype(int)
    return picture[np.ix_(rows, columns)]


def _correlation(one: Float[np.ndarray, "n m"], other: Float[np.ndarray, "n m"]) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def _snapped(box: Crop, *, whole: Crop, other: Crop) -> Crop:
    """The box in even numbers, or of the other's size where it nearly is that."""
    width, left = _fitted(box.width, box.left, whole=whole.width, other=other.width)
    height, top = _fitted(box.height, box.top, whole=whole.height, other=other.height)
    return replace(box, width=width, height=height, left=left, top=top)


def _fitted(length: int, start: int, *, whole: int, other: int) -> tuple[int, int]:
    if abs(length - other) <= _SLACK:
        # Bars are mostly as wide on both sides.
        middle = (whole - other) // 2
        near = abs(middle - start) <= _SLACK
        return other, middle if near else min(start // 2 * 2, whole - other)
    if whole - length <= _SLACK:
        return whole, 0
    stop = -(-(start + length) // 2) * 2
    start = start // 2 * 2
    return min(stop, whole) - start, start
