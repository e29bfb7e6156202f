# SPDX-License-Identifier: Apache-2.0
"""Formatting of numbers, shared by Markdown, page, charts and terminal.

A value that does not exist is a dash; no rounding suggests more than the value supports.
"""

from collections.abc import Mapping

from tinyvmaf.evaluation.comparison_records import ComparisonRow
from tinyvmaf.evaluation.metric_records import OverFolds
from tinyvmaf.stats.intervals import Interval
from tinyvmaf.text import ABSENT, number

TITLES: Mapping[str, str] = {
    "plcc": "PLCC",
    "srocc": "SROCC",
    "krocc": "KROCC",
    "rmse": "RMSE",
    "mae": "MAE",
    "bias": "bias",
    "pair_accuracy": "pair accuracy",
}

_SMALLEST_P = 0.0001


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
