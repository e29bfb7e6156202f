# SPDX-License-Identifier: Apache-2.0
"""How numbers are printed, once for Markdown, page, charts and terminal.

A value that does not exist is a dash; nothing is rounded so far that it would claim too much.
"""

from collections.abc import Mapping
from typing import Any

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


def number(metric: str, value: float | None) -> str:
    """A metric's value: four digits for correlations, three for VMAF points; a dash for None."""
    if value is None:
        return ABSENT
    # A correlation that rounds to 1 without being 1 would claim too much.
    if metric in _UNITLESS and 0.99995 <= abs(value) < 1:  # noqa: PLR2004
        return f"{value:.6f}"
    return f"{value:.4f}" if metric in _UNITLESS else f"{value:.3f}"


def spread(metric: str, over_folds: Mapping[str, Any]) -> str:
    """`mean ± std` of a metric over folds."""
    return f"{number(metric, over_folds['mean'])} ± {number(metric, over_folds['std'])}"


def bounds(low: float | None, high: float | None, *, digits: int = 3) -> str:
    """An interval in brackets; a dash if it does not exist."""
    if low is None or high is None:
        return ABSENT
    return f"[{low:.{digits}f}, {high:.{digits}f}]"


def interval(metric: str, found: Mapping[str, Any] | None) -> str:
    """An estimate with its interval behind it; a dash if there is none."""
    if not found or found.get("estimate") is None:
        return ABSENT
    estimate = number(metric, found["estimate"])
    low, high = found.get("low"), found.get("high")
    if low is None or high is None:
        return f"{estimate} (no interval)"
    return f"{estimate} [{number(metric, low)}, {number(metric, high)}]"


def p_value(value: float | None) -> str:
    """A p value with four digits; never printed as zero."""
    if value is None:
        return ABSENT
    return f"< {_SMALLEST_P}" if value < _SMALLEST_P else f"{value:.4f}"


def share(value: float | None) -> str:
    """A share in [0, 1] as a percentage."""
    return ABSENT if value is None else f"{100 * value:.1f} %"


def decimal(value: float | None, *, digits: int = 3) -> str:
    """A plain number; a dash for None."""
    return ABSENT if value is None else f"{value:.{digits}f}"


def count(value: int) -> str:
    """A whole number with thousands set apart."""
    return f"{value:,}"


def plural(value: int, noun: str) -> str:
    """A count and its noun, which takes an s unless there is one."""
    return f"{count(value)} {noun}" + ("" if value == 1 else "s")


def verdict(comparison: Mapping[str, Any]) -> str:
    """A comparison's verdict in words that name the models."""
    words = {
        "a_better": f"{comparison['a']} is better",
        "b_better": f"{comparison['b']} is better",
        "equivalent": "equivalent",
        "not_resolved": "not resolved",
    }
    return words[comparison["verdict"]]
