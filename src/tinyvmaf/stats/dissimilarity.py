# SPDX-License-Identifier: Apache-2.0
"""Dissimilarity of a held-out source to the training sources, and nearest-neighbour predictions.

Both use distances between feature vectors, standardised on the training sources alone. Rows are
thinned evenly within each source: neighbouring frames are nearly the same point.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from tinyvmaf.errors import SchemaError, SplitError
from tinyvmaf.stats.columns import positions

MAX_ROWS = 3000
"""Total number of rows used for distances inside the training set."""

MAX_NEIGHBOUR_ROWS = 10_000
"""Total number of rows in which neighbours are searched for predictions."""

_MIN_SOURCES = 3
_QUANTILE = 0.95


@dataclass(frozen=True, slots=True)
class Applicability:
    """Dissimilarity of a held-out source to the training sources.

    Attributes:
        median: Median over its rows of the dissimilarity index: distance to the nearest training
            row over the mean distance between training rows, >= 0.
        threshold: 0.95 quantile of the same index of training rows to other training sources.
        share_outside: Share of its rows above the threshold, in [0, 1].
    """

    median: float
    threshold: float
    share_outside: float


def applicability(
    *,
    features: Float[np.ndarray, "n f"],
    source_index: Int[np.ndarray, " _"],
    held_out: Sequence[tuple[int, ...]] | None = None,
) -> tuple[Applicability, ...]:
    """Dissimilarity of each source to those that its fold trains on, in the order of its number.

    Args:
        features: One row per frame, finite.
        source_index: The row's source, any integers.
        held_out: Positions of the sources that are held out together; by default each alone.

    Raises:
        SchemaError: lengths differ, there are no rows, or a value is not finite.
        SplitError: there are fewer than three sources, so that training has no between-source
            distances.

    Source: Meyer and Pebesma (2021), unweighted; distances by SciPy.
    """
    from scipy.spatial import KDTree
    from scipy.spatial.distance import cdist

    index = _sources_of(features, source_index)
    found: dict[int, Applicability] = {}
    for fold in _folds(features, index, held_out, limit=MAX_ROWS):
        labels = index[fold.rows]
        distances = cdist(fold.training, fold.training)
        # Only rows that are all alike have no distance; then the index is the plain distance.
        mean = float(distances.sum()) / (len(labels) * (len(labels) - 1)) or 1.0
        distances[labels[:, None] == labels] = np.inf
        threshold = float(np.quantile(distances.min(axis=1), _QUANTILE)) / mean
        nearest = KDTree(fold.training)
        for position, own in fold.held_out:
            kept = own[_evenly(len(own), MAX_ROWS)]
            di = nearest.query(fold.scaled(features[kept]))[0] / mean
            share = float((di > threshold).mean())
            found[position] = Applicability(float(np.median(di)), threshold, share_outside=share)
    return tuple(item for _, item in sorted(found.items()))


def nearest_neighbours(
    *,
    features: Float[np.ndarray, "n f"],
    target: Float[np.ndarray, " n"],
    source_index: Int[np.ndarray, " _"],
    neighbours: int = 5,
    held_out: Sequence[tuple[int, ...]] | None = None,
) -> Float[np.ndarray, " n"]:
    """Out-of-fold predictions in target units: mean target of the nearest rows of other folds.

    Args:
        features: One row per frame, finite.
        target: Scores to be met.
        source_index: The row's source, any integers.
        neighbours: Number of rows to average.
        held_out: Positions of the sources that are held out together; by default each alone.

    Raises:
        SchemaError: lengths differ, there are no rows, or a value is not finite.
        SplitError: there are fewer than three sources.

    Source: Fix and Hodges (1951), computed by SciPy.
    """
    from scipy.spatial import KDTree

    index = _sources_of(features, source_index)
    predicted = np.empty(len(target))
    for fold in _folds(features, index, held_out, limit=MAX_NEIGHBOUR_ROWS):
        nearest = min(neighbours, len(fold.rows))
        tree = KDTree(fold.training)
        for _, own in fold.held_out:
            found = tree.query(fold.scaled(features[own]), nearest, workers=-1)[1]
            predicted[own] = target[fold.rows[found.reshape(len(own), -1)]].mean(axis=1)
    return predicted


@dataclass(frozen=True, slots=True)
class _Fold:
    """Sources against the others.

    Attributes:
        rows: The training rows that are kept.
        training: Their features, standardised.
        held_out: Positions of the sources and their rows.
        mean, scale: Mean and scale of the training rows.
    """

    rows: Int[np.ndarray, " m"]
    training: Float[np.ndarray, "m f"]
    held_out: Sequence[tuple[int, Int[np.ndarray, " own"]]]
    mean: Float[np.ndarray, " f"]
    scale: Float[np.ndarray, " f"]

    def scaled(self, features: Float[np.ndarray, "own f"]) -> Float[np.ndarray, "own f"]:
        """Features as the training rows are standardised."""
        return (features - self.mean) / self.scale


def _folds(
    features: Float[np.ndarray, "n f"],
    index: Int[np.ndarray, " n"],
    held_out: Sequence[tuple[int, ...]] | None,
    *,
    limit: int,
) -> Iterator[_Fold]:
    stops = np.cumsum(np.bincount(index))
    # Stable: quick for rows that are sorted by source, as tables are.
    sources = np.split(np.argsort(index, kind="stable"), stops[:-1])
    kept = [own[_evenly(len(own), limit // len(sources))] for own in sources]
    for out in held_out or [(position,) for position in range(len(sources))]:
        rows = np.concatenate([own for position, own in enumerate(kept) if position not in out])
        mean, sd = features[rows].mean(axis=0), features[rows].std(axis=0)
        # A feature that is constant in training has no scale of its own.
        scale = np.where(sd > 0, sd, 1.0)
        training = (features[rows] - mean) / scale
        yield _Fold(rows, training, [(each, sources[each]) for each in out], mean, scale)


def _evenly(n: int, limit: int) -> Int[np.ndarray, " m"]:
    """At most `limit` (at least one) of n positions, evenly spaced."""
    return np.linspace(0, n - 1, num=max(1, min(n, limit))).round().astype(np.int64)


def _sources_of(
    features: Float[np.ndarray, "n f"], source_index: Int[np.ndarray, " _"]
) -> Int[np.ndarray, " n"]:
    index = positions(source_index, n=len(features))
    if not np.isfinite(features).all():
        row, column = np.argwhere(~np.isfinite(features))[0]
        raise SchemaError(f"feature {column} is {features[row, column]} in row {row}")
    if index.max() + 1 < _MIN_SOURCES:
        raise SplitError(
            f"distances between training sources need {_MIN_SOURCES} sources, found "
            f"{index.max() + 1}; add clips of other contents"
        )
    return index
