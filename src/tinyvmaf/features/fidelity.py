# SPDX-License-Identifier: Apache-2.0
"""The feature set `fidelity`: PSNR and SSIM of the luma at full size, by ffmpeg's own filters.

Together they cost a fiftieth of libvmaf, and they see the finest details, which a reduced pass does
not. In goes a pair of pads, out comes a filter chain; its text file is read into a `Log`.
"""

import math
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


def read_fidelity(folder: Path) -> Log:
    """Both features of every frame, from the file that `chain` made in `folder`.

    Raises:
        SchemaError: it is not readable, a frame or a value is missing, or one is no number.
    """
    path = folder / LOG_NAME
    frames: list[int] = []
    psnr: list[float] = []
    ssim: list[float] = []
    try:
        with path.open(encoding="utf-8") as file:
            for line in file:
                if line.startswith("frame:"):
                    frames.append(int(line.removeprefix("frame:").split()[0]))
                elif line.startswith(_PSNR):
                    psnr.append(float(line.removeprefix(_PSNR)))
                elif line.startswith(_SSIM):
                    ssim.append(_decibels(float(line.removeprefix(_SSIM))))
    except (OSError, ValueError, IndexError) as error:
        raise SchemaError(f"{path.name}: not a readable log of PSNR and SSIM: {error}") from error
    if not frames or frames != list(range(len(frames))):
        raise SchemaError(f"{path.name}: its frames are not numbered from 0 on without a gap")
    if not len(psnr) == len(ssim) == len(frames):
        raise SchemaError(
            f"{path.name}: {len(psnr)} values of PSNR and {len(ssim)} of SSIM for "
            f"{len(frames)} frames"
        )
    columns = {"psnr": np.minimum(psnr, LIMIT_DB), "ssim": np.minimum(ssim, LIMIT_DB)}
    if not all(np.isfinite(values).all() for values in columns.values()):
        raise SchemaError(f"{path.name}: a value is no number")
    return columns


def _decibels(ssim: float) -> float:
    return math.inf if ssim >= 1 else -10 * math.log10(1 - ssim)
