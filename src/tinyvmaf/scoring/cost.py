# SPDX-License-Identifier: Apache-2.0
"""What a way of scoring costs, in units of what libvmaf costs for one frame at full size.

The figures were measured once (docs/results/frontier.json: CPU time, 1080p H.264). They
do not depend much on the machine, since all parts run on the same one; they do on the codec, whose
decoding is the same for every way of scoring. So the factor that `times_cheaper` gives is rounded
and called an estimate.
"""

from collections.abc import Sequence
from typing import Final

from tinyvmaf.libvmaf.sets import FeatureSet

DECODE: Final = 0.25
"""Decoding one frame of both videos."""

EXACT_FRAME: Final = 1.23
"""Libvmaf for a sampled frame, whose neighbours it needs for motion."""

SPARE_FRAME: Final = 0.29
"""Keeping a frame with its neighbours for a later round."""

CHEAP: Final = {"half": 0.3, "quarter": 0.13, "signal": 0.02, "ssim": 0.03}
"""One frame of a set, scaling included."""

START: Final = 32e6
"""Starting Python and looking at the pair, in pixels that libvmaf could score meanwhile."""


def sampled_cost(
    n_frames: int,
    *,
    n_exact: int,
    sets: Sequence[FeatureSet],
    n_decodes: int = 1,
    n_spare: int = 0,
) -> float:
    """What sampling costs: decoding, cheap passes over all frames, exact and spare frames."""
    cheap = sum(CHEAP[item.name] for item in sets)
    return n_frames * (n_decodes * DECODE + cheap) + n_exact * EXACT_FRAME + n_spare * SPARE_FRAME


def exact_cost(n_frames: int) -> float:
    """What libvmaf on every frame costs, decoding included."""
    return n_frames * (1 + DECODE)


def saves_little(n_frames: int, *, n_pixels: int, cost: float) -> bool:
    """Whether libvmaf on every frame takes hardly longer than starting the program does."""
    return (exact_cost(n_frames) - cost) * n_pixels < START


def times_cheaper(n_frames: int, *, n_pixels: int, cost: float) -> float:
    """How many times cheaper than ffmpeg's libvmaf filter something of that cost is, all told.

    Args:
        n_frames: Of the pair.
        n_pixels: Of one frame.
        cost: Of the passes; the start, which the filter has not, is added to it.
    """
    return exact_cost(n_frames) / (START / n_pixels + cost)
