# SPDX-License-Identifier: Apache-2.0
"""Baselines for a sweep: models that are not part of it, on the same rows.

Some need no network and go through the same folds: the constant, least squares, neighbours. The
others are finished models; every cell records whether the model was trained on its source.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from tinyvmaf.evaluation.folds import Fold, fold_of_sources
from tinyvmaf.evaluation.predictions import baseline_rows
from tinyvmaf.evaluation.run_files import RunFiles
from tinyvmaf.features.table import FeatureTable
from tinyvmaf.libvmaf.sets import KEYS, TARGET
from tinyvmaf.models.card import Card
from tinyvmaf.models.model import Model
from tinyvmaf.stats.dissimilarity import nearest_neighbours

if TYPE_CHECKING:
    import polars as pl

CONSTANT = "constant"
LEAST_SQUARES = "least_squares"
NEIGHBOURS = "nearest_neighbours"

PER_FOLD: Mapping[str, str] = {
    CONSTANT: "the mean score of the training sources",
    LEAST_SQUARES: "closed-form least squares on the raw features, clipped to [0, 100]",
    NEIGHBOURS: "the mean score of the five nearest rows of the training sources",
}
"""Baselines that go through the same folds -> the function that predicts."""


def constant(table: FeatureTable, folds: Sequence[Fold]) -> Float[np.ndarray, " n"]:
    """Return for every row the mean target of the rows of other folds."""
    index = fold_of_sources(folds)[table.source_index]
    sums = np.bincount(index, weights=table.target)
    counts = np.bincount(index)
    means = (sums.sum() - sums) / (counts.sum() - counts)
    return means[index]


def per_fold_baselines(
    table: FeatureTable, folds: Sequence[Fold]
) -> Iterator[tuple[str, Float[np.ndarray, " n"]]]:
    """Every baseline of `PER_FOLD` with its out-of-fold predictions, one after the other."""
    yield CONSTANT, constant(table, folds)
    yield LEAST_SQUARES, least_squares(table, folds)
    yield (
        NEIGHBOURS,
        nearest_neighbours(
            features=table.features,
            target=table.target,
            source_index=table.source_index,
            held_out=[fold.positions for fold in folds],
        ),
    )


def least_squares(table: FeatureTable, folds: Sequence[Fold]) -> Float[np.ndarray, " n"]:
    """Out-of-fold predictions of a linear model, in [0, 100].

    The normal equations of a fold are those of all rows less those of its sources, so nothing is
    copied however many folds there are. Features are centred on the grand mean for precision only:
    the fit has an intercept, so that no centring changes it.
    """
    centre = table.features.mean(axis=0)

    def design(block: slice) -> Float[np.ndarray, "own f"]:
        own = table.features[block] - centre
        return np.column_stack([np.ones(len(own)), own])

    grams, moments = [], []
    for block in table.blocks:
        own = design(block)
        grams.append(own.T @ own)
        moments.append(own.T @ table.target[block])
    gram, moment = sum(grams), sum(moments)
    predicted = np.empty_like(table.target)
    for fold in folds:
        # lstsq and not solve: a feature may be constant in the training sources.
        weights = np.linalg.lstsq(
            gram - sum(grams[position] for position in fold.positions),
            moment - sum(moments[position] for position in fold.positions),
        )[0]
        for position in fold.positions:
            block = table.blocks[position]
            predicted[block] = np.clip(design(block) @ weights, 0.0, 100.0)
    return predicted


def seen_sources(card: Card | None, sources: Sequence[str]) -> dict[str, str]:
    """Map each source to its role by the card: `train` or `heldout`; without one, `unknown`."""
    if card is None:
        return dict.fromkeys(sources, "unknown")
    trained = set(card.training_sources)
    return {source: "train" if source in trained else "heldout" for source in sources}


def beside_rows(run: RunFiles, *, model: str, models: Sequence[str]) -> "pl.DataFrame":
    """The out-of-fold predictions of another run's first seed, as rows of a baseline."""
    import polars as pl

    rows = run.predictions.filter(pl.col("seed") == run.facts.seeds[0])
    return baseline_rows(
        rows.select(*KEYS, TARGET),
        model=model,
        models=models,
        predicted=rows["predicted"].to_numpy(),
        seen=dict.fromkeys(rows["source"].unique().to_list(), "heldout"),
    )


def describe(models: Sequence[Model], runs: Mapping[str, RunFiles]) -> dict[str, str]:
    """Descriptions of given models and runs, by name."""
    words = {model.name: f"given; sha256 {model.sha256[:12]}" for model in models}
    for name, run in runs.items():
        folds = run.facts.held_out
        how = f"{len(folds)} folds of whole sources" if folds else "each source held out alone"
        words[name] = f"{run.facts.arch}, recipe {run.facts.recipe}, {how}"
    return words


def predict_all(model: Model, table: FeatureTable) -> Float[np.ndarray, " n"]:
    """The scores of every row of `table`, which must have the model's features."""
    return model.predict(table.rows).astype(np.float64)
