# SPDX-License-Identifier: Apache-2.0
"""Effects of grouped rows on a statistic: sums by source, parts within and between, ICC.

Rows of one source resemble each other, so thousands of frames carry the information of a few dozen
independent errors. This module estimates that number. Everything is computed from sums per source,
so that millions of rows are not copied for every source.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Real

from tinyvmaf.errors import SchemaError
from tinyvmaf.stats.columns import checked, is_constant, positions


@dataclass(frozen=True, slots=True)
class SourceSums:
    """Sums of every source about the grand means, which lose no digits when they are subtracted.

    Attributes:
        n: Rows per source.
        p, t: Sums of predicted and target.
        pp, tt, pt: Sums of their squares and of their product.
        e, ee, ae: Sums of the error, its square and its absolute value, not centred.
    """

    n: Float[np.ndarray, " k"]
    p: Float[np.ndarray, " k"]
    t: Float[np.ndarray, " k"]
    pp: Float[np.ndarray, " k"]
    tt: Float[np.ndarray, " k"]
    pt: Float[np.ndarray, " k"]
    e: Float[np.ndarray, " k"]
    ee: Float[np.ndarray, " k"]
    ae: Float[np.ndarray, " k"]


def source_sums(
    *,
    predicted: Real[np.ndarray, " _"],
    target: Real[np.ndarray, " _"],
    source_index: Int[np.ndarray, " _"],
) -> SourceSums:
    """Sum the rows of every source.

    Args:
        predicted: Scores of the model, one per row.
        target: Scores to be met.
        source_index: The row's source, any integers.

    Raises:
        SchemaError: lengths differ, there are no rows, or a value is not finite.
    """
    predicted, target = checked(predicted=predicted, target=target)
    index = positions(source_index, n=len(predicted))

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(index, weights=values)

    p, t, e = _centred(predicted), _centred(target), predicted - target
    return SourceSums(
        n=np.bincount(index).astype(np.float64),
        p=total(p),
        t=total(t),
        pp=total(p * p),
        tt=total(t * t),
        pt=total(p * t),
        e=total(e),
        ee=total(e * e),
        ae=total(np.abs(e)),
    )


def _centred(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Values about their mean; exactly 0 if they are constant, whose mean may be rounded."""
    if is_constant(values):
        return np.zeros_like(values)
    return values - values.mean()


@dataclass(frozen=True, slots=True)
class WeightedRmse:
    """The RMSE of all folds together, in VMAF points.

    Attributes:
        by_frame: sqrt(sum n_k MSE_k / N): the error of all rows as one set.
        by_source: sqrt(mean MSE_k): every source counts once.
    """

    by_frame: float
    by_source: float


def weighted_rmse(*, rmse: Sequence[float], n: Sequence[int]) -> WeightedRmse:
    """Combine the RMSE of folds with `n` rows each.

    Raises:
        SchemaError: the lengths differ, or there are no folds.
    """
    if len(rmse) != len(n) or not rmse:
        raise SchemaError(f"{len(rmse)} RMSE and {len(n)} row counts; give both for every fold")
    squared = np.square(np.asarray(rmse, dtype=np.float64))
    return WeightedRmse(
        by_frame=float(np.sqrt(np.average(squared, weights=n))),
        by_source=float(np.sqrt(squared.mean())),
    )


@dataclass(frozen=True, slots=True)
class CorrelationParts:
    """The parts of a pooled correlation, within and between sources.

    Attributes:
        pooled: The correlation of all rows; `within + between`.
        within: Covariance inside the sources over the pooled standard deviations.
        between: Covariance of the sources' means over the same.
        r_within: The correlation inside sources alone, in [-1, 1]; None if either side is constant
            in every source.
        r_between: The correlation of the sources' means, weighted by rows; None likewise.
    """

    pooled: float
    within: float
    between: float
    r_within: float | None
    r_between: float | None


def correlation_parts(sums: SourceSums) -> CorrelationParts | None:
    """Split the pooled correlation into its parts within and between sources; None if undefined.

    A pooled correlation falls when sources are offset from each other and rises with the range
    between them; the parts separate the two effects. Source: the law of total covariance.
    """
    between_pt, between_pp, between_tt = (
        float((a * b / sums.n).sum())
        for a, b in ((sums.p, sums.t), (sums.p, sums.p), (sums.t, sums.t))
    )
    pp, tt, pt = float(sums.pp.sum()), float(sums.tt.sum()), float(sums.pt.sum())
    if pp <= 0 or tt <= 0:
        return None
    spread = np.sqrt(pp * tt)
    return CorrelationParts(
        pooled=float(pt / spread),
        within=float((pt - between_pt) / spread),
        between=float(between_pt / spread),
        r_within=_ratio(pt - between_pt, pp - between_pp, tt - between_tt, whole=(pp, tt)),
        r_between=_ratio(between_pt, between_pp, between_tt, whole=(pp, tt)),
    )


def _ratio(pt: float, pp: float, tt: float, *, whole: tuple[float, float]) -> float | None:
    # A part that is rounding of the whole has no correlation.
    if pp <= 1e-12 * whole[0] or tt <= 1e-12 * whole[1]:
        return None
    return float(np.clip(pt / np.sqrt(pp * tt), -1.0, 1.0))


@dataclass(frozen=True, slots=True)
class Dependence:
    """Similarity of the rows of one group, and the number of independent rows.

    Attributes:
        icc: Intraclass correlation, at most 1; it may be negative.
        design_effect: 1 + (n0 - 1) icc with n0 the mean group size; never below 1 here.
        n_effective: Effective number of independent errors: n / design_effect.
        n: Rows.
        groups: Clips or sources.
    """

    icc: float
    design_effect: float
    n_effective: float
    n: int
    groups: int


def dependence(
    *, errors: Real[np.ndarray, " _"], groups: Int[np.ndarray, " _"]
) -> Dependence | None:
    """One-way intraclass correlation of errors in groups, and the effective sample size.

    Args:
        errors: Predicted minus target, one per row.
        groups: The row's clip or source, any integers.

    Returns:
        None where it does not exist: one group, one row in every group, or no spread at all.

    Raises:
        SchemaError: the lengths differ, or there are no rows.

    Source: Fisher (1925) for the correlation, Kish (1965) for the design effect.
    """
    index = positions(groups, n=len(errors))
    sizes = np.bincount(index)
    n, count = len(errors), len(sizes)
    if count in (1, n):
        return None
    centred = errors - errors.mean()
    between = float((np.bincount(index, weights=centred) ** 2 / sizes).sum())
    within = max(float(centred @ centred) - between, 0.0)
    mean_between, mean_within = between / (count - 1), within / (n - count)
    n0 = (n - float((sizes**2).sum()) / n) / (count - 1)
    spread = mean_between + (n0 - 1) * mean_within
    if spread <= 0:
        return None
    icc = (mean_between - mean_within) / spread
    design_effect = max(1.0, 1 + (n0 - 1) * icc)
    return Dependence(icc, design_effect, n / design_effect, n=n, groups=count)
