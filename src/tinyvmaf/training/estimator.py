# SPDX-License-Identifier: Apache-2.0
"""The networks as a scikit-learn regressor.

`cross_validate(TinyVmafRegressor(), X, y, groups=source, cv=LeaveOneGroupOut())` trains fold after
fold; `tinyvmaf loso` trains the same networks at once and keeps a record. JAX is loaded by `fit`
alone.
"""

from dataclasses import replace
from typing import Any, cast

import numpy as np
from jaxtyping import Float
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from tinyvmaf.features.table import FeatureTable, TableInfo
from tinyvmaf.models.support_vectors import Regressor
from tinyvmaf.training.recipes import Recipe, load_recipe

# It accepts anything array-like and refuses the rest, which its annotations do not express.
_checked = cast("Any", validate_data)


class TinyVmafRegressor(RegressorMixin, BaseEstimator):
    """A tiny network from features of a frame to its score in [0, 100].

    Args:
        arch: One of `training.archs.ARCHS`.
        recipe: Name of a recipe, path of its file, or the recipe itself.
        seed: Seed of the start and the order of batches, 0 or more.

    Attributes:
        network_: The trained network; `models.export` makes a model file of it.
        train_rmse_: On the rows that it was trained on, in VMAF points.
        n_features_in_: Columns that it was trained on.
    """

    network_: Regressor
    train_rmse_: float
    n_features_in_: int

    def __init__(
        self, *, arch: str = "mlp_small", recipe: str | Recipe = "default", seed: int = 0
    ) -> None:
        self.arch = arch
        self.recipe = recipe
        self.seed = seed

    def fit(self, X: object, y: object) -> "TinyVmafRegressor":  # noqa: N803 (scikit-learn's names)
        """Train on rows of features and their scores; a score beyond [0, 100] is clipped.

        Raises:
            UsageError: unknown arch or recipe.
            ValueError: rows that scikit-learn refuses, such as those with NaN.
        """
        import polars as pl

        from tinyvmaf.training.fitting import fit

        features, target = _checked(
            self, X, y, dtype=np.float64, y_numeric=True, ensure_min_samples=2
        )
        recipe = load_recipe(self.recipe) if isinstance(self.recipe, str) else self.recipe
        columns = tuple(f"x{number}" for number in range(features.shape[1]))
        rows = pl.DataFrame(features, schema=list(columns)).with_columns(
            source=pl.lit("all"), vmaf=np.clip(np.asarray(target, np.float64), 0, 100)
        )
        table = FeatureTable(rows, TableInfo(teacher="unknown", features=columns))
        fitted = fit(table, arch=self.arch, recipe=recipe, seeds=[self.seed])[(), self.seed]
        names = getattr(self, "feature_names_in_", columns)
        self.network_ = replace(fitted.network, features=tuple(names))
        self.train_rmse_ = fitted.train_rmse
        return self

    def predict(self, X: object) -> Float[np.ndarray, " n"]:  # noqa: N803
        """Scores of rows of features, in [0, 100]."""
        check_is_fitted(self)
        return self.network_.predict(_checked(self, X, dtype=np.float64, reset=False))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        # Scores are limited to [0, 100], unlike the targets of scikit-learn's own data sets.
        tags.regressor_tags.poor_score = True
        return tags
