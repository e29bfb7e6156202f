# SPDX-License-Identifier: Apache-2.0
"""Comparison of the framing of two pictures: black bars, and moved or zoomed pictures.

In go grey pictures of matched frames, out come the box that holds the picture within its bars, and
how far the picture of the distorted video is moved against that of the reference. Displacements are
measured to a fraction of a pixel.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float

from tinyvmaf.pairs.checked import Crop

# Grey levels of limited range: black is 16, and coding lets it ring a little.
_BLACK: Final = 24.0
_TEXTURE: Final = 2.0
# Pixels to either side over which pictures are blurred, and steps for each.
_RADII: Final = (16, 8, 4, 2)
_ROUNDS: Final = 8
_CONVERGED: Final = 3e-3
# Scales that are searched; a fit outside of them has lost its way, down to pictures turned over.
_SCALES: Final = (0.4, 2.5)
# Share of the picture that must be left to compare.
_LEAST: Final = 0.2


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
        gained: Squared distance that is left when the reference is moved so, over that before.
    """

    moved: tuple[float, float]
    zoom: tuple[float, float]
    worst: float
    gained: float


def displacement(
    pairs: Sequence[tuple[Float[np.ndarray, "h w"], Float[np.ndarray, "h w"]]],
) -> Displacement | None:
    """The displacement and scale at which the pictures agree best; None if there is none.

    Found by Gauss-Newton steps on pictures that are blurred less and less (Lucas and Kanade, "An
    iterative image registration technique", 1981).

    Args:
        pairs: Pictures of the reference and of the distorted video, all of one size.
    """
    told = [pair for pair in pairs if min(side.std() for side in pair) > _TEXTURE]
    if not told:
        return None
    fit = np.zeros(4)
    for radius in _RADII:
        # Of a blurred picture, every so manyth pixel tells as much as all.
        every = max(1, radius // 4)
        unit = np.array([every, 1, every, 1])
        sides = [tuple(_blurred(side, radius, every=every) for side in pair) for pair in told]
        for _ in range(_ROUNDS):
            step = _step(sides, fit / unit, border=radius // every)
            if step is None:
                return None
            fit = fit + step * unit
            if np.abs(step).max() < _CONVERGED:
                break
    height, width = told[0][0].shape
    # Per axis: what the middle is moved by, and by how much more per pixel from there.
    moved, slope = (fit[0], fit[2]), (fit[1], fit[3])
    if not all(_SCALES[0] <= 1 + more <= _SCALES[1] for more in slope):
        return None
    worst = max(
        abs(offset) + abs(more) * side / 2
        for offset, more, side in zip(moved, slope, (width, height), strict=True)
    )
    before = sum(_left(*pair, np.zeros(4)) for pair in told)
    gained = sum(_left(*pair, fit) for pair in told) / before if before > 0 else 1.0
    return Displacement(
        moved=(-float(moved[0]), -float(moved[1])),
        zoom=(1 / (1 + float(slope[0])), 1 / (1 + float(slope[1]))),
        worst=float(worst),
        gained=gained,
    )


def _step(
    sides: Sequence[tuple[Float[np.ndarray, "h w"], ...]],
    fit: Float[np.ndarray, " 4"],
    *,
    border: int,
) -> Float[np.ndarray, " 4"] | None:
    """The change of the fit that brings the reference nearer to the distorted pictures."""
    normal, right = np.zeros((4, 4)), np.zeros(4)
    for ours, theirs in sides:
        moved, known = _moved(ours, fit)
        height, width = moved.shape
        rows, columns = _within(known[0], border, height), _within(known[1], border, width)
        if (rows.stop - rows.start) * (columns.stop - columns.start) < _LEAST * moved.size:
            return None
        inside = rows, columns
        down, across = (gradient[inside] for gradient in np.gradient(moved))
        x, y = _from_middle(moved.shape)
        design = np.stack([across, across * x[:, columns], down, down * y[rows]]).reshape(4, -1)
        error = (theirs - moved)[inside].ravel()
        # Brightness and contrast may differ.
        error = error - error.mean()
        normal += design @ design.T
        right += design @ error
    try:
        return np.linalg.solve(normal + np.diag(1e-6 * np.diag(normal) + 1e-9), right)
    except np.linalg.LinAlgError:
        return None


def _from_middle(
    shape: tuple[int, int],
) -> tuple[Float[np.ndarray, "1 w"], Float[np.ndarray, "h 1"]]:
    height, width = shape
    return (np.arange(width) - (width - 1) / 2)[None], (np.arange(height) - (height - 1) / 2)[
        :, None
    ]


def _within(known: slice, border: int, length: int) -> slice:
    """The known part of a side, without the border; empty if nothing is left."""
    start, stop = max(known.start, border), min(known.stop, length - border)
    return slice(start, max(start, stop))


def _moved(
    picture: Float[np.ndarray, "h w"], fit: Float[np.ndarray, " 4"]
) -> tuple[Float[np.ndarray, "h w"], tuple[slice, slice]]:
    """The picture as a fit displaces and scales it, and the rows and columns that are known."""
    height, width = picture.shape
    x, y = _from_middle(picture.shape)
    columns = (np.arange(width) + fit[0] + fit[1] * x[0]).clip(-1, width)
    rows = (np.arange(height) + fit[2] + fit[3] * y[:, 0]).clip(-1, height)
    known = _known(rows), _known(columns)
    columns, rows = columns.clip(0, width - 1.001), rows.clip(0, height - 1.001)
    left, top = columns.astype(int), rows.astype(int)
    across, down = columns - left, (rows - top)[:, None]
    # Rows first: indices of both axes at once take several times as long.
    upper, lower = (
        lines.take(left, 1) * (1 - across) + lines.take(left + 1, 1) * across
        for lines in (picture.take(top, 0), picture.take(top + 1, 0))
    )
    return upper * (1 - down) + lower * down, known


def _known(positions: Float[np.ndarray, " n"]) -> slice:
    """The pixels of a side that lie within the picture, which are neighbours of one another."""
    found = np.flatnonzero((positions >= 0) & (positions <= len(positions) - 1))
    return slice(int(found[0]), int(found[-1]) + 1) if len(found) else slice(0, 0)


def _left(
    ours: Float[np.ndarray, "h w"],
    theirs: Float[np.ndarray, "h w"],
    fit: Float[np.ndarray, " 4"],
) -> float:
    """Mean squared distance that a fit leaves, without a difference of brightness."""
    # Blurred, so that interpolation, which blurs, gains nothing by it.
    moved, known = _moved(_blurred(ours, 1), fit)
    return float((moved - _blurred(theirs, 1))[known].var())


def _blurred(
    picture: Float[np.ndarray, "h w"], radius: int, *, every: int = 1
) -> Float[np.ndarray, "blurred_h blurred_w"]:
    """Means over squares of 2 `radius` + 1 pixels, around `every` so manyth row and column."""
    length = 2 * radius + 1
    wide = np.pad(picture.astype(np.float64), radius, mode="edge")
    for _ in range(2):
        wide = wide.T
        total = np.zeros((len(wide) + 1, wide.shape[1]))
        wide.cumsum(axis=0, out=total[1:])
        wide = (total[length::every] - total[:-length:every]) / length
    return wide
