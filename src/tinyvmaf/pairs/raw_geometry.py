# SPDX-License-Identifier: Apache-2.0
"""The geometry of raw video, judged by its pictures.

A raw file does not record its width. Read with a wrong one, the rows of a picture are sheared, and
a pixel no longer resembles the one below it; read with a multiple of the right one, whole pictures
of the file follow each other inside of what is taken for one. Another geometry is named only where
it explains the picture clearly better: noise, black and cartoons on plain ground stay unjudged.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float

from tinyvmaf.media.video import RawFormat

_COMMON: Final = (
    "160x120 176x144 192x108 256x144 320x136 320x180 320x240 352x240 352x288 384x216 384x288 "
    "416x240 426x240 480x270 480x360 480x480 512x288 512x384 528x480 540x360 544x480 560x448 "
    "576x324 624x352 640x272 640x352 640x360 640x480 704x396 704x480 704x576 720x404 720x480 "
    "720x576 768x432 768x576 800x450 800x600 832x480 848x480 852x480 854x480 864x486 896x504 "
    "960x400 960x540 960x720 1024x576 1024x768 1152x648 1280x534 1280x544 1280x720 1280x800 "
    "1280x960 1280x1024 1366x768 1440x810 1440x1080 1600x900 1600x1200 1680x1050 1920x800 "
    "1920x804 1920x816 1920x1040 1920x1080 1920x1088 1920x1200 2048x858 2048x1080 2048x1152 "
    "2560x1080 2560x1440 2560x1600 2880x1440 3200x1800 3440x1440 3840x1600 3840x2160 4096x2048 "
    "4096x2160 7680x4320"
)
# Pictures of the file that are examined.
_PICTURES: Final = 5
# Grey levels between horizontal neighbours below which a picture says nothing.
_FLAT: Final = 0.35
# In upright pictures vertical neighbours differ about as much as horizontal ones.
_SHEARED: Final = 1.4
# Share of that difference that must be left in the other geometry.
_CLEARLY: Final = 0.6
# Shares of the difference of pictures that lie anywhere, for pictures that follow each other.
_FOLLOWS: Final = 0.5
_WIDTH: Final = 0.9
# Differences across a seam, as multiples of those elsewhere: interlaced pictures, two rows in one.
_SEAM: Final = 2.5
# Sides of a geometry that is not in the list.
_SHAPES: Final = (0.3, 3.6)


@dataclass(frozen=True, slots=True)
class _Fit:
    """Fit of a geometry to a file: differences of neighbouring pixels in grey levels."""

    vertical: float
    horizontal: float

    @property
    def shear(self) -> float:
        return self.vertical / self.horizontal


def better_geometry(path: Path, raw: RawFormat) -> RawFormat | None:
    """Another geometry that explains the pictures of a raw file clearly better, if there is one."""
    size = path.stat().st_size
    stated = _fit(path, raw, size)
    if stated is None:
        return None
    others = list(_candidates(raw, size))
    if stated.shear >= _SHEARED:
        # Those with as many pixels come first: swapped sides are the commonest slip.
        alike = [other for other in others if other.frame_bytes == raw.frame_bytes]
        for group in (alike, others):
            best = _least_sheared(path, group, size, below=_CLEARLY * stated.shear, stated=raw)
            if best is not None:
                return _shortest(path, best, others, size)
    # A multiple of the right width shears nothing. But what follows after one of the smaller
    # pictures resembles it, and what lies elsewhere does not.
    shorter = [
        other
        for other in others
        if other.frame_bytes < raw.frame_bytes
        and raw.frame_bytes % other.frame_bytes == 0
        and _follows(path, other, size)
    ]
    return _least_sheared(path, shorter, size, below=_WIDTH * stated.shear, stated=raw)


def _least_sheared(
    path: Path, others: Sequence[RawFormat], size: int, *, below: float, stated: RawFormat
) -> RawFormat | None:
    fits = [(_fit(path, other, size, beside=stated.width), other) for other in others]
    found = [(fit.shear, other) for fit, other in fits if fit is not None and fit.shear < below]
    return min(found, key=lambda item: item[0])[1] if found else None


def _shortest(path: Path, best: RawFormat, others: Sequence[RawFormat], size: int) -> RawFormat:
    """The same width with the least height of which whole pictures follow each other."""
    found = [
        other
        for other in others
        if other.width == best.width
        and best.frame_bytes % other.frame_bytes == 0
        and _follows(path, other, size)
    ]
    return min(found, key=lambda other: other.height, default=best)


def _candidates(raw: RawFormat, size: int) -> Generator[RawFormat]:
    """Other geometries of which the file is a whole number of pictures."""
    pixels = raw.width * raw.height
    sides = {tuple(int(side) for side in word.split("x")) for word in _COMMON.split()}
    sides |= {(height, width) for width, height in sides} | {(raw.height, raw.width)}
    sides |= {
        (width, pixels // width)
        for width in range(2, int((_SHAPES[1] * pixels) ** 0.5), 2)
        if pixels % width == 0 and width * width > _SHAPES[0] * pixels
    }
    for width, height in sorted(sides - {(raw.width, raw.height)}):
        other = replace(raw, width=width, height=height)
        if size % other.frame_bytes == 0:
            yield other


def _fit(path: Path, raw: RawFormat, size: int, *, beside: int | None = None) -> _Fit | None:
    """The median over some pictures; None if they are flat, or pictures lie side by side in them.

    Args:
        path: The raw file.
        raw: The geometry.
        size: Of the file, in bytes.
        beside: A width of pictures that may lie side by side in what is taken for one.
    """
    n_frames = size // raw.frame_bytes
    fits: list[_Fit] = []
    seams: list[float] = []
    for frame in np.unique(np.linspace(0, n_frames - 1, _PICTURES).astype(int)).tolist():
        luma = _luma(path, raw, frame * raw.frame_bytes)
        steps = np.abs(np.diff(luma, axis=1))
        horizontal = float(steps.mean()) if raw.width > 1 else 0.0
        if horizontal >= _FLAT and raw.height > 1:
            fits.append(_Fit(float(np.abs(np.diff(luma, axis=0)).mean()), horizontal))
            if beside is not None and raw.width > beside and raw.width % beside == 0:
                seams.append(float(steps[:, beside - 1 :: beside].mean()) / horizontal)
    if not fits or (seams and float(np.median(seams)) > _SEAM):
        return None
    return sorted(fits, key=lambda fit: fit.shear)[len(fits) // 2]


def _follows(path: Path, raw: RawFormat, size: int) -> bool:
    """True if the data one picture further resembles a picture more than other places do."""
    last = size // raw.frame_bytes - 2
    n_bytes = 2 if raw.pix_fmt.endswith("le") else 1
    row = raw.width * n_bytes
    for frame in np.unique(np.linspace(0, last, _PICTURES).astype(int)).tolist():
        start = frame * raw.frame_bytes
        luma = _luma(path, raw, start)
        further = {
            rows: float(
                np.abs(_luma(path, raw, start + raw.frame_bytes + rows * row) - luma).mean()
            )
            for rows in (0, -raw.height // 3, -raw.height // 5, -raw.height // 8)
        }
        here = further.pop(0)
        if here >= _FOLLOWS * min(further.values()):
            return False
    return last >= 0


def _luma(path: Path, raw: RawFormat, offset: int) -> Float[np.ndarray, "height width"]:
    """The luma plane of the picture that begins at `offset`, in levels of 8 bits."""
    bits = 8
    kind = np.dtype(np.uint8)
    if raw.pix_fmt.endswith("le"):
        bits, kind = int(raw.pix_fmt.removesuffix("le").rpartition("p")[2]), np.dtype("<u2")
    pixels = raw.width * raw.height
    values = np.fromfile(path, kind, count=pixels, offset=offset).astype(np.float32)
    return values.reshape(raw.height, raw.width) / np.float32(1 << (bits - 8))
