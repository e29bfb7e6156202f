# SPDX-License-Identifier: Apache-2.0
"""Means and deviations over the training rows of a fold, from statistics of each source.

Every source is read once; a fold combines the sources that it trains on. A held-out source takes no
part in the sum, not even by rounding, as it would if it were subtracted from a total. No rows are
copied, whatever the number of folds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True, slots=True)
class Moments:
    """Number, mean and squared deviation of rows.

    Attributes:
        n: Rows.
        mean: Of every column.
        squares: Sum of squared deviations from the mean, of every column.
    """

    n: int
    mean: Float[np.ndarray, " columns"]
    squares: Float[np.ndarray, " columns"]

    @property
    def scale(self) -> Float[np.ndarray, " columns"]:
        """Deviation of every column (ddof 0); 1 where a column is constant but for rounding."""
        deviation = np.sqrt(self.squares / self.n)
        constant = deviation <= 1e-7 * np.abs(self.mean)
        return np.where(constant, 1.0, deviation)


def moments(
    features: Float[np.ndarray, "n n_features"], target: Float[np.ndarray, " n"]
) -> Moments:
    """Moments of the rows of one source in float64: the features' columns, then the target."""
    mean = np.append(features.mean(axis=0), target.mean())
    squares = np.append(
        np.square(features - mean[:-1]).sum(axis=0), np.square(target - mean[-1]).sum()
    )
    return Moments(len(target), mean, squares)


def combine(parts: Sequence[Moments]) -> Moments:
    """Moments of the rows of several sources together, at least one.

    Source: Chan, Golub, LeVeque (1983), the pairwise update for the variance.
    """
    n = sum(part.n for part in parts)
    mean = np.sum([part.n / n * part.mean for part in parts], axis=0)
    squares = np.sum(
        [part.squares + part.n * np.square(part.mean - mean) for part in parts], axis=0
    )
    return Moments(n, mean, squares)
