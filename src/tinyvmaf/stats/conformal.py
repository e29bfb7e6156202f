# SPDX-License-Identifier: Apache-2.0
"""Conformal prediction intervals for an unseen source, from leave-one-source-out models.

Sources are exchangeable, rows of a source are not: every source has the same mass, regardless of
its number of clips, and the share of the unseen one lies at infinity. With few sources an interval
at a high level is therefore infinite and reported as such; nothing is pooled to make it finite.
"""

import math

import numpy as np
from jaxtyping import Float, Int, Real

from tinyvmaf.errors import SchemaError
from tinyvmaf.stats.columns import positions

# K equal masses may sum to one bit above or below 1 - alpha; without this an interval is off by a
# whole residual, or infinite, depending on the order of summation.
_TOLERANCE = 1e-9


def hcp_radius(
    *, scores: Real[np.ndarray, " _"], source_index: Int[np.ndarray, " _"], alpha: float
) -> float:
    """Half-width of the interval at miss rate `alpha`, in the scores' unit; inf if none is finite.

    Args:
        scores: |target - predicted| of rows (clips, as a rule) by models that did not see them.
        source_index: The row's source, any integers.
        alpha: Miss rate in (0, 1).

    Raises:
        SchemaError: lengths differ, there are no rows, a score is not finite, or no such alpha.

    Source: Lee, Barber and Willett (2023), hierarchical conformal prediction.
    """
    scores, weights = _weighted(scores, source_index, alpha)
    return float(_upper_quantile(scores[:, None], weights, alpha)[0])


def coverage_by_source(
    *, scores: Real[np.ndarray, " _"], source_index: Int[np.ndarray, " _"], alpha: float
) -> tuple[float, ...]:
    """Share of every source's rows inside the radius that the other sources give, in [0, 1].

    Raises:
        SchemaError: lengths differ, there is one source, a score is not finite, or no such alpha.
    """
    index = positions(source_index, n=len(scores))
    if index.max() == 0:
        raise SchemaError("coverage needs a radius from other sources; found a single source")
    shares: list[float] = []
    for source in range(int(index.max()) + 1):
        own = index == source
        radius = hcp_radius(scores=scores[~own], source_index=index[~own], alpha=alpha)
        shares.append(float((scores[own] <= radius).mean()))
    return tuple(shares)


def _weighted(
    scores: np.ndarray, source_index: np.ndarray, alpha: float
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """The scores, and for each its share of the source's mass 1 / (K + 1)."""
    if not 0 < alpha < 1:
        raise SchemaError(f"alpha is {alpha}; a miss rate lies between 0 and 1")
    if not np.isfinite(scores).all():
        raise SchemaError("a score is not finite; give |target - predicted| of every row")
    index = positions(source_index, n=len(scores))
    sizes = np.bincount(index)
    return scores.astype(np.float64), 1 / ((len(sizes) + 1) * sizes[index])


def _upper_quantile(
    values: Float[np.ndarray, "n m"], weights: Float[np.ndarray, " n"], alpha: float
) -> Float[np.ndarray, " m"]:
    """Each column's smallest value with mass 1 - alpha at or below it; inf if there is none."""
    order = np.argsort(values, axis=0)
    enough = np.cumsum(weights[order], axis=0) >= 1 - alpha - _TOLERANCE
    ranked = np.take_along_axis(values, order, axis=0)
    found = ranked[np.argmax(enough, axis=0), np.arange(values.shape[1])]
    return np.where(enough[-1], found, math.inf)
