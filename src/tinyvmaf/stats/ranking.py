# SPDX-License-Identifier: Apache-2.0
"""Order of the clips of one content: the share of pairs that a model orders as the teacher does.

Pairs are taken within a source only, so that differences between contents do not help, and the
share is averaged over sources, so that a source with more clips does not count more. The number of
wrong pairs is always reported too, since the share saturates near 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, Real

from tinyvmaf.stats.columns import checked, positions

THRESHOLDS: tuple[float, ...] = (0.0, 2.0, 6.0)
"""VMAF points that the teacher's scores of two clips must differ by for the pair to count."""


@dataclass(frozen=True, slots=True)
class PairAccuracy:
    """Pairs of clips of one source that the model orders as the target does.

    Attributes:
        threshold: Only pairs whose targets differ by more, in target units.
        accuracy: Mean over sources of the share in right order, in [0, 1]; None without pairs.
        pairs: Number of pairs over all sources.
        errors: Number of pairs in wrong order; a tie in the predictions is half an error.
        by_source: Share of every source, in the order of its number; None without pairs.
        pairs_by_source, errors_by_source: The counts of every source.
    """

    threshold: float
    accuracy: float | None
    pairs: int
    errors: float
    by_source: tuple[float | None, ...]
    pairs_by_source: tuple[int, ...]
    errors_by_source: tuple[float, ...]


def pair_accuracy(
    *,
    predicted: Real[np.ndarray, " _"],
    target: Real[np.ndarray, " _"],
    source_index: Int[np.ndarray, " _"],
    thresholds: Sequence[float] = THRESHOLDS,
) -> tuple[PairAccuracy, ...]:
    """Within-source pair accuracy of clip scores at each threshold.

    Args:
        predicted: The model's score of every clip, such as the mean of its frames.
        target: The teacher's.
        source_index: The clip's source, any integers.
        thresholds: In target units.

    Raises:
        SchemaError: lengths differ, there are no clips, or a value is not finite.
    """
    predicted, target = checked(predicted=predicted, target=target)
    index = positions(source_index, n=len(target))
    limits = np.asarray(thresholds, dtype=np.float64)
    counted = np.array(
        [
            _count(predicted[index == source], target[index == source], limits)
            for source in range(int(index.max()) + 1)
        ]
    )
    return tuple(
        _summary(threshold, pairs=counted[:, 0, i], errors=counted[:, 1, i])
        for i, threshold in enumerate(thresholds)
    )


def _count(predicted: np.ndarray, target: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Pairs and errors at each limit; one clip against all later ones at a time, to save memory."""
    pairs, errors = np.zeros(len(limits)), np.zeros(len(limits))
    for i in range(len(target) - 1):
        gap = target[i + 1 :] - target[i]
        agreement = np.sign(predicted[i + 1 :] - predicted[i]) * np.sign(gap)
        counts = np.abs(gap) > limits[:, None]
        pairs += counts.sum(axis=1)
        errors += counts @ ((1 - agreement) / 2)
    return np.stack([pairs, errors])


def _summary(threshold: float, *, pairs: np.ndarray, errors: np.ndarray) -> PairAccuracy:
    by_source = tuple(float(1 - e / n) if n else None for n, e in zip(pairs, errors, strict=True))
    shares = [share for share in by_source if share is not None]
    return PairAccuracy(
        threshold=float(threshold),
        accuracy=float(np.mean(shares)) if shares else None,
        pairs=int(pairs.sum()),
        errors=float(errors.sum()),
        by_source=by_source,
        pairs_by_source=tuple(int(n) for n in pairs),
        errors_by_source=tuple(float(e) for e in errors),
    )
