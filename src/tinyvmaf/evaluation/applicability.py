# SPDX-License-Identifier: Apache-2.0
"""How unlike the training sources a held-out source is, and what its nearest neighbours predict.

Both look at distances between feature vectors, standardised on the training sources alone. Rows are
thinned evenly within each source: neighbouring frames are nearly the same point.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from tinyvmaf.errors import SchemaError, SplitError
from tinyvmaf.evaluation.structure import positions

MAX_ROWS = 3000
"""Rows of all sources together that distances inside the training set are taken over."""

MAX_NEIGHBOUR_ROWS = 10_000
"""Rows of all sources together that predictions are looked up in."""

_MIN_SOURCES = 3
_QUANTILE = 0.95


@dataclass(frozen=True, slots=True)
class Applicability:
    """How far a held-out source lies from the training sources.

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
    *, features: Float[np.ndarray, "n f"], source_index: Int[np.ndarray, " _"]
) -> tuple[Applicability, ...]:
    """Dissimilarity of each source to all others, in the order of its number.

    Args:
        features: One row a frame, finite.
        source_index: The row's source, any integers.

    Raises:
        SchemaError: lengths differ, there are no rows, or a value is not finite.
        SplitError: there are fewer than three sources, so that training has no between-source
            distances.

    Source: Meyer and Pebesma (2021), unweighted; distances by scikit-learn and SciPy.
    """
    from scipy.spatial.distance import cdist
    from sklearn.neighbors import NearestNeighbors

    index = _sources_of(features, source_index)
    found: list[Applicability] = []
    for fold in _folds(features, index, limit=MAX_ROWS):
        labels = index[fold.rows]
        distances = cdist(fold.training, fold.training)
        # Only rows that are all alike have no distance; then the index is the plain distance.
        mean = float(distances.sum()) / (len(labels) * (len(labels) - 1)) or 1.0
        distances[labels[:, None] == labels] = np.inf
        threshold = float(np.quantile(distances.min(axis=1), _QUANTILE)) / mean
        nearest = NearestNeighbors(n_neighbors=1).fit(fold.training)
        held_out = fold.held_out[_evenly(len(fold.held_out), MAX_ROWS)]
        di = nearest.kneighbors(held_out)[0][:, 0] / mean
        share = float((di > threshold).mean())
        found.append(Applicability(float(np.median(di)), threshold, share_outside=share))
    return tuple(found)


def nearest_neighbours(
    *,
    features: Float[np.ndarray, "n f"],
    target: Float[np.ndarray, " n"],
    source_index: Int[np.ndarray, " _"],
    neighbours: int = 5,
) -> Float[np.ndarray, " n"]:
    """Out-of-fold predictions in target units: mean target of the nearest rows of other sources.

    Args:
        features: One row a frame, finite.
        target: Scores to be met.
        source_index: The row's source, any integers.
        neighbours: How many rows to average.

    Raises:
        SchemaError: lengths differ, there are no rows, or a value is not finite.
        SplitError: there are fewer than three sources.

    Source: Fix and Hodges (1951), computed by scikit-learn.
    """
    from sklearn.neighbors import KNeighborsRegressor

    index = _sources_of(features, source_index)
    predicted = np.empty(len(target))
    for source, fold in enumerate(_folds(features, index, limit=MAX_NEIGHBOUR_ROWS)):
        model = KNeighborsRegressor(n_neighbors=min(neighbours, len(fold.rows)))
        model.fit(fold.training, target[fold.rows])
        predicted[index == source] = model.predict(fold.held_out)
    return predicted


@dataclass(frozen=True, slots=True)
class _Fold:
    """A source against the others: features standardised on `rows`, the training rows kept."""

    rows: Int[np.ndarray, " m"]
    training: Float[np.ndarray, "m f"]
    held_out: Float[np.ndarray, "own f"]


def _folds(
    features: Float[np.ndarray, "n f"], index: Int[np.ndarray, " n"], *, limit: int
) -> Iterator[_Fold]:
    sources = [np.flatnonzero(index == source) for source in range(int(index.max()) + 1)]
    kept = [own[_evenly(len(own), limit // len(sources))] for own in sources]
    for source, own in enumerate(sources):
        rows = np.concatenate(kept[:source] + kept[source + 1 :])
        mean, sd = features[rows].mean(axis=0), features[rows].std(axis=0)
        # A feature that is constant in training has no scale of its own.
        scale = np.where(sd > 0, sd, 1.0)
        yield _Fold(rows, (features[rows] - mean) / scale, (features[own] - mean) / scale)


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
