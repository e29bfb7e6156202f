# SPDX-License-Identifier: Apache-2.0
"""Comparison of the framing of two pictures: black bars, and moved or zoomed pictures.

In go grey pictures of matched frames, out come the box that holds the picture within its bars, and
how far the picture of the distorted video is moved against that of the reference. Displacements are
measured block by block and to a fraction of a pixel; blocks without texture have no say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float

from tinyvmaf.pairs.checked import Crop

# Grey levels of limited range: black is 16, and coding lets it ring a little.
_BLACK: Final = 24.0
_BLOCKS: Final = (5, 4)
_SEARCH: Final = 6
_TEXTURE: Final = 4.0
_SURE: Final = 0.4


def content_box(profiles: Sequence[tuple[np.ndarray, np.ndarray]]) -> Crop | None:
    """The smallest box that holds all that is not black in any of the pictures; None if all is."""
    rows = np.max([item[0] for item in profiles], axis=0) > _BLACK
    columns = np.max([item[1] for item in profiles], axis=0) > _BLACK
    if not rows.any() or not columns.any():
        return None
    top, bottom = (int(value) for value in np.flatnonzero(rows)[[0, -1]])
    left, right = (int(value) for value in np.flatnonzero(columns)[[0, -1]])
    return Crop(right - left + 1, bottom - top + 1, left, top)


@dataclass(frozen=True, slots=True)
class Displacement:
    """Position and scale of the distorted video's picture relative to the reference's.

    Attributes:
        moved: Pixels of the compared pictures by which it is moved, to the right and down.
        zoom: By how much wider and higher it is, 1 for the same.
        worst: The largest displacement within the picture, in pixels of the compared pictures.
        n_blocks: Blocks that this rests on.
        gained: Squared distance that is left when the reference is moved so, over that before.
    """

    moved: tuple[float, float]
    zoom: tuple[float, float]
    worst: float
    n_blocks: int
    gained: float


def displacement(
    pairs: Sequence[tuple[Float[np.ndarray, "h w"], Float[np.ndarray, "h w"]]],
) -> Displacement | None:
    """The displacement that most blocks of all pictures agree in; None if too few tell.

    Args:
        pairs: Pictures of the reference and of the distorted video, all of one size.
    """
    found = [item for ours, theirs in pairs for item in _blocks(ours, theirs)]
    if len(found) < 6:  # noqa: PLR2004
        return None
    height, width = pairs[0][0].shape
    fits = [_line([(item[axis], item[2 + axis]) for item in found]) for axis in (0, 1)]
    size = (width, height)
    moved, zoom, edges = [], [], []
    for (offset, slope), length in zip(fits, size, strict=True):
        moved.append(offset + slope * length / 2)
        zoom.append(1 + slope)
        edges.append(max(abs(offset), abs(offset + slope * length)))
    left = sum(_left(ours, theirs, fits) for ours, theirs in pairs)
    before = sum(_left(ours, theirs, [(0.0, 0.0)] * 2) for ours, theirs in pairs)
    gained = left / before if before > 0 else 1.0
    return Displacement((moved[0], moved[1]), (zoom[0], zoom[1]), max(edges), len(found), gained)


def _left(
    ours: Float[np.ndarray, "h w"],
    theirs: Float[np.ndarray, "h w"],
    fits: Sequence[tuple[float, float]],
) -> float:
    """Mean squared distance of the inner pictures when the reference is displaced by two lines."""
    height, width = ours.shape
    x, y = (np.arange(_SEARCH, side - _SEARCH) for side in (width, height))
    columns, rows = (
        np.clip(place - offset - slope * place, 1, side - 2.001)
        for place, (offset, slope), side in zip((x, y), fits, (width, height), strict=True)
    )
    blurred, other = _blurred(ours), _blurred(theirs)
    left, top = columns.astype(int), rows.astype(int)
    across, down = columns - left, (rows - top)[:, None]
    corners = [blurred[np.ix_(top + dy, left + dx)] for dy in (0, 1) for dx in (0, 1)]
    upper = corners[0] * (1 - across) + corners[1] * across
    lower = corners[2] * (1 - across) + corners[3] * across
    moved = upper * (1 - down) + lower * down
    return float(np.square(moved - other[np.ix_(y, x)]).mean())


def _blurred(picture: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    """So that interpolation, which blurs, gains nothing by it."""
    wide = np.pad(picture, 1, mode="edge")
    return (
        sum(
            (
                wide[dy : dy + picture.shape[0], dx : dx + picture.shape[1]]
                for dy in range(3)
                for dx in range(3)
            ),
            start=np.zeros_like(picture),
        )
        / 9
    )


def _blocks(
    ours: Float[np.ndarray, "h w"], theirs: Float[np.ndarray, "h w"]
) -> list[tuple[float, float, float, float]]:
    """Centre and displacement of every block that tells."""
    height, width = ours.shape
    across, down = _BLOCKS
    w, h = (width - 2 * _SEARCH) // across, (height - 2 * _SEARCH) // down
    found = []
    if min(w, h) < 8:  # noqa: PLR2004
        return []
    for row in range(down):
        for column in range(across):
            y, x = _SEARCH + row * h, _SEARCH + column * w
            block = theirs[y : y + h, x : x + w]
            if block.std() < _TEXTURE:
                continue
            around = ours[y - _SEARCH : y + h + _SEARCH, x - _SEARCH : x + w + _SEARCH]
            step = _best(around, block)
            if step is not None:
                found.append((x + w / 2, y + h / 2, step[0], step[1]))
    return found


def _best(
    around: Float[np.ndarray, "h w"], block: Float[np.ndarray, "bh bw"]
) -> tuple[float, float] | None:
    """Displacement of the distorted picture at which the block fits the reference."""
    height, width = block.shape
    n = block.size
    steps = range(2 * _SEARCH + 1)
    plain = (block - block.mean()).astype(np.float32)
    around = around.astype(np.float32)
    inner = np.array(
        [[np.vdot(around[y : y + height, x : x + width], plain) for x in steps] for y in steps]
    )
    means, squares = (_sums(values, block.shape) / n for values in (around, around**2))
    energy = squares - means**2
    variance = float(block.var())
    apart = energy + variance - 2 * inner / n
    row, column = np.unravel_index(int(apart.argmin()), apart.shape)
    last = 2 * _SEARCH
    if apart[row, column] > _SURE * variance:
        return None
    if not (0 < row < last and 0 < column < last):
        return float(_SEARCH - column), float(_SEARCH - row)
    fine_y = _vertex(apart[row - 1 : row + 2, column])
    fine_x = _vertex(apart[row, column - 1 : column + 2])
    if fine_x is None or fine_y is None:
        return None
    return _SEARCH - (column + fine_x), _SEARCH - (row + fine_y)


def _sums(values: Float[np.ndarray, "h w"], shape: tuple[int, int]) -> Float[np.ndarray, "n m"]:
    """Sums over all windows of a shape."""
    total = np.pad(values.astype(np.float64).cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    height, width = shape
    lower, upper = total[height:], total[:-height]
    return lower[:, width:] - lower[:, :-width] - upper[:, width:] + upper[:, :-width]


def _vertex(values: Float[np.ndarray, " 3"]) -> float | None:
    """Position of the minimum of the parabola through three values; None if it is flat."""
    bend = values[0] - 2 * values[1] + values[2]
    return float((values[0] - values[2]) / (2 * bend)) if bend > 1e-3 * (values.max() + 1) else None


def _line(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Offset and slope of a line through most points: least squares, then without the outliers."""
    x, y = np.array(points).T
    keep = np.abs(y - np.median(y)) < 2 + 2 * np.median(np.abs(y - np.median(y)))
    offset, slope = 0.0, 0.0
    for _ in range(3):
        if keep.sum() < 4 or np.ptp(x[keep]) == 0:  # noqa: PLR2004
            return float(np.median(y)), 0.0
        design = np.stack([np.ones(int(keep.sum())), x[keep]], axis=1)
        offset, slope = np.linalg.lstsq(design, y[keep], rcond=None)[0]
        apart = np.abs(y - offset - slope * x)
        keep = apart <= max(0.3, 2.5 * float(np.median(apart)))
    return float(offset), float(slope)
