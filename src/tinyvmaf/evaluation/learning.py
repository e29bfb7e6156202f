# SPDX-License-Identifier: Apache-2.0
"""The learning curve: the error on unseen sources against the number of training sources.

A model that was trained on a subset is judged on every source outside of it, so that a handful of
models gives a point. Whether the curve still falls at its end says whether more content would help.
"""

from math import comb
from typing import Any

import numpy as np

from tinyvmaf.features.table import FeatureTable
from tinyvmaf.progress import SILENT, Progress
from tinyvmaf.stats.metrics import rmse
from tinyvmaf.training.recipes import Recipe

REPEATS = 5
"""Subsets a size, or all of them if there are fewer."""

_POINTS = 5


def subset_sizes(n_sources: int) -> tuple[int, ...]:
    """Numbers of training sources, from two to all but one, evenly spaced on the log scale."""
    sizes = np.geomspace(min(2, n_sources - 1), n_sources - 1, _POINTS)
    return tuple(sorted({round(size) for size in sizes.tolist()}))


def learning_curve(
    table: FeatureTable, *, arch: str, recipe: Recipe, seed: int, progress: Progress = SILENT
) -> list[dict[str, Any]]:
    """Train on random subsets of the sources and judge each model on all others.

    Returns:
        A point a size: `n_sources`, mean over `n_repeats` subsets of the mean RMSE of the unseen
        sources in VMAF points (`rmse_mean`), the smallest and largest (`rmse_low`, `rmse_high`).
    """
    from tinyvmaf.training.fitting import fit

    rng = np.random.default_rng(seed)
    n_sources = len(table.sources)
    chosen = {size: _unseen(n_sources, size, rng) for size in subset_sizes(n_sources)}
    fitted = fit(
        features=table.features,
        target=table.target,
        source_index=table.source_index,
        held_out=[unseen for subsets in chosen.values() for unseen in subsets],
        seeds=[seed],
        feature_names=table.info.features,
        arch=arch,
        recipe=recipe,
        progress=progress,
    )
    points: list[dict[str, Any]] = []
    for size, subsets in chosen.items():
        errors = [_error(table, unseen, fitted[unseen, seed].network.predict) for unseen in subsets]
        points.append(
            {
                "n_sources": size,
                "rmse_mean": float(np.mean(errors)),
                "rmse_low": min(errors),
                "rmse_high": max(errors),
                "n_repeats": len(errors),
            }
        )
    return points


def _unseen(n_sources: int, size: int, rng: np.random.Generator) -> list[tuple[int, ...]]:
    """What is left by distinct random subsets of that size: a repeat would count one twice."""
    found: dict[tuple[int, ...], None] = {}
    while len(found) < min(REPEATS, comb(n_sources, size)):
        found[tuple(sorted(rng.permutation(n_sources)[size:].tolist()))] = None
    return list(found)


def _error(table: FeatureTable, unseen: tuple[int, ...], predict: Any) -> float:  # noqa: ANN401
    """Mean over the unseen sources of the RMSE of their frames."""
    errors: list[float] = []
    for index in unseen:
        own = table.source_index == index
        found = rmse(predicted=predict(table.features[own]), target=table.target[own])
        errors.append(found or 0.0)
    return float(np.mean(errors))
