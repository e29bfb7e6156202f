# SPDX-License-Identifier: Apache-2.0
"""Training one model: on every source, or as the model of one fold."""

from dataclasses import asdict, dataclass
from pathlib import Path

from tinyvmaf.errors import UsageError
from tinyvmaf.features.table import FeatureTable
from tinyvmaf.libvmaf.sets import TARGET
from tinyvmaf.models.export import export_model
from tinyvmaf.progress import SILENT, Progress
from tinyvmaf.stats.metrics import Metrics, measure
from tinyvmaf.training.recipes import Recipe


@dataclass(frozen=True, slots=True)
class Trained:
    """What `train_one` made: figures on its training rows and on the held-out source, if any."""

    n_params: int
    train_rmse: float
    held_out: Metrics | None


def train_one(
    table: FeatureTable,
    *,
    path: Path,
    arch: str,
    recipe: Recipe,
    seed: int = 0,
    val_source: str | None = None,
    progress: Progress = SILENT,
) -> Trained:
    """Train one model and write it with its card.

    With `val_source` it is the same model as that fold's in a sweep of the same recipe and seed.

    Raises:
        UsageError: no such source, or it is the only one, or the file cannot be written.
    """
    import polars as pl

    from tinyvmaf.training.fitting import fit

    if val_source is not None and val_source not in table.sources:
        raise UsageError(f"no source {val_source!r}; this table has {', '.join(table.sources)}")
    training = [source for source in table.sources if source != val_source]
    if not training:
        raise UsageError(f"{val_source} is the only source; nothing would be left to train on")
    held_out = () if val_source is None else (table.sources.index(val_source),)
    fitted = fit(
        features=table.features,
        target=table.target,
        source_index=table.source_index,
        held_out=[held_out],
        seeds=[seed],
        feature_names=table.info.features,
        arch=arch,
        recipe=recipe,
        progress=progress,
    )[held_out, seed]
    model = export_model(
        fitted.network,
        path=path,
        table=table,
        training_sources=training,
        arch=arch,
        recipe=asdict(recipe),
        seed=seed,
        training_rmse=fitted.train_rmse,
        loso="trained once; `tinyvmaf loso` measures the recipe on held-out sources",
    )
    metrics = None
    if val_source is not None:
        rows = table.rows.filter(pl.col("source") == val_source)
        metrics = measure(predicted=model.predict(rows), target=rows[TARGET].to_numpy())
    return Trained(fitted.network.n_params, fitted.train_rmse, metrics)
