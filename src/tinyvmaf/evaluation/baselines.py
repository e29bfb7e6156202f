# SPDX-License-Identifier: Apache-2.0
"""Models that are not part of the sweep, on the same rows: what a sweep must be compared with.

Some need no network and go through the same folds: the constant, least squares, neighbours. The
others are models as they are, and every cell says what they knew of its source.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from tinyvmaf.evaluation.applicability import nearest_neighbours
from tinyvmaf.evaluation.run import Run
from tinyvmaf.features.sets import KEYS, TARGET
from tinyvmaf.features.table import FeatureTable
from tinyvmaf.models.card import Card
from tinyvmaf.models.model import Model

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
"""Baselines that go through the same folds -> what they predict."""


def constant(table: FeatureTable) -> Float[np.ndarray, " n"]:
    """For every row the mean target of the other sources' rows."""
    index = table.source_index
    sums = np.bincount(index, weights=table.target)
    counts = np.bincount(index)
    means = (sums.sum() - sums) / (counts.sum() - counts)
    return means[index]


def per_fold_baselines(table: FeatureTable) -> Mapping[str, Float[np.ndarray, " n"]]:
    """Out-of-fold predictions of every baseline of `PER_FOLD`."""
    neighbours = nearest_neighbours(
        features=table.features, target=table.target, source_index=table.source_index
    )
    return {
        CONSTANT: constant(table),
        LEAST_SQUARES: least_squares(table),
        NEIGHBOURS: neighbours,
    }


def least_squares(table: FeatureTable) -> Float[np.ndarray, " n"]:
    """Out-of-fold predictions of a linear model, in [0, 100].

    The normal equations of a fold are those of all rows less those of its source, so nothing is
    copied however many folds there are. Features are centred on the grand mean for precision only:
    the fit has an intercept, so that no centring changes it.
    """
    centre = table.features.mean(axis=0)
    design = np.column_stack([np.ones(len(table.target)), table.features - centre])
    rows = [table.source_index == index for index in range(len(table.sources))]
    grams = [design[own].T @ design[own] for own in rows]
    moments = [design[own].T @ table.target[own] for own in rows]
    gram, moment = sum(grams), sum(moments)
    predicted = np.empty_like(table.target)
    for own, own_gram, own_moment in zip(rows, grams, moments, strict=True):
        # lstsq and not solve: a feature may be constant in the training sources.
        weights = np.linalg.lstsq(gram - own_gram, moment - own_moment)[0]
        predicted[own] = np.clip(design[own] @ weights, 0.0, 100.0)
    return predicted


def seen_sources(card: Card | None, sources: Sequence[str]) -> dict[str, str]:
    """What a model knew of each source: `train` or `heldout` by its card, else `unknown`."""
    if card is None:
        return dict.fromkeys(sources, "unknown")
    trained = set(card.training_sources)
    return {source: "train" if source in trained else "heldout" for source in sources}


def baseline_rows(
    table: FeatureTable,
    *,
    model: str,
    predicted: Float[np.ndarray, " n"],
    seen: Mapping[str, str],
) -> "pl.DataFrame":
    """Rows of `baselines.parquet` for one model."""
    import polars as pl

    return table.rows.select(
        pl.lit(model).alias("model"),
        pl.col("source").replace_strict(dict(seen), return_dtype=pl.String).alias("seen"),
        *KEYS,
        TARGET,
        pl.Series("predicted", predicted.astype(np.float64)),
    )


def run_rows(run: Run, *, model: str) -> "pl.DataFrame":
    """The out-of-fold predictions of another run's first seed, as rows of a baseline."""
    import polars as pl

    rows = run.predictions.filter(pl.col("seed") == run.facts.seeds[0])
    return rows.select(
        pl.lit(model).alias("model"),
        pl.lit("heldout").alias("seen"),
        *KEYS,
        TARGET,
        pl.col("predicted").cast(pl.Float64),
    )


def predict_all(model: Model, table: FeatureTable) -> Float[np.ndarray, " n"]:
    """The scores of every row of `table`, which must have the model's features."""
    return model.predict(table.rows).astype(np.float64)
