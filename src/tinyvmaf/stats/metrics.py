# SPDX-License-Identifier: Apache-2.0
"""Agreement of predictions with the target: six metrics of a set of rows, aggregated over folds.

The functions take two arrays of equal length and return plain floats. A metric that does not exist
(a correlation with a constant, anything of no rows) is None with a reason in words, never 0, 1 or
NaN. Nothing is fitted, clipped or dropped here; rows that are not finite are refused.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Real

from tinyvmaf.errors import SchemaError
from tinyvmaf.stats.columns import checked, is_constant

MetricName = Literal["plcc", "srocc", "krocc", "rmse", "mae", "bias"]

CORRELATIONS: tuple[MetricName, ...] = ("plcc", "srocc", "krocc")
ERRORS: tuple[MetricName, ...] = ("rmse", "mae", "bias")
METRICS: tuple[MetricName, ...] = (*CORRELATIONS, *ERRORS)


def plcc(*, predicted: Real[np.ndarray, " _"], target: Real[np.ndarray, " _"]) -> float | None:
    """Pearson correlation in [-1, 1]; None if `undefined_reason` has one.

    Args:
        predicted: Scores of the model, one per row.
        target: Scores to be met, in the same order.

    Raises:
        SchemaError: the lengths differ, or a value is not finite.

    Source: Pearson (1895); two-pass, scaled so that neither huge nor tiny values lose digits.
    """
    return _defined(_plcc, predicted, target)


def srocc(*, predicted: Real[np.ndarray, " _"], target: Real[np.ndarray, " _"]) -> float | None:
    """Spearman rank correlation in [-1, 1], ties given their mean rank; None as for `plcc`.

    Raises:
        SchemaError: the lengths differ, or a value is not finite.

    Source: Spearman (1904); ranks by scipy.stats.rankdata.
    """
    return _defined(_srocc, predicted, target)


def krocc(*, predicted: Real[np.ndarray, " _"], target: Real[np.ndarray, " _"]) -> float | None:
    """Kendall rank correlation tau-b in [-1, 1], corrected for ties; None as for `plcc`.

    Raises:
        SchemaError: the lengths differ, or a value is not finite.

    Source: Kendall (1945); computed by scipy.stats.kendalltau in O(n log n).
    """
    return _defined(_krocc, predicted, target)


def rmse(*, predicted: Real[np.ndarray, " _"], target: Real[np.ndarray, " _"]) -> float | None:
    """Root of the mean squared error in target units, >= 0, divided by n; None without rows.

    Raises:
        SchemaError: the lengths differ, or a value is not finite.
    """
    return _of_errors(_rmse, predicted, target)


def mae(*, predicted: Real[np.ndarray, " _"], target: Real[np.ndarray, " _"]) -> float | None:
    """Mean absolute error in target units, >= 0; None without rows.

    Raises:
        SchemaError: the lengths differ, or a value is not finite.
    """
    return _of_errors(_mae, predicted, target)


def bias(*, predicted: Real[np.ndarray, " _"], target: Real[np.ndarray, " _"]) -> float | None:
    """Mean of predicted minus target in target units, positive if too high; None without rows.

    Raises:
        SchemaError: the lengths differ, or a value is not finite.
    """
    return _of_errors(_bias, predicted, target)


def undefined_reason(
    *, predicted: Real[np.ndarray, " _"], target: Real[np.ndarray, " _"]
) -> str | None:
    """Return in words the reason why a correlation does not exist; None if it does.

    Raises:
        SchemaError: the lengths differ, or a value is not finite.
    """
    return _reason(*checked(predicted=predicted, target=target))


@dataclass(frozen=True, slots=True)
class Metrics:
    """The six numbers of one set of rows.

    Attributes:
        plcc, srocc, krocc: Correlations in [-1, 1], or None.
        rmse, mae, bias: Errors in target units, or None.
        n: Rows.
        undefined: For every number that is None, the reason in words.
    """

    plcc: float | None
    srocc: float | None
    krocc: float | None
    rmse: float | None
    mae: float | None
    bias: float | None
    n: int
    undefined: Mapping[str, str] = field(default_factory=dict[str, str])


def measure(*, predicted: Real[np.ndarray, " _"], target: Real[np.ndarray, " _"]) -> Metrics:
    """All six numbers of these rows, with the reasons for those that do not exist.

    Raises:
        SchemaError: the lengths differ, or a value is not finite.
    """
    p, t = checked(predicted=predicted, target=target)
    reason = _reason(p, t)
    undefined: dict[str, str] = {}
    if reason is not None:
        undefined.update(dict.fromkeys(CORRELATIONS, reason))
    if len(p) == 0:
        undefined.update(dict.fromkeys(ERRORS, "no rows"))
    return Metrics(
        plcc=None if reason else _plcc(p, t),
        srocc=None if reason else _srocc(p, t),
        krocc=None if reason else _krocc(p, t),
        rmse=_rmse(p, t) if len(p) else None,
        mae=_mae(p, t) if len(p) else None,
        bias=_bias(p, t) if len(p) else None,
        n=len(p),
        undefined=undefined,
    )


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One metric over folds, as published tables print it.

    Attributes:
        mean: Mean of the folds where it exists, or None without any.
        std: Their standard deviation with ddof = 1, or None below two.
        worst: The smallest correlation, the largest error, the bias farthest from 0.
        worst_fold: Position of `worst` among all folds.
        k: Folds, those where the metric does not exist included.
        k_eff: Folds where it exists; to be reported when it differs from `k`.
    """

    mean: float | None
    std: float | None
    worst: float | None
    worst_fold: int | None
    k: int
    k_eff: int


def aggregate(values: Sequence[float | None], *, metric: MetricName) -> Aggregate:
    """Mean, spread and worst of `metric` over folds; None marks a fold where it does not exist.

    Raises:
        SchemaError: a value is neither None nor finite.
    """
    defined = [(fold, value) for fold, value in enumerate(values) if value is not None]
    array = np.array([value for _, value in defined], dtype=np.float64)
    if not np.isfinite(array).all():
        raise SchemaError(f"{metric} over folds: found {list(values)}; a fold is a number or None")
    if not defined:
        return Aggregate(None, None, None, None, k=len(values), k_eff=0)
    badness = -array if metric in CORRELATIONS else np.abs(array)
    fold, worst = defined[int(np.argmax(badness))]
    return Aggregate(
        mean=float(array.mean()),
        std=float(array.std(ddof=1)) if len(array) > 1 else None,
        worst=worst,
        worst_fold=fold,
        k=len(values),
        k_eff=len(defined),
    )


_Numbers = Float[np.ndarray, " n"]
_Statistic = Callable[[np.ndarray, np.ndarray], float]


def _defined(statistic: _Statistic, predicted: np.ndarray, target: np.ndarray) -> float | None:
    p, t = checked(predicted=predicted, target=target)
    return None if _reason(p, t) else statistic(p, t)


def _of_errors(statistic: _Statistic, predicted: np.ndarray, target: np.ndarray) -> float | None:
    p, t = checked(predicted=predicted, target=target)
    return statistic(p, t) if len(p) else None


def _reason(p: _Numbers, t: _Numbers) -> str | None:
    if len(p) < 2:  # noqa: PLR2004 (a line needs two points)
        return f"{len(p)} row{'s' * (len(p) != 1)}; a correlation needs at least 2"
    for name, side in (("predicted", p), ("target", t)):
        if is_constant(side):
            return f"{name} is constant at {side[0]:g}"
    return None


def _plcc(p: _Numbers, t: _Numbers) -> float:
    x, y = p - p.mean(), t - t.mean()
    x /= np.abs(x).max()
    y /= np.abs(y).max()
    # Rounding may put a perfect correlation one bit above 1.
    return float(np.clip((x @ y) / np.sqrt((x @ x) * (y @ y)), -1.0, 1.0))


def _srocc(p: _Numbers, t: _Numbers) -> float:
    from scipy.stats import rankdata

    return _plcc(rankdata(p), rankdata(t))


def _krocc(p: _Numbers, t: _Numbers) -> float:
    from scipy.stats import kendalltau

    result: Any = kendalltau(p, t)
    return float(result.statistic)


def _rmse(p: _Numbers, t: _Numbers) -> float:
    error = p - t
    return float(np.sqrt(error @ error / len(error)))


def _mae(p: _Numbers, t: _Numbers) -> float:
    return float(np.abs(p - t).mean())


def _bias(p: _Numbers, t: _Numbers) -> float:
    return float((p - t).mean())
