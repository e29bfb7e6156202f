# SPDX-License-Identifier: Apache-2.0
"""What a way of scoring costs, in units of what libvmaf costs for one frame at full size.

The figures were measured once (benchmarks/cost.py: CPU seconds of 1080p H.264 on one thread). They
do not depend much on the machine, since all parts run on the same one; they do on the codec, whose
decoding is the same for every way of scoring. So the factor that `times_cheaper` gives is rounded
and called an estimate.
"""

from collections.abc import Sequence
from typing import Final

from tinyvmaf.features.sets import FeatureSet

DECODE: Final = 0.15
"""Decoding one frame of both videos."""

EXACT_FRAME: Final = 1.1
"""Libvmaf for a sampled frame, whose neighbours it needs for motion."""

REDUCED: Final = {"half": 0.27, "quarter": 0.09}
"""Scaling down and libvmaf for one frame of a reduced set."""


def sampled_cost(
    n_frames: int, *, n_exact: int, sets: Sequence[FeatureSet], n_rounds: int
) -> float:
    """What sampling costs: a decode a round, reduced passes over all frames, exact frames."""
    reduced = sum(REDUCED[item.name] for item in sets)
    return n_frames * (n_rounds * DECODE + reduced) + n_exact * EXACT_FRAME


def times_cheaper(n_frames: int, cost: float) -> float:
    """How many times cheaper than libvmaf on every frame something of that cost is."""
    return n_frames * (1 + DECODE) / cost
