# SPDX-License-Identifier: Apache-2.0
"""Monotone maps from a metric's scale to subjective opinion scores.

A teacher's score has the model's own scale: a map would hide the error that is to be measured, so
none is applied to it. A map has up to four parameters and is fitted to all clips of an experiment
together, never to the few clips of one fold.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Real

from tinyvmaf.errors import SchemaError
from tinyvmaf.stats.columns import checked
from tinyvmaf.stats.metrics import undefined_reason

Kind = Literal["cubic", "logistic"]

PARAMETERS = 4
_MIN_CLIPS = PARAMETERS + 1
_GRID = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True, slots=True)
class OpinionMap:
    """A fitted map, non-decreasing between `low` and `high`.

    Attributes:
        kind: `cubic` (polynomial of x in [0, 1]) or `logistic` (bottom, top, middle, width).
        coefficients: Its four parameters; x is (score - low) / (high - low).
        low, high: Range of the scores that it was fitted to; outside the cubic stays level.
    """

    kind: Kind
    coefficients: tuple[float, float, float, float]
    low: float
    high: float

    def __call__(self, scores: Real[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Scores on the opinion scale."""
        x = (scores - self.low) / (self.high - self.low)
        return _CURVES[self.kind](np.array(self.coefficients), x)


def fit_opinion_map(
    *, predicted: Real[np.ndarray, " _"], mos: Real[np.ndarray, " _"], kind: Kind = "cubic"
) -> OpinionMap:
    """The least-squares monotone map from predictions to mean opinion scores.

    Args:
        predicted: Score of every clip of the experiment.
        mos: The clips' mean opinion scores; higher is better, as for `predicted`.
        kind: `cubic` as in ITU-T P.1401, or the four-parameter `logistic` of VQEG.

    Raises:
        SchemaError: lengths differ, a value is not finite, there are fewer than five clips, or one
            side is constant.

    Source: ITU-T P.1401 (2020); VQEG (2003). Solved by scipy.optimize.
    """
    from scipy.optimize import minimize

    predicted, mos = checked(predicted=predicted, target=mos)
    reason = undefined_reason(predicted=predicted, target=mos)
    if len(mos) < _MIN_CLIPS:
        reason = f"{len(mos)} clips"
    if reason is not None:
        raise SchemaError(
            f"no map to opinion scores: {reason}; it needs {_MIN_CLIPS} clips whose scores vary"
        )
    low, high = float(predicted.min()), float(predicted.max())
    x = (predicted - low) / (high - low)
    offset, scale = float(mos.min()), float(np.ptp(mos))
    y = (mos - offset) / scale
    curve, start, constraints = _CURVES[kind], _STARTS[kind], _CONSTRAINTS[kind]

    def loss(coefficients: np.ndarray) -> float:
        return float(np.square(curve(coefficients, x) - y).mean())

    fitted: Any = minimize(
        loss,
        start,
        method="SLSQP",
        constraints=constraints,
        options={"maxiter": 1000, "ftol": 1e-12},
    )
    if not fitted.success:
        raise SchemaError(f"no {kind} map to opinion scores was found: {fitted.message}")
    return OpinionMap(kind, _unscaled(kind, fitted.x, offset=offset, scale=scale), low, high)


def _cubic(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    return np.polynomial.polynomial.polyval(np.clip(x, 0.0, 1.0), a)


def _logistic(b: np.ndarray, x: np.ndarray) -> np.ndarray:
    from scipy.special import expit

    bottom, top, middle, width = b
    return bottom + (top - bottom) * expit((x - middle) / width)


def _unscaled(
    kind: Kind, fitted: np.ndarray, *, offset: float, scale: float
) -> tuple[float, float, float, float]:
    """Back from opinions in [0, 1]: a polynomial is linear in all four, a logistic in two."""
    values = fitted.astype(np.float64)
    if kind == "cubic":
        values = values * scale
        values[0] += offset
    else:
        values[:2] = values[:2] * scale + offset
    a, b, c, d = values.tolist()
    return a, b, c, d


_CURVES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "cubic": _cubic,
    "logistic": _logistic,
}
_STARTS = {"cubic": (0.0, 1.0, 0.0, 0.0), "logistic": (0.0, 1.0, 0.5, 0.25)}
_CONSTRAINTS: dict[str, Any] = {
    "cubic": {"type": "ineq", "fun": lambda a: a[1] + 2 * a[2] * _GRID + 3 * a[3] * _GRID**2},
    "logistic": {"type": "ineq", "fun": lambda b: np.array([b[1] - b[0], b[3] - 1e-3])},
}
