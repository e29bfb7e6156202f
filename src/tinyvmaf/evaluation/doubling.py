# SPDX-License-Identifier: Apache-2.0
"""What twice the training steps change on held-out sources: the training gate's second question.

From half to all of the steps costs a third of what all to twice would, and can only look worse: the
more steps there were, the less the next doubling changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyvmaf.evaluation.folds import Fold
from tinyvmaf.features.table import FeatureTable
from tinyvmaf.stats.metrics import rmse
from tinyvmaf.training.recipes import Recipe

if TYPE_CHECKING:
    from tinyvmaf.training.fitting import Fitted


def halved(recipe: Recipe) -> Recipe:
    """The recipe with half its steps."""
    return replace(
        recipe,
        steps=None if recipe.steps is None else max(1, recipe.steps // 2),
        epochs=None if recipe.epochs is None else max(1, recipe.epochs // 2),
    )


def doubling(
    table: FeatureTable,
    *,
    half: "Mapping[Any, Fitted]",
    whole: "Mapping[Any, Fitted]",
    folds: Sequence[Fold],
    seed: int,
) -> dict[str, Any]:
    """Mean over the sources of their error with half the recipe's steps, and with all of them."""

    def error(models: "Mapping[Any, Fitted]") -> float:
        errors: list[float] = []
        for fold in folds:
            predict = models[fold.positions, seed].network.predict
            for position in fold.positions:
                own = table.blocks[position]
                found = rmse(predicted=predict(table.features[own]), target=table.target[own])
                errors.append(found or 0.0)
        return float(np.mean(errors))

    return {
        "steps": half[folds[0].positions, seed].steps,
        "folds": len(folds),
        "rmse": error(half),
        "doubled_rmse": error(whole),
    }
