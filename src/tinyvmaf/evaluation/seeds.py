# SPDX-License-Identifier: Apache-2.0
"""Seeds: their mean is a fold's value, their spread says how much of a result is luck.

Averaging comes first, inside a fold; whatever is tested later is tested over sources, never over
seeds, which can be had in any number.
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
        values: One sequence a seed, each with a value a fold.
        metric: Names the scale.

    Returns:
        A value a fold; None where any seed has none, so that no fold is a mean of fewer seeds.

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


@dataclass(frozen=True, slots=True)
class SeedSpread:
    """How far a result depends on the seed, in the metric's unit.

    Attributes:
        by_fold: Standard deviation (ddof = 1) over seeds of every fold.
        typical: sqrt(mean variance over folds).
        headline_sd: Standard deviation over seeds of the fold mean: that of one run.
        headline_se: The same over sqrt(seeds): that of the printed mean of all seeds.
        seeds: How many.
    """

    by_fold: tuple[float, ...]
    typical: float
    headline_sd: float
    headline_se: float
    seeds: int


def seed_spread(values: Float[np.ndarray, "seeds folds"]) -> SeedSpread | None:
    """Spread of a metric over seeds; None with a single seed.

    The folds of one seed share its first weights, so the headline's error is not divided by the
    number of folds.
    """
    seeds = len(values)
    if seeds < 2:  # noqa: PLR2004 (a spread needs two)
        return None
    by_fold = values.std(axis=0, ddof=1)
    headline = float(values.mean(axis=1).std(ddof=1))
    return SeedSpread(
        by_fold=tuple(by_fold.tolist()),
        typical=float(np.sqrt(np.square(by_fold).mean())),
        headline_sd=headline,
        headline_se=headline / seeds**0.5,
        seeds=seeds,
    )
