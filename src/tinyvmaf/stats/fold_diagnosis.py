# SPDX-License-Identifier: Apache-2.0
"""Diagnosis of a fold's error: its parts, the range of its target, and an outlier test.

Each diagnosis is a defined statistic; outliers are identified by a test.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Real

from tinyvmaf.stats.columns import checked, is_constant
from tinyvmaf.stats.scales import known, scale_of


@dataclass(frozen=True, slots=True)
class ErrorShares:
    """The mean squared error in three parts that sum to 1.

    Attributes:
        bias: Share of the difference of means.
        slope: Share of a spread that does not fit the correlation: too steep or too flat.
        residual: Share that no straight line removes.
        calibration_slope: Slope of target on predicted, 1 if calibrated; None if predicted is
            constant.
    """

    bias: float
    slope: float
    residual: float
    calibration_slope: float | None


def error_shares(
    *, predicted: Real[np.ndarray, " _"], target: Real[np.ndarray, " _"]
) -> ErrorShares | None:
    """Theil's decomposition of the mean squared error; None without rows or without error.

    Raises:
        SchemaError: the lengths differ, or a value is not finite.

    Source: Theil (1966), Murphy (1988); ddof = 0.
    """
    p, t = checked(predicted=predicted, target=target)
    if len(p) == 0 or np.array_equal(p, t):
        return None
    mse = float(np.square(p - t).mean())
    sd_p = 0.0 if is_constant(p) else float(p.std())
    sd_t = 0.0 if is_constant(t) else float(t.std())
    covariance = float(((p - p.mean()) * (t - t.mean())).mean())
    # If a side is constant there is no correlation, and a slope removes nothing.
    r = covariance / (sd_p * sd_t) if sd_p > 0 and sd_t > 0 else 0.0
    return ErrorShares(
        bias=float(p.mean() - t.mean()) ** 2 / mse,
        slope=(sd_p - r * sd_t) ** 2 / mse,
        residual=max(0.0, 1 - r * r) * sd_t**2 / mse,
        calibration_slope=r * sd_t / sd_p if sd_p > 0 else None,
    )


@dataclass(frozen=True, slots=True)
class TargetRange:
    """Spread of a fold's target and its saturation at the ends of the scale.

    Attributes:
        sd: Standard deviation (ddof = 0) in target units.
        at_bottom, at_top: Shares of rows at 0 and at 100 exactly, in [0, 1].
    """

    sd: float
    at_bottom: float
    at_top: float


def target_range(target: Real[np.ndarray, " _"]) -> TargetRange:
    """Spread and saturation of the teacher's scores of at least one row."""
    return TargetRange(
        sd=float(target.std()),
        at_bottom=float((target <= 0).mean()),
        at_top=float((target >= 100).mean()),  # noqa: PLR2004 (VMAF's own range)
    )


def range_corrected(r: float, *, sd: float, reference_sd: float) -> float | None:
    """The correlation in [-1, 1] that the same residuals would give over a reference range.

    Args:
        r: Correlation in the fold.
        sd: Standard deviation of the fold's target; without spread there is no correction.
        reference_sd: The one to correct to, such as the pooled one within sources.

    Source: Thorndike (1949), case II.
    """
    if sd <= 0:
        return None
    u = reference_sd / sd
    return float(r * u / np.sqrt(1 + r * r * (u * u - 1)))


@dataclass(frozen=True, slots=True)
class OutlierTest:
    """The test of one fold as an outlier among the others.

    Attributes:
        t: Deleted t: distance to the mean of the others in their standard deviations.
        p: Two-sided p-value for this fold alone.
        p_adjusted: `p` times the number of folds (Bonferroni), for a fold that was selected as the
            worst.
    """

    t: float
    p: float
    p_adjusted: float


def outlier_tests(values: Sequence[float | None], *, metric: str) -> tuple[OutlierTest | None, ...]:
    """Test every fold of `metric` against the others on its stabilised scale.

    Args:
        values: One per fold; None where the metric does not exist.
        metric: Names the scale.

    Returns:
        One per fold; None where the fold has no value, or fewer than two others have a spread.

    Raises:
        SchemaError: a value is neither None nor finite.

    Source: the externally studentised residual (Cook and Weisberg, 1982).
    """
    from scipy.stats import t

    x = scale_of(metric).forward(known(values, metric=metric))
    k = len(x)
    found: list[OutlierTest | None] = []
    for i in range(k):
        others = np.delete(x, i)
        if k < 3 or is_constant(others):  # noqa: PLR2004 (two others have a spread)
            found.append(None)
            continue
        distance = float((x[i] - others.mean()) / (others.std(ddof=1) * np.sqrt(1 + 1 / (k - 1))))
        p = float(2 * t.sf(abs(distance), k - 2))
        found.append(OutlierTest(distance, p, p_adjusted=min(1.0, k * p)))
    tests = iter(found)
    return tuple(None if value is None else next(tests) for value in values)
