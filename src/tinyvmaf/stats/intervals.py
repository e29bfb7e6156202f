# SPDX-License-Identifier: Apache-2.0
"""Confidence intervals whose unit is the source: over folds, and for rows pooled out of fold.

Frames and clips describe a source and add no degrees of freedom: both intervals are t with K - 1,
on the metric's stabilised scale. Sources of one fold share the randomness of their training, and K
is then the number of folds. There is no interval from fewer than two sources, and none from a
resampling of frames.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Real

from tinyvmaf.stats.columns import checked, positions
from tinyvmaf.stats.metrics import MetricName
from tinyvmaf.stats.scales import held_off, is_perfect, known, scale_of
from tinyvmaf.stats.structure import SourceSums, source_sums

MIN_SOURCES = 2


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its confidence interval, in the metric's own unit.

    Attributes:
        estimate: The mean on the scale, transformed back; or the statistic of all rows.
        low, high: Ends of the interval.
        level: Nominal coverage in (0, 1).
        k: Sources that it rests on, or folds where folds hold several.
        method: In words.
    """

    estimate: float
    low: float
    high: float
    level: float
    k: int
    method: str


def fold_interval(
    values: Sequence[float | None],
    *,
    metric: str,
    level: float = 0.95,
    folds: Sequence[int] | None = None,
) -> Interval | None:
    """Mean of `metric` over sources on its stabilised scale, with a t interval of K - 1.

    Args:
        values: One per source; None where the metric does not exist.
        metric: Names the scale: atanh for correlations, log for errors (a geometric mean).
        level: Nominal coverage.
        folds: The fold of each source, any integers; by default each has its own.

    Returns:
        None when fewer than two folds have a value.

    Raises:
        SchemaError: a value is neither None nor finite.

    Source: Liang and Zeger (1986) for the error of a mean whose values come in groups.
    """
    return _t_interval(values, metric, level, folds, share=0.0, method="t over folds")


def nadeau_bengio_interval(
    values: Sequence[float | None],
    *,
    metric: str,
    level: float = 0.95,
    folds: Sequence[int] | None = None,
    test_share: float | None = None,
) -> Interval | None:
    """The interval of `fold_interval`, widened because folds share their training sources.

    Args:
        values: One per source; None where the metric does not exist.
        metric: Names the scale.
        level: Nominal coverage.
        folds: The fold of each source, any integers; by default each has its own.
        test_share: n_test / n_train of a fold; by default 1 / (K - 1), as folds count.

    Returns:
        None when fewer than two folds have a value.

    Raises:
        SchemaError: a value is neither None nor finite.

    Source: Nadeau and Bengio (2003), the corrected resampled variance 1 / K + n_test / n_train.
    """
    n_folds = len(values if folds is None else set(folds))
    share = test_share if test_share is not None else 1 / max(n_folds - 1, 1)
    method = "t over folds, widened for shared training sources (Nadeau-Bengio)"
    return _t_interval(values, metric, level, folds, share=share, method=method)


def _t_interval(
    values: Sequence[float | None],
    metric: str,
    level: float,
    folds: Sequence[int] | None,
    *,
    share: float,
    method: str,
) -> Interval | None:
    from scipy.stats import t

    scale = scale_of(metric)
    x = scale.forward(known(values, metric=metric))
    groups = np.arange(len(values)) if folds is None else np.asarray(folds)
    groups = groups[[value is not None for value in values]]
    k = len(set(groups.tolist()))
    if k < MIN_SOURCES:
        return None
    # With a source a fold this is the standard error of the mean.
    sums = np.bincount(positions(groups, n=len(x)), weights=x - x.mean())
    error = float(np.sqrt(k / (k - 1) * np.square(sums).sum())) / len(x)
    half = float(t.ppf(0.5 + level / 2, k - 1)) * error * float(np.sqrt(1 + k * share))
    return _around(float(x.mean()), half, metric=metric, level=level, k=k, method=method)


def jackknife_interval(
    *, full: float, without: Sequence[float], metric: str, level: float = 0.95, unit: str = "source"
) -> Interval:
    """Interval of a pooled statistic from its values with one source left out, t with K - 1.

    Args:
        full: The statistic of all rows.
        without: The statistic of all rows but one source's, for every source; at least two.
        metric: Names the scale.
        level: Nominal coverage.
        unit: The unit that is left out, in a word.

    Raises:
        SchemaError: a value is not finite.

    Source: Tukey (1958), the delete-a-group jackknife.
    """
    from scipy.stats import t

    scale = scale_of(metric)
    left = scale.forward(known(without, metric=metric))
    k = len(left)
    error = np.sqrt((k - 1) / k * np.square(left - left.mean()).sum())
    centre = float(scale.forward(known([full], metric=metric))[0])
    half = float(t.ppf(0.5 + level / 2, k - 1)) * float(error)
    method = f"delete-one-{unit} jackknife, t"
    return _around(centre, half, metric=metric, level=level, k=k, method=method)


def _around(
    centre: float, half: float, *, metric: str, level: float, k: int, method: str
) -> Interval:
    scale = scale_of(metric)
    low, high = scale.inverse(centre - half), scale.inverse(centre + half)
    return Interval(scale.inverse(centre), low, high, level=level, k=k, method=method)


POOLED: tuple[MetricName, ...] = ("plcc", "srocc", "rmse", "mae", "bias")
"""Metrics with a jackknife; Kendall's takes too long to leave every source out of many rows."""


def pooled_intervals(
    *,
    predicted: Sequence[Real[np.ndarray, " _"]],
    target: Real[np.ndarray, " _"],
    source_index: Int[np.ndarray, " _"],
    level: float = 0.95,
    unit: str = "source",
) -> dict[MetricName, Interval | None]:
    """Metrics of all rows as one set, each with its delete-one-source jackknife interval.

    Args:
        predicted: Out-of-fold predictions of every seed; the statistic is the mean over seeds.
        target: Scores to be met.
        source_index: The row's source, any integers; or its fold, where sources share a network.
        level: Nominal coverage.
        unit: `source` or `fold`, for the method's words.

    Returns:
        For each of `POOLED` an interval; None with fewer than two sources, where a correlation
        does not exist with all rows or without some source, or where all ranks agree.

    Raises:
        SchemaError: lengths differ, there are no rows, or a value is not finite.
    """
    index = positions(source_index, n=len(target))
    if int(index.max()) + 1 < MIN_SOURCES:
        return dict.fromkeys(POOLED)
    by_seed = [_left_out_statistics(each, target, index) for each in predicted]
    n = _left_out(np.bincount(index).astype(float)).astype(int).tolist()
    ranks = [each["srocc"].tolist() for each in by_seed]
    in_order = all(
        is_perfect(value, metric="srocc", n=rows)
        for values in ranks
        for value, rows in zip(values, n, strict=True)
    )
    for each, values in zip(by_seed, ranks, strict=True):
        each["srocc"] = np.array(
            [held_off(value, metric="srocc", n=rows) for value, rows in zip(values, n, strict=True)]
        )
    found: dict[MetricName, Interval | None] = {}
    for metric in POOLED:
        values = np.mean([statistics[metric] for statistics in by_seed], axis=0)
        found[metric] = (
            jackknife_interval(
                full=float(values[0]),
                without=values[1:].tolist(),
                metric=metric,
                level=level,
                unit=unit,
            )
            if np.isfinite(values).all() and not (metric == "srocc" and in_order)
            else None
        )
    return found


def _left_out_statistics(
    predicted: Real[np.ndarray, " _"], target: Real[np.ndarray, " _"], index: Int[np.ndarray, " _"]
) -> dict[MetricName, Float[np.ndarray, " _"]]:
    """Every pooled metric of all rows, then of all rows but each source's."""
    predicted, target = checked(predicted=predicted, target=target)
    sums = source_sums(predicted=predicted, target=target, source_index=index)
    n = _left_out(sums.n)
    statistics: dict[MetricName, Float[np.ndarray, " _"]] = {
        "plcc": _left_out_plcc(sums),
        "srocc": _left_out_srocc(predicted, target, index),
        "rmse": np.sqrt(np.maximum(_left_out(sums.ee), 0) / n),
        "mae": _left_out(sums.ae) / n,
        "bias": _left_out(sums.e) / n,
    }
    if np.isnan(statistics["plcc"]).any():
        # Ranks of a side that is constant but for rounding would be ranks of the rounding.
        statistics["srocc"] = statistics["plcc"]
    return statistics


def _left_out(sums: Float[np.ndarray, " k"]) -> Float[np.ndarray, " _"]:
    """The sum of all sources, then of all but each."""
    return np.concatenate([[sums.sum()], sums.sum() - sums])


def _left_out_plcc(sums: SourceSums) -> Float[np.ndarray, " _"]:
    n, p, t = _left_out(sums.n), _left_out(sums.p), _left_out(sums.t)
    with np.errstate(invalid="ignore", divide="ignore"):
        pp = _left_out(sums.pp) - p * p / n
        tt = _left_out(sums.tt) - t * t / n
        return _correlation(_left_out(sums.pt) - p * t / n, pp, tt)


def _left_out_srocc(
    predicted: Float[np.ndarray, " n"],
    target: Float[np.ndarray, " n"],
    index: Int[np.ndarray, " n"],
) -> Float[np.ndarray, " _"]:
    """Sort once for all: without a source the others keep their order, and only ranks shift."""
    codes = [np.unique(side, return_inverse=True)[1] for side in (predicted, target)]
    counts = [np.bincount(code) for code in codes]
    found = [_rank_correlation(codes, counts, slice(None))]
    for source in range(int(index.max()) + 1):
        own = index == source
        left = [
            count - np.bincount(code[own], minlength=len(count))
            for code, count in zip(codes, counts, strict=True)
        ]
        found.append(_rank_correlation(codes, left, ~own))
    return np.array(found)


def _rank_correlation(
    codes: Sequence[Int[np.ndarray, " n"]],
    counts: Sequence[Int[np.ndarray, " _"]],
    rows: slice | np.ndarray,
) -> float:
    """Pearson's correlation of mean ranks, from how many rows have each distinct value."""
    n = int(counts[0].sum())
    centred = [np.cumsum(count) - (count - 1) / 2 - (n + 1) / 2 for count in counts]
    squares = [float(count @ ranks**2) for count, ranks in zip(counts, centred, strict=True)]
    (p, t), (code_p, code_t) = centred, codes
    product = float(p[code_p[rows]] @ t[code_t[rows]])
    return float(_correlation(np.array(product), *map(np.array, squares)))


def _correlation(pt: np.ndarray, pp: np.ndarray, tt: np.ndarray) -> np.ndarray:
    """NaN where a side's spread is rounding of the largest."""
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.clip(pt / np.sqrt(pp * tt), -1.0, 1.0)
    spread = (pp > 1e-12 * pp.max()) & (tt > 1e-12 * tt.max())
    return np.where(spread, found, np.nan)
