# SPDX-License-Identifier: Apache-2.0
"""Formatting of numbers, shared by Markdown, page, charts and terminal.

A value that does not exist is a dash; no rounding suggests more than the value supports.
"""

import math
from collections.abc import Mapping

from tinyvmaf.evaluation.comparison_records import ComparisonRow
from tinyvmaf.evaluation.metric_records import OverFolds
from tinyvmaf.stats.intervals import Interval

ABSENT = "\N{EN DASH}"

TITLES: Mapping[str, str] = {
    "plcc": "PLCC",
    "srocc": "SROCC",
    "krocc": "KROCC",
    "rmse": "RMSE",
    "mae": "MAE",
    "bias": "bias",
    "pair_accuracy": "pair accuracy",
}

_UNITLESS = frozenset({"plcc", "srocc", "krocc", "pair_accuracy"})
_SMALLEST_P = 0.0001
_CLOSEST = 1e-6
# Rounding error of a difference that is zero.
_ROUNDING = 1e-12


def number(metric: str, value: float | None) -> str:
    """A metric's value: four digits for correlations, three for VMAF points; a dash for None.

    A value close to 0, or a correlation close to 1, gets as many more digits as it takes to show
    two that differ from there; closer than a millionth to 1 it is shown as more than 0.999999.
    """
    if value is None:
        return ABSENT
    digits = 4 if metric in _UNITLESS else 3
    distance = abs(value)
    if metric in _UNITLESS and round(distance, digits) == 1:
        distance = abs(1 - distance)
        if _ROUNDING < distance < _CLOSEST:
            return f"> {1 - _CLOSEST}" if value > 0 else f"< {_CLOSEST - 1}"
    if distance > _ROUNDING:
        digits = max(digits, 1 - math.floor(math.log10(distance)))
    return f"{value:.{digits}f}"


def spread(metric: str, over_folds: OverFolds) -> str:
    """`mean ± std` of a metric over folds."""
    return f"{number(metric, over_folds.mean)} ± {number(metric, over_folds.std)}"


def bounds(low: float | None, high: float | None, *, metric: str = "rmse") -> str:
    """An interval in brackets, with digits as `number` has them; a dash if it does not exist."""
    if low is None or high is None:
        return ABSENT
    return f"[{number(metric, low)}, {number(metric, high)}]"


def interval(metric: str, found: Interval | None) -> str:
    """An estimate followed by its interval; a dash if there is none."""
    if found is None:
        return ABSENT
    return f"{number(metric, found.estimate)} {bounds(found.low, found.high, metric=metric)}"


def p_value(value: float | None) -> str:
    """A p value with four digits; never printed as zero."""
    if value is None:
        return ABSENT
    return f"< {_SMALLEST_P}" if value < _SMALLEST_P else f"{value:.4f}"


def share(value: float | None) -> str:
    """A share in [0, 1] as a percentage."""
    return ABSENT if value is None else f"{100 * value:.1f} %"


def count(value: int) -> str:
    """A whole number with separated thousands."""
    return f"{value:,}"


def plural(value: int, noun: str) -> str:
    """A count and its noun, which takes an s unless there is one."""
    return f"{count(value)} {noun}" + ("" if value == 1 else "s")


def verdict(comparison: ComparisonRow) -> str:
    """A comparison's verdict in words that name the models."""
    words = {
        "a_better": f"{comparison.a} is better",
        "b_better": f"{comparison.b} is better",
        "equivalent": "equivalent",
        "not_resolved": "not resolved" if comparison.is_resolvable else "too few sources",
    }
    return words[comparison.verdict]
