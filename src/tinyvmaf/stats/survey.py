# SPDX-License-Identifier: Apache-2.0
"""Estimates of a clip's exact mean score from exact scores of a few frames.

The regression estimator of survey sampling: auxiliary variables are known for every frame, exact
scores for sampled frames; slopes are fitted to the sample and shrunk towards prior slopes. The
functions take and return numbers only, never videos.

One moment is drawn in each of some strata of equal length (`strata`). Frames whose auxiliary
variables show them to be outliers (`outliers`) form a part of their own.
Skewness makes the interval wider: a sample without one of a few bad frames has a mean that is too
high and, with it, a variance that is too low.

Source: Cochran, Sampling Techniques (1977), sections 5 and 7; Wolter, Introduction to Variance
Estimation (2007), section 8, for the variance from successive differences; Durbin and Watson (1950)
for the moments of quadratic forms in residuals; Satterthwaite (1946) for degrees of freedom;
Johnson, Modified t tests (1978), for the term of skewness.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int

from tinyvmaf.stats.outliers import Outliers, outlying
from tinyvmaf.stats.quantiles import student_quantile
from tinyvmaf.stats.strata import Sample

MIN_STRATA: Final = 4
"""The smallest number of strata that allows an estimate of variance."""

MAX_OUTLIERS: Final = 8
"""The most outliers whose exact scores are computed."""

_FLOOR: Final = 2.0
_FLOOR_WEIGHT: Final = 1.0


@dataclass(frozen=True, slots=True)
class Auxiliary:
    """Auxiliary variables of every frame, and the prior of their slopes.

    Attributes:
        values: One column per variable; without a column, exact scores stand alone.
        slopes: The prior mean of the slopes: VMAF points for a change of a variable by one.
        deviations: The prior standard deviations of the slopes, above 0.
        outlier_column: The column, in decibels, whose outliers form a part of their own; None for
            no such part.
    """

    values: Float[np.ndarray, "n_frames n_variables"]
    slopes: tuple[float, ...]
    deviations: tuple[float, ...]
    outlier_column: int | None = None

    def predicted(self, slopes: tuple[float, ...]) -> Float[np.ndarray, " n_frames"]:
        """The score of every frame that the variables predict, up to a constant."""
        return self.values @ np.array(slopes)

    def outliers(self) -> Int[np.ndarray, " n_outliers"]:
        """The frames that form a part of their own: far from the median, and at most 10 %."""
        if self.outlier_column is None:
            return np.empty(0, dtype=np.int64)
        return outlying(self.values[:, self.outlier_column])


def no_auxiliary(n_frames: int) -> Auxiliary:
    """No auxiliary variable at all."""
    return Auxiliary(np.empty((n_frames, 0)), (), ())


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimate of a mean, in VMAF points.

    Attributes:
        mean: Within [0, 100] for a score; a difference may have any sign.
        standard_error: Standard error of the mean, from the design.
        degrees_of_freedom: Those of that standard error; infinite if every frame is known.
        slopes: The fitted slopes of the auxiliary variables.
        skewness: Skewness of the distribution of the mean under the design.
    """

    mean: float
    standard_error: float
    degrees_of_freedom: float
    slopes: tuple[float, ...] = ()
    skewness: float = 0.0

    def half_width(self, *, level: float) -> float:
        """Half the length of the confidence interval at `level`.

        The interval of a skewed estimate reaches further to one side; this is the further one.
        """
        if self.standard_error == 0:
            return 0.0
        quantile = student_quantile(
            (1 + level) / 2, degrees_of_freedom=float(self.degrees_of_freedom)
        )
        return (quantile + abs(self.skewness) * (1 + 2 * quantile**2) / 6) * self.standard_error

    def interval(self, *, level: float) -> tuple[float, float]:
        """The confidence interval, cut to [0, 100], where every exact mean lies."""
        half = self.half_width(level=level)
        return max(0.0, self.mean - half), min(100.0, self.mean + half)


@dataclass(frozen=True, slots=True)
class PartMean:
    """The estimated mean of one part of a clip: its standard error, slopes and skewness."""

    mean: float
    standard_error: float
    degrees_of_freedom: float
    slopes: tuple[float, ...] = ()
    skewness: float = 0.0


def estimate(
    sample: Sample,
    *,
    auxiliary: Auxiliary,
    exact: Mapping[int, float],
    outliers: Outliers | None = None,
) -> Estimate:
    """The clip's mean score: frame 0, the main part and the outliers, weighted by their frames.

    Args:
        sample: The moments that were drawn.
        auxiliary: The auxiliary variables of every frame.
        exact: The exact score of at least `sample.frames` and of the outliers drawn.
        outliers: The part that was sampled on its own, if there is one.
    """
    found = estimate_sum(sample, auxiliary=auxiliary, exact=exact, outliers=outliers)
    return Estimate(
        mean=float(np.clip(found.mean, 0.0, 100.0)),
        standard_error=found.standard_error,
        degrees_of_freedom=found.degrees_of_freedom,
        slopes=found.slopes,
        skewness=found.skewness,
    )


def estimate_sum(
    sample: Sample,
    *,
    auxiliary: Auxiliary,
    exact: Mapping[int, float],
    outliers: Outliers | None = None,
) -> Estimate:
    """As `estimate`, for a quantity that has no bounds, such as a difference of two scores."""
    n_frames = sample.n_frames
    main = np.ones(n_frames, dtype=np.bool_)
    main[0] = False
    if outliers is not None:
        main[outliers.frames] = False
    frames = sample.strata_frames[main[sample.strata_frames]]
    if len(frames) < MIN_STRATA:
        # If only outliers were drawn, the sample is one part.
        main[1:] = True
        outliers, frames = None, sample.strata_frames
    parts = [(1, PartMean(exact[0], 0.0, np.inf))]
    parts.append((int(main.sum()), _main_part(frames, main, auxiliary=auxiliary, exact=exact)))
    if outliers is not None:
        parts.append((len(outliers.frames), _outlier_part(outliers, exact)))
    shares = np.array([count for count, _ in parts]) / n_frames
    variances = np.square(shares * [part.standard_error for _, part in parts])
    variance = float(variances.sum())
    freedoms = np.array([part.degrees_of_freedom for _, part in parts])
    freedom = np.inf if variance == 0 else variance**2 / float((variances**2 / freedoms).sum())
    third = float((variances**1.5) @ [part.skewness for _, part in parts])
    return Estimate(
        mean=float(shares @ [part.mean for _, part in parts]),
        standard_error=variance**0.5,
        degrees_of_freedom=float(freedom),
        slopes=parts[1][1].slopes,
        skewness=0.0 if variance == 0 else third / variance**1.5,
    )


def part_mean(
    scores: Float[np.ndarray, " n_sampled"],
    variables: Float[np.ndarray, "n_sampled n_variables"],
    *,
    variable_means: Float[np.ndarray, " n_variables"],
    n_frames: int,
    slopes: tuple[float, ...],
    deviations: tuple[float, ...],
    floor_weight: float = _FLOOR_WEIGHT,
) -> PartMean:
    """The mean score of one part of the frames, from scores that were drawn in order of time.

    The variance comes from successive differences. Differences of neighbours are a moving average,
    so that a slope costs more than one degree of freedom; the exact moments of the quadratic form
    give the divisor and the degrees of freedom. One more observation with a deviation of 2 points
    is added, since equal scores in a small sample do not give certainty.

    Args:
        scores: Exact scores of the sampled frames, two or more.
        variables: The auxiliary variables of the sampled frames.
        variable_means: Their means over all frames of the part.
        n_frames: Number of frames of the part.
        slopes: Prior means of the slopes.
        deviations: Prior standard deviations of the slopes.
        floor_weight: The weight of that additional observation.
    """
    n_sampled, n_variables = variables.shape
    prior_slopes = np.array(slopes)
    dy, dx = np.diff(scores), np.diff(variables, axis=0)
    missed = dy - dx @ prior_slopes
    prior = np.diag(float(np.square(missed).mean()) / np.square(deviations))
    seen = dx.T @ dx
    inverse = np.linalg.inv(seen + prior) if prior.any() else np.zeros((n_variables, n_variables))
    fitted = prior_slopes + inverse @ (dx.T @ missed)
    rest = dy - dx @ fitted
    # V is the correlation of successive differences: 1 on the diagonal, -1/2 beside it.
    correlated = dx.copy()
    correlated[1:] -= dx[:-1] / 2
    correlated[:-1] -= dx[1:] / 2
    inner = dx.T @ correlated
    taken = 2 * inverse - inverse @ seen @ inverse
    n_differences = n_sampled - 1
    trace = n_differences - float(np.trace(taken @ inner))
    product = taken @ inner
    trace_squared = (
        n_differences
        + (n_differences - 1) / 2
        - 2 * float(np.trace(taken @ (correlated.T @ correlated)))
        + float(np.trace(product @ product))
    )
    spread = float(rest @ rest) / (2 * trace)
    freedom = trace**2 / trace_squared
    spread = (freedom * spread + floor_weight * _FLOOR**2) / (freedom + floor_weight)
    off = variable_means - variables.mean(axis=0)
    gain = inverse @ off
    relative = 1 / n_sampled + 2 * float(gain @ inner @ gain)
    unseen = max(0.0, 1 - n_sampled / n_frames)
    return PartMean(
        mean=float(scores.mean() + off @ fitted),
        standard_error=float(np.sqrt(spread * unseen * relative)),
        degrees_of_freedom=freedom + floor_weight,
        slopes=tuple(fitted.tolist()),
        skewness=_skewness(scores - variables @ fitted) / spread**1.5 / n_sampled**0.5,
    )


def corrected(
    sample: Sample,
    *,
    auxiliary: Auxiliary,
    exact: Mapping[int, float],
    slopes: tuple[float, ...],
) -> Float[np.ndarray, " n_frames"]:
    """The predicted course of the score, moved by interpolated residuals; exact where it is known.

    It is a likely course: the confidence interval is about the mean alone.
    """
    # The residual of frame 0, which alone has no motion, says nothing about the frames after it.
    frames = np.array(sorted(set(exact) - {0}))
    predicted = auxiliary.predicted(slopes)
    missed = np.array([exact[i] for i in frames.tolist()]) - predicted[frames]
    course = predicted + np.interp(np.arange(sample.n_frames), frames, missed)
    course[list(exact)] = list(exact.values())
    return np.clip(course, 0.0, 100.0)


def _skewness(levels: Float[np.ndarray, " n_sampled"]) -> float:
    """The third central moment, from deviations of every value from the mean of its neighbours."""
    if len(levels) <= 2:  # noqa: PLR2004
        return 0.0
    deviations = levels[1:-1] - (levels[:-2] + levels[2:]) / 2
    # Of independent values, 1 - 2 / 8 of it is left.
    return float(np.mean(deviations**3)) / 0.75


def _main_part(
    frames: Int[np.ndarray, " n_sampled"],
    main: Bool[np.ndarray, " n_frames"],
    *,
    auxiliary: Auxiliary,
    exact: Mapping[int, float],
) -> PartMean:
    n_main = int(main.sum())
    scores = np.array([exact[i] for i in frames.tolist()])
    distinct = np.unique(frames)
    if len(distinct) == n_main:
        mean = float(np.mean([exact[i] for i in distinct.tolist()]))
        return PartMean(mean, 0.0, np.inf, auxiliary.slopes)
    return part_mean(
        scores,
        auxiliary.values[frames],
        variable_means=auxiliary.values[main].mean(axis=0),
        n_frames=n_main,
        slopes=auxiliary.slopes,
        deviations=auxiliary.deviations,
    )


def _outlier_part(outliers: Outliers, exact: Mapping[int, float]) -> PartMean:
    scores = np.array([exact[i] for i in outliers.sampled])
    if len(scores) == len(outliers.frames):
        return PartMean(float(scores.mean()), 0.0, np.inf)
    bare = np.empty((len(scores), 0))
    return part_mean(
        scores,
        bare,
        variable_means=np.empty(0),
        n_frames=len(outliers.frames),
        slopes=(),
        deviations=(),
    )
