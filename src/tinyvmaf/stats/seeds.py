# SPDX-License-Identifier: Apache-2.0
"""Mean and spread of a result over seeds: the value of a fold and its random variation.

Averaging comes first, inside a fold; later tests are over sources, never over
seeds, whose number is arbitrary.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from tinyvmaf.errors import SchemaError
from tinyvmaf.stats.scales import known, scale_of


def seed_mean(values: Sequence[Sequence[float | None]], *, metric: str) -> tuple[float | None, ...]:
    """Mean over seeds of every fold's `metric`, taken on its scale, in the metric's unit.

    Args:
        values: One sequence per seed, each with a value per fold.
        metric: Names the scale.

    Returns:
        A value per fold; None where any seed has none, so that no fold is a mean of fewer seeds.

    Raises:
        SchemaError: the seeds have different numbers of folds, or a value is not finite.
    """
    if len({len(seed) for seed in values}) != 1:
        lengths = [len(seed) for seed in values]
        raise SchemaError(f"{metric}: seeds have {lengths} folds; every seed has every fold")
    scale = scale_of(metric)
    return tuple(
        None
        if None in fold
        else scale.inverse(float(scale.forward(known(fold, metric=metric)).mean()))
        for fold in zip(*values, strict=True)
    )


MIN_SEEDS = 3
"""Fewer seeds have no spread: that of two values may be off by a factor of thirty."""


@dataclass(frozen=True, slots=True)
class SeedSpread:
    """The spread of a result between seeds, in the metric's unit.

    Attributes:
        by_fold: Standard deviation (ddof = 1) over seeds of every fold.
        headline_se: Standard error of the fold mean over all seeds.
    """

    by_fold: tuple[float, ...]
    headline_se: float


def seed_spread(values: Float[np.ndarray, "seeds folds"]) -> SeedSpread | None:
    """Spread of a metric over seeds; None with fewer than three.

    The folds of one seed share its first weights, so the headline's error is not divided by the
    number of folds.
    """
    seeds = len(values)
    if seeds < MIN_SEEDS:
        return None
    return SeedSpread(
        by_fold=tuple(values.std(axis=0, ddof=1).tolist()),
        headline_se=float(values.mean(axis=1).std(ddof=1)) / seeds**0.5,
    )
