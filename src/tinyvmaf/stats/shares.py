# SPDX-License-Identifier: Apache-2.0
"""Shares of all frames, by a random sample of them: unseen events, percentiles and bounds."""

import numpy as np
from jaxtyping import Float

from tinyvmaf.stats.quantiles import at_most, beta_quantile


def unseen_probability(share: float, *, n_exact: int) -> float:
    """The probability that a random sample of `n_exact` frames misses an event.

    Args:
        share: Share of the frames that show the event, in [0, 1].
        n_exact: Frames in the sample.
    """
    return (1 - share) ** n_exact


def percentile_interval(
    scores: Float[np.ndarray, " n_sampled"], percentile: float, *, level: float
) -> tuple[float, float] | None:
    """A confidence interval for a percentile over all frames; None if the sample is too small.

    Args:
        scores: Exact scores of frames that were drawn with equal probability.
        percentile: In percent, between 0 and 100.
        level: The coverage that is aimed at.

    Source: Woodruff (1952); order statistics of the sample at binomial ranks.
    """
    n_sampled, share, tail = len(scores), percentile / 100, (1 - level) / 2
    ranks = np.arange(n_sampled)
    below = np.array([at_most(rank, n=n_sampled, share=share) for rank in ranks.tolist()])
    low = int(np.searchsorted(below, tail, side="right")) - 1
    high = int(np.searchsorted(below, 1 - tail, side="left")) + 1
    if low < 0 or high >= n_sampled:
        return None
    ordered = np.sort(scores)
    return float(ordered[low]), float(ordered[high])


def share_bounds(n_below: int, n_sampled: int, *, level: float) -> tuple[float, float]:
    """The Clopper-Pearson interval of a share at `level`, from `n_below` among `n_sampled`."""
    tail = (1 - level) / 2
    low = (
        0.0 if n_below == 0 else beta_quantile(tail, a=float(n_below), b=n_sampled - n_below + 1.0)
    )
    high = 1.0
    if n_below < n_sampled:
        high = beta_quantile(1 - tail, a=n_below + 1.0, b=float(n_sampled - n_below))
    return low, high
