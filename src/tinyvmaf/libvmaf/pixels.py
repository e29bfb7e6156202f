# SPDX-License-Identifier: Apache-2.0
"""The feature sets `signal` and `ssim`: measured by ffmpeg's own filters on the luma at full size.

`signal` is nearly free: the PSNR of every frame, and how much the reference changes there, which
shows motion and cuts. The input is a pair of pads, the output a filter chain; the text files that
it writes, one a feature, are read into a `Log`.
"""

import math
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Final

import numpy as np

from tinyvmaf.errors import SchemaError
from tinyvmaf.libvmaf.logs import Log

SIGNAL: Final = ("psnr", "change")
"""In decibels: PSNR of the distorted video, and of the reference against its nearest neighbour.

The nearest is the frame before or the one after, whichever is more alike, as in libvmaf's motion2.
"""

SSIM: Final = ("ssim",)
"""In decibels: -10 log10(1 - SSIM)."""

LIMIT_DB: Final = 60.0
"""Stands for the infinite PSNR of identical pictures; ffmpeg's six digits do not reach beyond."""

# Framesync would go on with the last frame of a video that ends early.
_SYNC: Final = "shortest=1:repeatlast=0"
_KEYS: Final = {
    "psnr": "lavfi.psnr.psnr.y",
    "change": "lavfi.psnr.psnr.y",
    "ssim": "lavfi.ssim.Y",
}


def file_name(feature: str) -> str:
    """The file that holds a feature."""
    return f"{feature}.txt"


def signal_chain(pads: tuple[str, str], *, folder: str = "") -> str:
    """The piece of a graph that measures `SIGNAL` of the pads: distorted video, reference.

    `folder`, with its slash, is where the files go within that of ffmpeg.
    """
    distorted, reference = pads
    now, before = f"{reference}_now", f"{reference}_before"
    return (
        f"[{reference}]split[{now}][{before}];"
        # Frame 0 stands before itself; every other one stands before the next.
        f"[{before}]tpad=start=1:start_mode=clone,setpts=N[{before}_padded];"
        f"[{now}][{distorted}]psnr={_SYNC},{_print('psnr', folder)}[{now}_seen];"
        f"[{now}_seen][{before}_padded]psnr={_SYNC},{_print('change', folder)}"
    )


def ssim_chain(pads: tuple[str, str], *, folder: str = "") -> str:
    """The piece of a graph that measures `SSIM` of the pads, as `signal_chain`."""
    distorted, reference = pads
    return f"[{distorted}][{reference}]ssim={_SYNC},{_print('ssim', folder)}"


def read_pixel_parts(
    folder: Path, features: Sequence[str], *, part_frames: int = 16_384
) -> Generator[Log]:
    """The features of every frame, from the files that a chain made, in parts.

    Args:
        folder: Where the files lie.
        features: `SIGNAL` or `SSIM`.
        part_frames: Frames that a part has; the last one may have fewer.

    Raises:
        SchemaError: a file is not readable, or a frame or a value is missing or no number.
    """
    done = 0
    try:
        with ExitStack() as opened:
            readers = [
                opened.enter_context(closing(_read(folder / file_name(name), name)))
                for name in features
            ]
            rows = zip(*readers, strict=True)
            while values := list(islice(rows, part_frames)):
                done += len(values)
                columns = np.minimum(np.array(values).T, LIMIT_DB)
                yield dict(zip(features, columns, strict=True))
    except (OSError, ValueError) as error:
        raise SchemaError(f"not readable logs of {' and '.join(features)}: {error}") from error
    if not done:
        raise SchemaError(
            f"the logs of {' and '.join(features)} have no frames; a video ends early or is damaged"
        )


def _print(feature: str, folder: str) -> str:
    return f"metadata=mode=print:key={_KEYS[feature]}:file={folder}{file_name(feature)}"


def _read(path: Path, feature: str) -> Generator[float]:
    with path.open(encoding="utf-8") as file:
        values = _values(file, key=_KEYS[feature])
        if feature == "ssim":
            yield from map(_decibels, values)
        elif feature == "change":
            # The last frame has no next one.
            yield from (max(own, after) for own, after in pairwise(chain(values, [-math.inf])))
        else:
            yield from values


def _values(lines: Iterator[str], *, key: str) -> Iterator[float]:
    """The number of one frame after the other; a frame is two lines."""
    for number, (head, line) in enumerate(zip(lines, lines, strict=True)):
        found = head.partition(" ")[0].strip()
        if found != f"frame:{number}":
            raise ValueError(
                f"{found or 'a blank line'} was found where frame:{number} was expected"
            )
        name, _, text = line.partition("=")
        value = float(text) if name == key else math.nan
        if math.isnan(value):
            raise ValueError(f"frame {number} has no {key}")
        yield value


def _decibels(ssim: float) -> float:
    return math.inf if ssim >= 1 else -10 * math.log10(1 - ssim)
