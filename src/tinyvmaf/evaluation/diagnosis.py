# SPDX-License-Identifier: Apache-2.0
"""Why a fold is bad: untrained model, offset, narrow range, or content unlike the training sources.

The gate comes first: a model that does not fit its own training rows says nothing of other content.
Each diagnosis is a number with a definition; whether a fold is an outlier is a test, not a look.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Real

from tinyvmaf.errors import SchemaError
from tinyvmaf.stats.rows import checked, is_constant
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

    @property
    def removable(self) -> float:
        """Share of the squared error that a first-order map of this fold would remove."""
        return self.bias + self.slope


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
    # With a constant side there is no correlation and nothing that a slope could remove.
    r = covariance / (sd_p * sd_t) if sd_p > 0 and sd_t > 0 else 0.0
    return ErrorShares(
        bias=float(p.mean() - t.mean()) ** 2 / mse,
        slope=(sd_p - r * sd_t) ** 2 / mse,
        residual=max(0.0, 1 - r * r) * sd_t**2 / mse,
        calibration_slope=r * sd_t / sd_p if sd_p > 0 else None,
    )


@dataclass(frozen=True, slots=True)
class TargetRange:
    """How much of the scale a fold's target covers.

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
    """Whether one fold is out of line with the others.

    Attributes:
        t: Deleted t: distance to the mean of the others in their standard deviations.
        p: Two-sided p-value for this fold alone.
        p_adjusted: Times the number of folds (Bonferroni): for the fold that was looked at because
            it is the worst.
    """

    t: float
    p: float
    p_adjusted: float


def outlier_tests(values: Sequence[float | None], *, metric: str) -> tuple[OutlierTest | None, ...]:
    """Test every fold of `metric` against the others on its stabilised scale.

    Args:
        values: One a fold; None where the metric does not exist.
        metric: Names the scale.

    Returns:
        One a fold; None where the fold has no value, or fewer than two others have a spread.

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


MAX_TRAIN_RMSE = 2.0
"""VMAF points; the teacher is a function of the features, so that a trained model gets below."""

MAX_CHANGE = 0.05
"""Relative change of the held-out RMSE by twice the steps that still counts as converged."""

MAX_POINTS = 0.05
"""A change by less VMAF points passes whatever its share: near zero every share is noise."""


@dataclass(frozen=True, slots=True)
class TrainingGate:
    """Whether the models were trained enough to speak of unseen content at all.

    Attributes:
        outcome: `unchecked` if the training error is low but twice the steps were not tried.
        train_rmse: On the models' own training rows, in VMAF points.
        change: Relative change of the held-out RMSE by twice the steps, negative if it fell.
        reason: The verdict in words.
    """

    outcome: Literal["trained", "undertrained", "unchecked"]
    train_rmse: float
    change: float | None
    reason: str


def training_gate(
    *, train_rmse: float, heldout_rmse: float | None = None, doubled_rmse: float | None = None
) -> TrainingGate:
    """Judge training by the error on its own rows and by what twice the steps would change.

    Args:
        train_rmse: Mean over folds and seeds, in VMAF points.
        heldout_rmse: Of the same models on their held-out sources.
        doubled_rmse: The same after twice the steps; None if that was not tried.

    Raises:
        SchemaError: only one of the held-out errors is given, or one is not positive.
    """
    if (heldout_rmse is None) != (doubled_rmse is None):
        raise SchemaError("give the held-out RMSE with the steps of the recipe and with twice them")
    change, points = None, 0.0
    if heldout_rmse is not None and doubled_rmse is not None:
        if heldout_rmse <= 0:
            raise SchemaError(f"held-out RMSE is {heldout_rmse}, expected a positive error")
        change = doubled_rmse / heldout_rmse - 1
        points = doubled_rmse - heldout_rmse
    fit = f"train RMSE {train_rmse:.2f}"
    effect = f"twice the steps change the held-out RMSE by {points:+.3f} ({change or 0.0:+.1%})"
    if train_rmse >= MAX_TRAIN_RMSE:
        outcome, reason = "undertrained", f"{fit} is not below {MAX_TRAIN_RMSE:g} VMAF points"
    elif change is None:
        outcome, reason = "unchecked", f"{fit}; the effect of twice the steps was not measured"
    elif abs(change) >= MAX_CHANGE and abs(points) >= MAX_POINTS:
        outcome, reason = "undertrained", f"{fit}, but {effect}"
    else:
        outcome, reason = "trained", f"{fit}; {effect}"
    return TrainingGate(outcome, train_rmse, change=change, reason=reason)
