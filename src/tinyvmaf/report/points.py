# SPDX-License-Identifier: Apache-2.0
"""Data of the charts of single frames and clips, from a run's out-of-fold predictions.

Charts show the first seed's models, which are those that the run ships. Frames and clips are
thinned to a fixed number to limit the size of a page: evenly spaced within each source, and each
source's two largest errors, one of either sign, are always kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyvmaf.evaluation.evaluate import Run
from tinyvmaf.evaluation.predictions import by_seed, by_source, clip_means
from tinyvmaf.libvmaf.sets import TARGET

if TYPE_CHECKING:
    import polars as pl

MOST_FRAMES = 4500
MOST_CLIPS = 4500
_BIN_WIDTH = 5.0
_FEWEST_IN_BIN = 20


@dataclass(frozen=True, slots=True)
class Points:
    """Data of charts that the record does not hold.

    Attributes:
        clips: Source and clip of `frames`, once each, in the order of drawing.
        frames: Position in `clips`, frame, teacher's score, predicted score.
        n_frames: Number of frames before thinning.
        by_clip: Source, clip, mean of both scores, error of the means; thinned, too.
        n_clips: Number of clips before thinning.
        by_score: For every bin of the teacher's score: middle, 5 %, 50 % and 95 % quantile of the
            error over all frames in it, and their number.
        seed: Seed of the models.
    """

    clips: tuple[tuple[str, str], ...]
    frames: tuple[tuple[int, int, float, float], ...]
    n_frames: int
    by_clip: tuple[dict[str, Any], ...]
    n_clips: int
    by_score: tuple[dict[str, Any], ...]
    seed: int

    def frame_rows(self) -> list[dict[str, Any]]:
        """The thinned frames with their names, a dictionary each."""
        return [
            {
                "order": clip,
                "source": self.clips[clip][0],
                "clip": self.clips[clip][1],
                "frame": frame,
                "teacher": teacher,
                "predicted": predicted,
                "error": round(predicted - teacher, 3),
            }
            for clip, frame, teacher, predicted in self.frames
        ]


def points_of(
    run: Run,
    *,
    order: Sequence[str],
    most_frames: int = MOST_FRAMES,
    most_clips: int = MOST_CLIPS,
) -> Points:
    """Return the data of the charts of `run`.

    Args:
        run: The sweep.
        order: Its sources in the order in which they are drawn.
        most_frames: Maximum number of frames, apart from each source's largest errors.
        most_clips: Maximum number of clips, likewise.
    """
    import polars as pl

    error = (pl.col("predicted").cast(pl.Float64) - pl.col(TARGET)).alias("error")
    rows = by_seed(run.predictions)[0]
    parts = {part["source"][0]: part for part in by_source(rows)}
    drawn = pl.concat(
        _thinned(parts[source].sort("clip", "frame").with_columns(error), most_frames // len(order))
        for source in order
    )
    clips = tuple(drawn.select("source", "clip").unique(maintain_order=True).iter_rows())
    positions = {clip: position for position, clip in enumerate(clips)}
    frames = tuple(
        (positions[source, clip], frame, round(teacher, 3), round(predicted, 3))
        for source, clip, frame, teacher, predicted in drawn.select(
            "source", "clip", "frame", TARGET, pl.col("predicted").cast(pl.Float64)
        ).iter_rows()
    )
    means = {source: clip_means(parts[source]).with_columns(error) for source in order}
    by_clip = [
        {
            "source": source,
            "clip": clip,
            "teacher": round(teacher, 3),
            "predicted": round(predicted, 3),
            "error": round(predicted - teacher, 3),
        }
        for own in means.values()
        for source, clip, teacher, predicted in _thinned(own, most_clips // len(order))
        .select("source", "clip", TARGET, "predicted")
        .iter_rows()
    ]
    return Points(
        clips,
        frames,
        rows.height,
        tuple(by_clip),
        sum(own.height for own in means.values()),
        _by_score(rows.select(TARGET, error)),
        run.facts.seeds[0],
    )


def _thinned(part: "pl.DataFrame", share: int) -> "pl.DataFrame":
    """About `share` rows of a source, and those with the smallest and the largest error."""
    spaced = np.linspace(0, part.height - 1, min(part.height, max(2, share)))
    error = part["error"].to_numpy()
    chosen = np.union1d(spaced.round().astype(np.int64), [error.argmin(), error.argmax()])
    return part[chosen.tolist()]


def _by_score(rows: "pl.DataFrame") -> tuple[dict[str, Any], ...]:
    import polars as pl

    error = pl.col("error")
    # The last bin holds the top of the scale, which would otherwise be a bin of its own.
    last = 100.0 - _BIN_WIDTH
    bins = (
        rows.group_by(
            (pl.col(TARGET) // _BIN_WIDTH * _BIN_WIDTH).clip(0, last).alias("low"),
        )
        .agg(
            error.quantile(0.05).round(3).alias("q05"),
            error.median().round(3).alias("q50"),
            error.quantile(0.95).round(3).alias("q95"),
            pl.len().alias("n"),
        )
        .filter(pl.col("n") >= _FEWEST_IN_BIN)
        .sort("low")
        .with_columns((pl.col("low") + _BIN_WIDTH / 2).alias("middle"))
    )
    return tuple(bins.to_dicts())
