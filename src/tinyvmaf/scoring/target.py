# SPDX-License-Identifier: Apache-2.0
"""The bitrate at which a rate-quality curve reaches a target, with an interval.

The curve is shape-preserving (PCHIP) in the logarithm of the bitrate. Outside the measured range
only the side of the target is reported.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

_GRID = 2001
_FEWEST = 2


@dataclass(frozen=True, slots=True)
class Point:
    """An encode of a curve.

    Attributes:
        name: File name.
        bitrate_kbps: Bitrate of its video stream.
        vmaf: Its mean score.
        half_width: Half the width of the score's interval.
        crf: Its constant rate factor, or None.
    """

    name: str
    bitrate_kbps: float
    vmaf: float
    half_width: float
    crf: float | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """The point at which a curve reaches a target.

    Attributes:
        curve: The codec and size of the encodes.
        vmaf: The target.
        bitrate_kbps: The bitrate that reaches it, None if it was not found.
        bitrate_interval_kbps: Interval for that bitrate, from the intervals of the scores; an end
            is None if it is outside the measured range.
        crf: The constant rate factor that reaches it, None if the encodes do not all have one.
        between: The encodes on both sides of it.
        reason: The reason why it was not found.
    """

    curve: str
    vmaf: float
    bitrate_kbps: float | None = None
    bitrate_interval_kbps: tuple[float | None, float | None] | None = None
    crf: float | None = None
    between: tuple[str, str] | None = None
    reason: str | None = None


def reach_targets(curves: Mapping[str, Sequence[Point]], *, target: float) -> tuple[Target, ...]:
    """The bitrate at which each of several named curves reaches `target`."""
    return tuple(
        reach_target(points, target=target, curve=curve) for curve, points in curves.items()
    )


def reach_target(points: Sequence[Point], *, target: float, curve: str) -> Target:
    """The bitrate at which a curve reaches `target`.

    Source: Fritsch and Carlson (1980).
    """
    ordered = sorted(points, key=lambda point: point.bitrate_kbps)
    rates = np.log([point.bitrate_kbps for point in ordered])
    scores = np.array([point.vmaf for point in ordered])
    if len(ordered) < _FEWEST or np.any(np.diff(rates) <= 0):
        return Target(curve, target, reason="a curve needs two encodes of different bitrates")
    if np.any(np.diff(scores) < 0):
        return Target(curve, target, reason="the score does not rise with the bitrate")
    if not scores[0] <= target <= scores[-1]:
        side = "below" if target < scores[0] else "above"
        return Target(
            curve,
            target,
            reason=f"{target:g} lies {side} the measured range {scores[0]:.2f} to {scores[-1]:.2f}",
        )
    halves = np.array([point.half_width for point in ordered])
    upper = int(np.searchsorted(scores, target, side="left"))
    upper = min(max(upper, 1), len(ordered) - 1)
    found = _crossing(rates, scores, target)
    # The whole curve may be higher, so that fewer bits suffice, or lower.
    low, high = (_crossing(rates, scores + sign * halves, target) for sign in (1, -1))
    crfs = [point.crf for point in ordered]
    return Target(
        curve=curve,
        vmaf=target,
        bitrate_kbps=None if found is None else float(np.exp(found)),
        bitrate_interval_kbps=(
            None if low is None else float(np.exp(low)),
            None if high is None else float(np.exp(high)),
        ),
        crf=_crf([crf for crf in crfs if crf is not None], scores, target),
        between=(ordered[upper - 1].name, ordered[upper].name),
    )


def _crf(
    crfs: Sequence[float], scores: Float[np.ndarray, " n_encodes"], target: float
) -> float | None:
    if len(crfs) != len(scores) or np.any(np.diff(crfs) >= 0):
        return None
    found = _crossing(-np.array(crfs), scores, target)
    return None if found is None else -found


def _crossing(
    places: Float[np.ndarray, " n_encodes"],
    scores: Float[np.ndarray, " n_encodes"],
    target: float,
) -> float | None:
    """The first abscissa at which a shape-preserving curve reaches `target`, or None."""
    grid = np.linspace(places[0], places[-1], _GRID)
    curve = _shape_preserving(places, scores, grid)
    above = np.flatnonzero(curve >= target)
    if len(above) == 0 or (above[0] == 0 and curve[0] > target):
        return None
    if above[0] == 0:
        return float(grid[0])
    before, after = int(above[0]) - 1, int(above[0])
    share = (target - curve[before]) / (curve[after] - curve[before])
    return float(grid[before] + share * (grid[after] - grid[before]))


def _shape_preserving(
    x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"], grid: Float[np.ndarray, " m"]
) -> Float[np.ndarray, " m"]:
    """The PCHIP curve through the points (x, y), x ascending, at the abscissas of `grid`.

    SciPy has it too, but at 100 MB it is not part of the base installation, which knows targets.
    Source: Fritsch and Butland (1984), with the ends of Moler (2004), as in SciPy.
    """
    step, slope = np.diff(x), np.diff(y) / np.diff(x)
    rate = np.full(len(x), slope[0])
    if len(x) > _FEWEST:
        before, after = 2 * step[1:] + step[:-1], step[1:] + 2 * step[:-1]
        same = slope[:-1] * slope[1:] > 0
        harmonic = before / np.where(same, slope[:-1], 1) + after / np.where(same, slope[1:], 1)
        rate[1:-1] = np.where(same, (before + after) / harmonic, 0.0)
        rate[0] = _rate_at_end(step[0], step[1], slope[0], slope[1])
        rate[-1] = _rate_at_end(step[-1], step[-2], slope[-1], slope[-2])
    part = np.clip(np.searchsorted(x, grid, side="right") - 1, 0, len(step) - 1)
    t, h = (grid - x[part]) / step[part], step[part]
    return (
        y[part] * (1 + 2 * t) * (1 - t) ** 2
        + h * rate[part] * t * (1 - t) ** 2
        + y[part + 1] * t**2 * (3 - 2 * t)
        + h * rate[part + 1] * t**2 * (t - 1)
    )


def _rate_at_end(near: float, far: float, slope: float, next_slope: float) -> float:
    """The derivative at an end: of the parabola through three points, limited to keep the shape."""
    rate = ((2 * near + far) * slope - near * next_slope) / (near + far)
    if rate * slope <= 0:
        return 0.0
    if slope * next_slope <= 0 and abs(rate) > 3 * abs(slope):
        return 3 * slope
    return rate
