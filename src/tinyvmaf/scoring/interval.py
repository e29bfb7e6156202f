# SPDX-License-Identifier: Apache-2.0
"""The interval of a tiny model's clip score, from the residuals of held-out sources."""

import math
from collections.abc import Sequence

import numpy as np

from tinyvmaf.errors import UsageError
from tinyvmaf.models.card import Residuals
from tinyvmaf.scoring.mode import Interval
from tinyvmaf.stats.conformal import hcp_radius


def check_level(level: float) -> float:
    """The level, if it is valid.

    Raises:
        UsageError: it is no probability between 0 and 1.
    """
    if not 0 < level < 1:
        raise UsageError(f"`level={level:g}`: expected a probability between 0 and 1, such as 0.9")
    return level


def unseen_source_interval(
    mean: float, *, calibration: Sequence[Residuals], level: float
) -> Interval | None:
    """Interval for libvmaf's own mean; None if there are too few sources for `level`.

    Args:
        mean: The model's mean over the clip's frames.
        calibration: The clip residuals of every held-out source, from the card.
        level: Nominal coverage, in (0, 1).

    Source: hierarchical conformal prediction (Lee, Barber and Willett 2023) over sources. Its
    theorem holds for models that were not trained on the source; the shipped weights are refitted
    on all of them, so that coverage is empirical and not guaranteed, as the interval's text says.
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
