# SPDX-License-Identifier: Apache-2.0
"""Clip-level statistics of ITU-T P.1401, labelled with their assumptions.

The recommendation takes clips as independent, which clips of one source are not: its intervals are
too narrow for a claim about new content (those of `intervals` and `comparison` are not). They
exist for comparison with published tables.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Real

from tinyvmaf.errors import SchemaError
from tinyvmaf.stats.columns import checked
from tinyvmaf.stats.metrics import plcc, rmse, srocc

ASSUMPTION = "P.1401, clips treated as independent"

_MIN_CLIPS = 4


@dataclass(frozen=True, slots=True)
class ClipStatistic:
    """A statistic of clips with its interval.

    Attributes:
        estimate: The value.
        low, high: Its interval, clips taken as independent.
    """

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ClipBlock:
    """The block of one model.

    Attributes:
        n: Clips.
        dof: Parameters of a map that was fitted before; 0 without one.
        level: Nominal coverage of the intervals.
        plcc, srocc: Correlations; None where undefined or with fewer than four clips.
        rmse: In target units, divided by n - dof.
        outlier_ratio: Share of clips whose error exceeds the target's own uncertainty; None if
            that is not known.
        rmse_star: RMSE beyond that uncertainty; None likewise.
        assumption: To be printed with the numbers.
    """

    n: int
    dof: int
    level: float
    plcc: ClipStatistic | None
    srocc: ClipStatistic | None
    rmse: ClipStatistic
    outlier_ratio: ClipStatistic | None
    rmse_star: float | None
    assumption: str = ASSUMPTION


def clip_block(
    *,
    predicted: Real[np.ndarray, " _"],
    target: Real[np.ndarray, " _"],
    half_width: Real[np.ndarray, " _"] | None = None,
    dof: int = 0,
    level: float = 0.95,
) -> ClipBlock:
    """All P.1401 statistics of one model on clips.

    Args:
        predicted: Score of every clip, after the map if there was one.
        target: Mean opinion scores, or the teacher's scores.
        half_width: Half of the 95 % interval of every target, > 0; None if not known.
        dof: Parameters of the map.
        level: Nominal coverage.

    Raises:
        SchemaError: lengths differ, a value is not finite, or there are no more clips than `dof`.

    Source: ITU-T P.1401 (2020) section 7.5; Bonett and Wright (2000) for Spearman's variance.
    """
    from scipy.stats import binomtest

    predicted, target = checked(predicted=predicted, target=target)
    n = len(target)
    if n <= dof:
        raise SchemaError(f"{n} clips and a map of {dof} parameters; give more clips than those")
    outlier_ratio = rmse_star = None
    if half_width is not None:
        excess, limits = checked(predicted=np.abs(predicted - target), target=half_width)
        outliers = int(np.count_nonzero(excess > limits))
        test = binomtest(outliers, n)
        bounds = test.proportion_ci(confidence_level=level, method="wilson")
        outlier_ratio = ClipStatistic(outliers / n, float(bounds.low), float(bounds.high))
        beyond = np.maximum(excess - limits, 0.0)
        rmse_star = float(np.sqrt(np.square(beyond).sum() / (n - dof)))
    pearson = plcc(predicted=predicted, target=target)
    spearman = srocc(predicted=predicted, target=target)
    error = rmse(predicted=predicted, target=target) or 0.0
    return ClipBlock(
        n=n,
        dof=dof,
        level=level,
        plcc=correlation_interval(pearson, n=n, level=level),
        srocc=correlation_interval(
            spearman, n=n, level=level, inflation=1 + (spearman or 0.0) ** 2 / 2
        ),
        rmse=rmse_interval(error * (n / (n - dof)) ** 0.5, dof=n - dof, level=level),
        outlier_ratio=outlier_ratio,
        rmse_star=rmse_star,
    )


def correlation_interval(
    r: float | None, *, n: int, level: float = 0.95, inflation: float = 1.0
) -> ClipStatistic | None:
    """Fisher's interval of a correlation of `n` clips, in [-1, 1]; None with fewer than four.

    Args:
        r: The correlation, None if undefined.
        n: Clips.
        level: Nominal coverage.
        inflation: Inflation of the variance 1 / (n - 3); 1 + r^2 / 2 for Spearman's.

    Source: Fisher (1921).
    """
    from scipy.stats import norm

    if r is None or n < _MIN_CLIPS:
        return None
    if abs(r) >= 1:
        return ClipStatistic(r, r, r)
    half = float(norm.ppf(0.5 + level / 2)) * (inflation / (n - 3)) ** 0.5
    z = np.arctanh(r)
    return ClipStatistic(r, float(np.tanh(z - half)), float(np.tanh(z + half)))


def rmse_interval(error: float, *, dof: int, level: float = 0.95) -> ClipStatistic:
    """Chi-square interval of an RMSE with `dof` degrees of freedom, in target units.

    Source: ITU-T P.1401 (2020) section 7.5.1.
    """
    from scipy.stats import chi2

    upper, lower = chi2.ppf([0.5 + level / 2, 0.5 - level / 2], dof)
    low, high = error * np.sqrt(dof / upper), error * np.sqrt(dof / lower)
    return ClipStatistic(error, float(low), float(high))
