# SPDX-License-Identifier: Apache-2.0
"""The metrics of a run's folds, seed by seed: what every aggregate and test starts from."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tinyvmaf.evaluation.predictions import by_source
from tinyvmaf.evaluation.seeds import seed_mean
from tinyvmaf.libvmaf.sets import TARGET
from tinyvmaf.stats.metrics import MetricName, Metrics, measure

if TYPE_CHECKING:
    import polars as pl

Level = Literal["frame", "clip"]


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
    """One value a fold: the mean over seeds on the metric's scale."""
    values = [
        [getattr(fold.at(level)[seed], metric) for fold in folds]
        for seed in range(len(folds[0].frame))
    ]
    return seed_mean(values, metric=metric)


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
