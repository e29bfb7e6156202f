# SPDX-License-Identifier: Apache-2.0
"""The interval around a tiny model's clip score, from what its held-out sources were missed by."""

import math
from collections.abc import Sequence

import numpy as np

from tinyvmaf.errors import UsageError
from tinyvmaf.models.card import Residuals
from tinyvmaf.scoring.mode import Interval
from tinyvmaf.stats.conformal import hcp_radius


def check_level(level: float) -> float:
    """The level itself, if it is one.

    Raises:
        UsageError: it is no probability between 0 and 1.
    """
    if not 0 < level < 1:
        raise UsageError(f"--level {level:g}: expected a probability between 0 and 1, such as 0.9")
    return level


def unseen_source_interval(
    mean: float, *, calibration: Sequence[Residuals], level: float
) -> Interval | None:
    """Where libvmaf's own mean is expected; None if there are too few sources for `level`.

    Args:
        mean: The model's mean over the clip's frames.
        calibration: For every held-out source what its clips were missed by, from the card.
        level: The probability that is aimed at, in (0, 1).

    Source: hierarchical conformal prediction (Lee, Barber and Willett 2023) over sources. Its
    theorem is about models that have not seen the source; the shipped weights are refitted on all
    of them, so that the interval is typical and nothing is proven. Its words say so.
    """
    scores = np.abs(np.concatenate([np.asarray(item.residuals) for item in calibration]))
    sizes = [len(item.residuals) for item in calibration]
    source_index = np.repeat(np.arange(len(sizes)), sizes)
    radius = hcp_radius(scores=scores, source_index=source_index, alpha=1 - level)
    if not math.isfinite(radius):
        return None
    return Interval(
        low=max(0.0, mean - radius),
        high=min(100.0, mean + radius),
        level=level,
        guarantee=(
            f"for a clip of a new source, if it is exchangeable with the {len(sizes)} sources that "
            f"were held out: about {level:.0%} on average over such sources; not proven, since the "
            "model was refitted on all of them, and not for each source"
        ),
    )
