# SPDX-License-Identifier: Apache-2.0
"""Scales on which metrics are averaged and compared, and the better direction of each metric.

A correlation near 1 or an error near 0 is skewed; on the stabilised scale (atanh for correlations,
log for errors) its spread is about the same everywhere, so that means, intervals and tests make
sense there. Every interval is computed on the scale and returned in the metric's own unit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tinyvmaf.errors import SchemaError, UsageError

# A perfect correlation or a zero error is infinitely far out on its scale: it is held this far off.
# Rank correlations are held off by `held_off` before they come here.
_EDGE = 1e-9


@dataclass(frozen=True, slots=True)
class Scale:
    """A monotone map of metric values and its inverse.

    Attributes:
        name: Name of the map.
        difference: Name of a difference on this scale, after `effect`.
    """

    name: Literal["atanh", "log", "identity"]
    difference: Literal["difference of atanh", "ratio", "difference"]

    def forward(self, values: np.ndarray) -> np.ndarray:
        """Metric values on the scale; |r| = 1 and an error of 0 are held 1e-9 off the edge."""
        if self.name == "atanh":
            return np.arctanh(np.clip(values, -1 + _EDGE, 1 - _EDGE))
        return np.log(np.maximum(values, _EDGE)) if self.name == "log" else values

    def inverse(self, value: float) -> float:
        """A point of the scale in the metric's own unit."""
        if self.name == "atanh":
            return float(np.tanh(value))
        return float(np.exp(value)) if self.name == "log" else float(value)

    def effect(self, difference: float) -> float:
        """A difference on the scale as reported: the ratio for `log`, itself for the others."""
        return float(np.exp(difference)) if self.name == "log" else float(difference)


ATANH = Scale(name="atanh", difference="difference of atanh")
LOG = Scale(name="log", difference="ratio")
IDENTITY = Scale(name="identity", difference="difference")

SCALES: dict[str, Scale] = {
    "plcc": ATANH,
    "srocc": ATANH,
    "krocc": ATANH,
    "rmse": LOG,
    "mae": LOG,
    "bias": IDENTITY,
    "pair_accuracy": IDENTITY,
}

CLIP = "clip_"
"""In front of a metric that is taken on clip means; its scale and better side stay the same."""

# Exchanging two neighbouring ranks lowers a correlation of 1 by 12 / (n^3 - n), or 4 / (n^2 - n).
_SMALLEST_STEP: dict[str, Callable[[int], float]] = {
    "srocc": lambda n: 12 / (n * (n * n - 1)),
    "krocc": lambda n: 4 / (n * (n - 1)),
}

# A bias has no better side: compare its size by rmse or mae.
_HIGHER_IS_BETTER = {
    "plcc": True,
    "srocc": True,
    "krocc": True,
    "rmse": False,
    "mae": False,
    "pair_accuracy": True,
}


def scale_of(metric: str) -> Scale:
    """The scale of `metric`.

    Raises:
        UsageError: there is no such metric.
    """
    name = metric.removeprefix(CLIP)
    if name not in SCALES:
        raise UsageError(f"unknown metric {metric!r}; there are {', '.join(SCALES)}")
    return SCALES[name]


def held_off(value: float | None, *, metric: str, n: int) -> float | None:
    """A rank correlation of `n` rows, kept half a step of its own resolution away from 1.

    The ranks of few rows cannot distinguish a correlation of 1 from a slightly smaller one; without
    this, the value of a perfect one on the atanh scale would dominate means and intervals.

    Args:
        value: The metric; others than rank correlations come back as they are.
        metric: Names it.
        n: Rows.

    Example:
        >>> held_off(1.0, metric="srocc", n=3)
        0.75
    """
    name = metric.removeprefix(CLIP)
    if value is None or n < 2 or name not in _SMALLEST_STEP:  # noqa: PLR2004 (two ranks)
        return value
    most = 1 - _SMALLEST_STEP[name](n) / 2
    return float(np.clip(value, -most, most))


def is_perfect(value: float | None, *, metric: str, n: int) -> bool:
    """Return True for a rank correlation of 1 or -1: no two of the `n` rows are out of order.

    If it is perfect everywhere, its interval is not known: no disorder was seen, and the resolution
    of the ranks would be all that an interval shows.
    """
    if value is None or np.isnan(value) or metric.removeprefix(CLIP) not in _SMALLEST_STEP:
        return False
    return abs(value) == 1 or held_off(value, metric=metric, n=n) != value


def higher_is_better(metric: str) -> bool:
    """Return True if a higher `metric` is better.

    Raises:
        UsageError: there is no such metric, or it has no better side.
    """
    name = metric.removeprefix(CLIP)
    if name not in _HIGHER_IS_BETTER:
        raise UsageError(
            f"models cannot be compared by {metric!r}; they can by {', '.join(_HIGHER_IS_BETTER)}"
        )
    return _HIGHER_IS_BETTER[name]


def known(values: Sequence[float | None], *, metric: str) -> np.ndarray:
    """The values that exist, as float64, in their order.

    Raises:
        SchemaError: a value is neither None nor finite.
    """
    array = np.array([value for value in values if value is not None], dtype=np.float64)
    if not np.isfinite(array).all():
        raise SchemaError(f"{metric}: found {list(values)}; a value is a finite number or None")
    return array
