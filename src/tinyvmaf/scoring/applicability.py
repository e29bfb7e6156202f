# SPDX-License-Identifier: Apache-2.0
"""Applicability of a model: a clip's features inside, at the edge of or outside its training range.

A network extrapolates without warning. The card holds the range of each feature over the training
frames; for a clip outside, the feature that leaves its range most is reported. Lying inside every
range is necessary, not sufficient: combinations of features are not checked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from jaxtyping import Float

from tinyvmaf.models.card import Range

_OUTSIDE_SHARE: Final = 0.01
# 2 % of the training frames themselves lie beyond the 1st and the 99th percentile.
_EDGE_SHARE: Final = 0.10


class Verdict(StrEnum):
    """Position of a clip's features relative to a model's training range."""

    INSIDE = "inside"
    EDGE = "edge"
    OUTSIDE = "outside"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Applicability:
    """A verdict and its evidence.

    Attributes:
        verdict: The verdict.
        feature: The feature that leaves its range most, None if none does.
        share: The share of frames for which it does so.
        reason: The same in words.
    """

    verdict: Verdict
    feature: str | None
    share: float
    reason: str


class DomainWatch:
    """Counts, part by part, how many frames leave the range of each feature."""

    def __init__(self, domain: Mapping[str, Range]) -> None:
        self._domain = domain
        self._n_frames = 0
        self._beyond = np.zeros(len(domain), dtype=np.int64)
        self._in_tails = np.zeros(len(domain), dtype=np.int64)

    def add(self, features: Float[np.ndarray, "n_frames n_features"]) -> None:
        """Count rows of features, their columns in the order of the domain."""
        ranges = self._domain.values()
        low, p1, p99, high = (
            np.array([getattr(limits, name) for limits in ranges])
            for name in ("minimum", "p1", "p99", "maximum")
        )
        self._n_frames += len(features)
        self._beyond += ((features < low) | (features > high)).sum(axis=0)
        self._in_tails += ((features < p1) | (features > p99)).sum(axis=0)

    def verdict(self) -> Applicability:
        """The verdict on the frames so far."""
        names = list(self._domain)
        for word, counts, limit, where in (
            (Verdict.OUTSIDE, self._beyond, _OUTSIDE_SHARE, "beyond all that"),
            (Verdict.EDGE, self._in_tails, _EDGE_SHARE, "where only 2 % of what"),
        ):
            shares = counts / max(1, self._n_frames)
            worst = int(shares.argmax())
            if shares[worst] > limit:
                return Applicability(
                    word,
                    names[worst],
                    float(shares[worst]),
                    f"{names[worst]} of {shares[worst]:.0%} of the frames is {where} the model "
                    "was trained on",
                )
        return Applicability(Verdict.INSIDE, None, 0.0, "every feature is where it was trained")


UNKNOWN = Applicability(
    Verdict.UNKNOWN, None, 0.0, "the model has no card that states its training data"
)
