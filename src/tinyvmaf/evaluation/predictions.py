# SPDX-License-Identifier: Apache-2.0
"""Rows with predictions, as a run keeps them, and the metrics of every fold and seed.

Names are categories in memory and text on disk. The rows of every model share the table's columns;
only the predictions differ. Rows of a source lie together, so that a source is a view.
Every aggregate and test is computed from the metrics.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Float, Int

from tinyvmaf.features.table import FeatureTable
from tinyvmaf.libvmaf.sets import KEYS, TARGET
from tinyvmaf.stats.metrics import MetricName, Metrics, measure
from tinyvmaf.stats.scales import held_off, is_perfect
from tinyvmaf.stats.seeds import seed_mean

if TYPE_CHECKING:
    import polars as pl

Level = Literal["frame", "clip"]

_SEEN = ("heldout", "train", "unknown", "val")


def with_categories(rows: "pl.DataFrame") -> "pl.DataFrame":
    """The rows with every column of text as categories in the order of text."""
    import polars as pl

    return rows.with_columns(
        rows[name].cast(_categories(rows[name].unique().to_list()))
        for name, kind in rows.schema.items()
        if kind == pl.String
    )


def read_rows(path: Path) -> "pl.DataFrame":
    """The rows of a file, its text as categories from the start."""
    import polars as pl

    rows = pl.scan_parquet(path, glob=False)
    text = [name for name, kind in rows.collect_schema().items() if kind == pl.String]
    names = {name: rows.select(pl.col(name).unique()).collect()[name] for name in text}
    return rows.with_columns(
        pl.col(name).cast(_categories(found.to_list())) for name, found in names.items()
    ).collect()


def keyed(table: FeatureTable) -> "pl.DataFrame":
    """`source, clip, frame, vmaf` of every row, names as categories."""
    return with_categories(table.rows.select(*KEYS, TARGET))


def predicted_rows(
    keys: "pl.DataFrame",
    blocks: Sequence[slice],
    predicted: Mapping[tuple[int, int], Float[np.ndarray, " own"]],
) -> "pl.DataFrame":
    """Rows of `predictions.parquet`, source by source and in it seed by seed.

    Args:
        keys: As returned by `keyed`.
        blocks: The rows of every source.
        predicted: (Position of a source, seed) -> the out-of-fold predictions of its rows.
    """
    import polars as pl

    return pl.concat(
        _block(keys, blocks[position]).select(
            *KEYS,
            pl.lit(seed, dtype=pl.Int64).alias("seed"),
            TARGET,
            pl.Series("predicted", values),
        )
        for (position, seed), values in sorted(predicted.items())
    )


def baseline_rows(
    keys: "pl.DataFrame",
    *,
    model: str,
    models: Sequence[str],
    predicted: Float[np.ndarray, " n"],
    seen: Mapping[str, str],
) -> "pl.DataFrame":
    """Rows of `baselines.parquet` for one model.

    Args:
        keys: As returned by `keyed`.
        model: Its name, one of `models`, which lists all models of the run.
        models: Their names.
        predicted: Its score of every row.
        seen: Its use of each source: `train`, `val`, `heldout` or `unknown`.
    """
    import polars as pl

    return keys.select(
        pl.lit(model).cast(_categories(models)).alias("model"),
        pl.col("source").replace_strict(dict(seen), return_dtype=_categories(_SEEN)).alias("seen"),
        *KEYS,
        TARGET,
        pl.Series("predicted", predicted.astype(np.float64)),
    )


def of_model(rows: "pl.DataFrame", model: str) -> "pl.DataFrame":
    """The rows of one model; a view, as the rows of a model lie together."""
    import polars as pl

    kind = rows.schema["model"]
    if isinstance(kind, pl.Enum) and model not in kind.categories.to_list():
        return rows.clear()  # versions of Polars before 1.32 compare with no other word
    own = rows["model"] == model
    found = slice(own.arg_max() or 0, (own.arg_max() or 0) + own.sum())
    return _block(rows, found) if own[found].all() else rows.filter(own)


def by_source(rows: "pl.DataFrame") -> Iterator["pl.DataFrame"]:
    """The rows of each source, sources sorted; views, if the rows are already sorted so."""
    if not rows["source"].is_sorted():
        rows = rows.sort("source", maintain_order=True)
    start = 0
    for length in rows["source"].rle().struct.field("len").to_list():
        yield _block(rows, slice(start, start + length))
        start += length


def source_index(rows: "pl.DataFrame") -> Int[np.ndarray, " n"]:
    """For every row the number of its source among those of `rows`, sorted, from 1."""
    return rows["source"].rank("dense").to_numpy().astype(np.int32)


def clip_index(rows: "pl.DataFrame") -> Int[np.ndarray, " n"]:
    """For every row the number of its clip; rows of a clip lie together."""
    import polars as pl

    found = rows.select(pl.struct("source", "clip").rle_id())
    return found.to_series().to_numpy().astype(np.int32)


@dataclass(frozen=True, slots=True)
class MeasuredFold:
    """One held-out source; `frame` and `clip` have the metrics of every seed, in order."""

    source: str
    n_frames: int
    n_clips: int
    frame: tuple[Metrics, ...]
    clip: tuple[Metrics, ...]

    def at(self, level: Level) -> tuple[Metrics, ...]:
        """The metrics of every seed at that level."""
        return self.frame if level == "frame" else self.clip


def measure_folds(predictions: "pl.DataFrame") -> tuple[MeasuredFold, ...]:
    """Measure every source of `source, clip, frame, seed, vmaf, predicted`, sorted by source."""
    folds: list[MeasuredFold] = []
    for rows in by_source(predictions):
        seeds = by_seed(rows)
        folds.append(
            MeasuredFold(
                source=rows["source"][0],
                n_frames=seeds[0].height,
                n_clips=seeds[0]["clip"].n_unique(),
                frame=tuple(measure_rows(part) for part in seeds),
                clip=tuple(measure_rows(clip_means(part)) for part in seeds),
            )
        )
    return tuple(folds)


def fold_values(
    folds: tuple[MeasuredFold, ...], *, level: Level, metric: MetricName
) -> tuple[float | None, ...]:
    """One value per fold: the mean over seeds on the metric's scale, for intervals and tests.

    Rank correlations are held off 1 by the resolution of the fold's own ranks.
    """
    rows = [fold.n_frames if level == "frame" else fold.n_clips for fold in folds]
    values = [
        [
            held_off(getattr(fold.at(level)[seed], metric), metric=metric, n=n)
            for fold, n in zip(folds, rows, strict=True)
        ]
        for seed in range(len(folds[0].frame))
    ]
    return seed_mean(values, metric=metric)


def all_in_order(folds: tuple[MeasuredFold, ...], *, level: Level, metric: MetricName) -> bool:
    """Return True if a rank correlation is perfect in every fold, for every seed."""
    return all(
        is_perfect(getattr(measured, metric), metric=metric, n=measured.n)
        for fold in folds
        for measured in fold.at(level)
    )


def by_seed(rows: "pl.DataFrame") -> list["pl.DataFrame"]:
    """The rows of each seed, in the order of the seeds."""
    if rows["seed"].n_unique() == 1:
        return [rows]
    return rows.sort("seed", maintain_order=True).partition_by("seed")


def measure_rows(rows: "pl.DataFrame") -> Metrics:
    """The metrics of `predicted` against the target."""
    return measure(predicted=rows["predicted"].to_numpy(), target=rows[TARGET].to_numpy())


def clip_means(rows: "pl.DataFrame") -> "pl.DataFrame":
    """Mean target and mean prediction of every clip: libvmaf's default pooling, on both sides."""
    import polars as pl

    return (
        rows.group_by("source", "clip", maintain_order=True)
        .agg(pl.col(TARGET).mean(), pl.col("predicted").cast(pl.Float64).mean())
        .sort("source", "clip")
    )


def _block(rows: "pl.DataFrame", block: slice) -> "pl.DataFrame":
    return rows.slice(block.start, block.stop - block.start)


def _categories(names: Sequence[str]) -> "pl.Enum":
    import polars as pl

    return pl.Enum(sorted(names))
