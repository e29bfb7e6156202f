# SPDX-License-Identifier: Apache-2.0
"""The feature set `fidelity`: PSNR and SSIM of the luma at full size, by ffmpeg's own filters.

Together they cost a fiftieth of libvmaf, and they see the finest details, which a reduced pass does
not. In goes a pair of pads, out comes a filter chain; its text file is read into a `Log`.
"""

import math
from collections.abc import Generator, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np

from tinyvmaf.errors import SchemaError
from tinyvmaf.features.log import Log

FEATURES: Final = ("psnr", "ssim")
"""Both in decibels: of the luma, and of the luma's SSIM as -10 log10(1 - SSIM)."""

LOG_NAME: Final = "fidelity.txt"

LIMIT_DB: Final = 60.0
"""Identical pictures have no finite value; ffmpeg's six digits tell nothing beyond this one."""

_PSNR: Final = "lavfi.psnr.psnr.y="
_SSIM: Final = "lavfi.ssim.Y="


def chain(pads: tuple[str, str]) -> str:
    """The piece of a graph that measures the pads of the distorted video and of the reference."""
    distorted, reference = pads
    sync = "shortest=1:repeatlast=0"
    return (
        f"[{reference}]split[{reference}_psnr][{reference}_ssim];"
        f"[{distorted}][{reference}_psnr]psnr={sync}[{distorted}_ssim];"
        f"[{distorted}_ssim][{reference}_ssim]ssim={sync},"
        f"metadata=mode=print:file={LOG_NAME}"
    )


def read_fidelity_parts(path: Path, *, part_frames: int = 16_384) -> Generator[Log]:
    """Both features of every frame, from the file that `chain` made, in parts.

    Args:
        path: The file.
        part_frames: Frames that a part has; the last one may have fewer.

    Raises:
        SchemaError: it is not readable, a frame or a value is missing, or one is no number.
    """
    done = 0
    try:
        with path.open(encoding="utf-8") as file:
            while values := list(islice(_frames(file, first=done), part_frames)):
                done += len(values)
                psnr, ssim = np.minimum(np.array(values).T, LIMIT_DB)
                yield {"psnr": psnr, "ssim": ssim}
    except (OSError, ValueError) as error:
        raise SchemaError(f"{path.name}: not a log of PSNR and SSIM: {error}") from error
    if not done:
        raise SchemaError(f"{path.name}: has no frames; a video ends early or is damaged")


def _frames(lines: Iterator[str], *, first: int) -> Iterator[tuple[float, float]]:
    """PSNR and SSIM in decibels of one frame after the other; each ends with its SSIM."""
    number, psnr = first, math.nan
    for line in lines:
        if line.startswith("frame:"):
            if line.split()[0] != f"frame:{number}":
                raise ValueError(f"{line.split()[0]} stands where frame:{number} is expected")
            psnr = math.nan
        elif line.startswith(_PSNR):
            psnr = float(line.removeprefix(_PSNR))
        elif line.startswith(_SSIM):
            ssim = _decibels(float(line.removeprefix(_SSIM)))
            if math.isnan(psnr) or math.isnan(ssim):
                raise ValueError(f"PSNR or SSIM of frame {number} is missing or no number")
            yield psnr, ssim
            number, psnr = number + 1, math.nan


def _decibels(ssim: float) -> float:
    return math.inf if ssim >= 1 else -10 * math.log10(1 - ssim)
