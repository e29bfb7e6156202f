# SPDX-License-Identifier: Apache-2.0
"""Whether a clip's features lie where the model was trained: inside, at the edge, or outside.

A network answers with the same face everywhere. The card says where the training frames' features
lay, one by one; a clip that leaves that range is named with the feature that leaves it most. To lie
inside every single range is necessary, not sufficient: combinations are not looked at.
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
    """How a clip lies to what a model was trained on."""

    INSIDE = "inside"
    EDGE = "edge"
    OUTSIDE = "outside"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Applicability:
    """A verdict and what it rests on.

    Attributes:
        verdict: The word.
        feature: The feature that leaves its range most, None if none does.
        share: The share of frames for which it does.
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
        """What the frames so far say."""
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
    Verdict.UNKNOWN, None, 0.0, "the model has no card that says what it was trained on"
)
