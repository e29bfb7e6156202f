# SPDX-License-Identifier: Apache-2.0
"""Prediction intervals for a source that nobody has seen, from the models of leave-one-source-out.

Sources are exchangeable, rows of a source are not: every source has the same mass, however many
clips it has, and the unseen one keeps its share of mass at infinity. With few sources an interval
at a high level is therefore infinite, and said to be; nothing is pooled to make it finite.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int, Real

from tinyvmaf.errors import SchemaError
from tinyvmaf.stats.structure import positions

# K equal masses may sum to one bit above or below 1 - alpha; without this an interval is off by a
# whole residual, or infinite, depending on the order of summation.
_TOLERANCE = 1e-9

Method = Literal["hcp", "jackknife+", "minmax"]


def smallest_alpha(k: int) -> float:
    """The smallest miss rate, in (0, 0.5], for which `k` sources give a finite interval."""
    return 1 / (k + 1)


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


def fold_models_interval(
    *,
    predicted: Real[np.ndarray, "k new"],
    scores: Real[np.ndarray, " _"],
    source_index: Int[np.ndarray, " _"],
    alpha: float,
    method: Literal["jackknife+", "minmax"] = "jackknife+",
) -> tuple[Float[np.ndarray, " new"], Float[np.ndarray, " new"]]:
    """Interval of every new row from the K models of the folds; infinite where none is finite.

    Args:
        predicted: Model k's prediction of every new row, k as in `source_index`.
        scores: |target - predicted| of each source's rows by the model that did not see it.
        source_index: The row's source, any integers; their order is that of `predicted`.
        alpha: Miss rate in (0, 1).
        method: `jackknife+` misses at most 2 alpha, `minmax` at most alpha.

    Raises:
        SchemaError: lengths differ, there are no rows, a score is not finite, or no such alpha.

    Source: Barber, Candes, Ramdas and Tibshirani (2021), with the masses of Lee et al. (2023).
    """
    index = positions(source_index, n=len(scores))
    if len(predicted) != index.max() + 1:
        raise SchemaError(
            f"predictions of {len(predicted)} models for {index.max() + 1} sources; "
            "give those of each source's own fold"
        )
    if method == "minmax":
        radius = hcp_radius(scores=scores, source_index=source_index, alpha=alpha)
        return predicted.min(axis=0) - radius, predicted.max(axis=0) + radius
    scores, weights = _weighted(scores, source_index, alpha)
    ends = [np.empty(predicted.shape[1]), np.empty(predicted.shape[1])]
    for new in range(predicted.shape[1]):
        own = predicted[index, new]
        candidates = np.column_stack([scores - own, scores + own])
        lower, upper = _upper_quantile(candidates, weights, alpha)
        ends[0][new], ends[1][new] = -lower, upper
    return ends[0], ends[1]


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


@dataclass(frozen=True, slots=True)
class Guarantee:
    """What may be said of an interval.

    Attributes:
        method: How it was made.
        alpha: The miss rate that was asked for.
        k: Sources that it rests on.
        at_least: Coverage that the theorem guarantees, in [0, 1].
        finite: Whether `k` sources allow this alpha at all.
        words: A sentence with all of it.
    """

    method: Method
    alpha: float
    k: int
    at_least: float
    finite: bool
    words: str


def guarantee(*, method: Method, alpha: float, k: int) -> Guarantee:
    """The guarantee that `k` exchangeable sources give an interval of `method` at `alpha`."""
    finite = alpha >= smallest_alpha(k) - _TOLERANCE
    at_least = max(0.0, 1 - 2 * alpha) if method == "jackknife+" else 1 - alpha
    words = (
        f"{1 - alpha:.0%} interval for a clip of a new source, if that source is exchangeable with "
        f"these {k}; covers at least {at_least:.0%} on average over such sources ({method}), "
        "not for each of them"
    )
    if not finite:
        words = (
            f"no finite {1 - alpha:.0%} interval from {k} sources: the highest level that they "
            f"allow is {1 - smallest_alpha(k):.1%}"
        )
    return Guarantee(method, alpha, k, at_least=at_least, finite=finite, words=words)


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
