# SPDX-License-Identifier: Apache-2.0
"""The error figures of a model's card, from the out-of-fold predictions of its run.

The only input is `source, clip, frame, seed, vmaf, predicted` of the sources that were held out, so
that the figures can be recomputed from the predictions.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tinyvmaf.errors import SchemaError
from tinyvmaf.evaluation.predictions import (
    Level,
    MeasuredFold,
    by_seed,
    by_source,
    clip_means,
    fold_values,
    measure_folds,
)
from tinyvmaf.libvmaf.sets import TARGET
from tinyvmaf.models.card import Loso, Residuals
from tinyvmaf.stats.conformal import coverage_by_source, hcp_radius
from tinyvmaf.stats.metrics import MetricName, aggregate

if TYPE_CHECKING:
    import polars as pl


def loso_figures(predictions: "pl.DataFrame", *, protocol: str, run: str) -> Loso:
    """The card's LOSO error, over the sources that `predictions` has.

    Args:
        predictions: Out-of-fold, all seeds.
        protocol: The protocol that made them, in a sentence.
        run: The folder of their run.

    Raises:
        SchemaError: fewer than two sources.
    """
    folds = measure_folds(predictions)
    found = aggregate(fold_values(folds, level="frame", metric="rmse"), metric="rmse")
    if found.mean is None or found.std is None or found.worst is None or found.worst_fold is None:
        raise SchemaError(f"{run}: predictions of {len(folds)} sources; a LOSO error needs two")
    return Loso(
        protocol=protocol,
        run=run,
        n_sources=len(folds),
        n_clips=sum(fold.n_clips for fold in folds),
        n_frames=sum(fold.n_frames for fold in folds),
        rmse=found.mean,
        rmse_std=found.std,
        plcc=_mean(folds, level="frame", metric="plcc"),
        srocc=_mean(folds, level="frame", metric="srocc"),
        worst_source=folds[found.worst_fold].source,
        worst_rmse=found.worst,
        clip_rmse=_mean(folds, level="clip", metric="rmse"),
    )


def residuals(predictions: "pl.DataFrame") -> tuple[Residuals, ...]:
    """Errors of clip means for every held-out source, by the first seed's models.

    They calibrate the intervals; the first seed's model is the one that ships.
    """
    first = by_seed(predictions)[0]
    return tuple(
        Residuals(
            source=rows["source"][0],
            residuals=tuple((rows["predicted"] - rows[TARGET]).to_list()),
        )
        for rows in by_source(clip_means(first))
    )


def coverage(calibration: Sequence[Residuals], *, level: float) -> dict[str, float]:
    """Share of each source's clips inside the interval that the other sources give, in [0, 1].

    Raises:
        SchemaError: fewer than two sources, or `level` is not a probability.
    """
    scores, index = _scores(calibration)
    shares = coverage_by_source(scores=scores, source_index=index, alpha=1 - level)
    return {item.source: share for item, share in zip(calibration, shares, strict=True)}


def radius(calibration: Sequence[Residuals], *, level: float) -> float:
    """Half the width of a clip's interval, in VMAF points; inf if there are too few sources.

    Raises:
        SchemaError: no residuals, or `level` is not a probability.
    """
    scores, index = _scores(calibration)
    return hcp_radius(scores=scores, source_index=index, alpha=1 - level)


def _scores(calibration: Sequence[Residuals]) -> tuple[np.ndarray, np.ndarray]:
    sizes = [len(item.residuals) for item in calibration]
    scores = np.abs(np.concatenate([np.asarray(item.residuals) for item in calibration]))
    return scores, np.repeat(np.arange(len(sizes)), sizes)


def _mean(folds: tuple[MeasuredFold, ...], *, level: Level, metric: MetricName) -> float | None:
    """Mean over the sources; None if the metric does not exist for one of them."""
    values = fold_values(folds, level=level, metric=metric)
    return None if None in values else aggregate(values, metric=metric).mean
