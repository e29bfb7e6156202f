# SPDX-License-Identifier: Apache-2.0
"""What the charts of single frames and clips draw, from a run's out-of-fold predictions.

Charts show the first seed's models, which are those that the run ships. Frames are thinned to a
fixed number so that a page stays light however long the clips are: evenly spaced within each
source, and each source's two largest errors, one on either side, always stay.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyvmaf.evaluation.measured import clip_means
from tinyvmaf.evaluation.run import Run
from tinyvmaf.features.sets import TARGET

if TYPE_CHECKING:
    import polars as pl

MOST_FRAMES = 4500
_BIN_WIDTH = 5.0
_FEWEST_IN_BIN = 20


@dataclass(frozen=True, slots=True)
class Points:
    """What charts draw beside the record.

    Attributes:
        clips: Source and clip, once each, in the order of drawing; `frames` names their position.
        frames: Position in `clips`, frame, teacher's score, predicted score.
        n_frames: How many there are before thinning.
        by_clip: Source, clip, mean of both scores, error of the means.
        by_score: For every bin of the teacher's score: middle, 5 %, 50 % and 95 % quantile of the
            error over all frames in it, and their number.
        seed: Whose models these are.
    """

    clips: tuple[tuple[str, str], ...]
    frames: tuple[tuple[int, int, float, float], ...]
    n_frames: int
    by_clip: tuple[dict[str, Any], ...]
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


def points_of(run: Run, *, order: Sequence[str], most_frames: int = MOST_FRAMES) -> Points:
    """What the charts of `run` draw.

    Args:
        run: The sweep.
        order: Its sources in the order in which they are drawn.
        most_frames: How many frames are drawn, but for each source's largest errors.
    """
    import polars as pl

    seed = run.facts.seeds[0]
    positions_of = {source: position for position, source in enumerate(order)}
    rows = run.predictions.filter(pl.col("seed") == seed).sort(
        pl.col("source").replace_strict(positions_of, return_dtype=pl.Int64), "clip", "frame"
    )
    rows = rows.with_columns(pl.col("predicted").cast(pl.Float64)).with_columns(
        (pl.col("predicted") - pl.col(TARGET)).alias("error")
    )
    clips = tuple(rows.select("source", "clip").unique(maintain_order=True).iter_rows())
    positions = {clip: position for position, clip in enumerate(clips)}
    frames = tuple(
        (positions[source, clip], frame, round(teacher, 3), round(predicted, 3))
        for source, clip, frame, teacher, predicted in _thinned(rows, most_frames)
        .select("source", "clip", "frame", TARGET, "predicted")
        .iter_rows()
    )
    by_clip = [
        {
            "source": source,
            "clip": clip,
            "teacher": round(teacher, 3),
            "predicted": round(predicted, 3),
            "error": round(predicted - teacher, 3),
        }
        for source, clip, teacher, predicted in clip_means(rows)
        .select("source", "clip", TARGET, "predicted")
        .iter_rows()
    ]
    return Points(clips, frames, rows.height, tuple(by_clip), _by_score(rows), seed)


def _thinned(rows: "pl.DataFrame", most: int) -> "pl.DataFrame":
    import polars as pl

    share = max(2, most // rows["source"].n_unique())
    kept: list[pl.DataFrame] = []
    for part in rows.partition_by("source", maintain_order=True):
        spaced = np.linspace(0, part.height - 1, min(part.height, share)).round().astype(np.int64)
        error = part["error"].to_numpy()
        chosen = np.union1d(spaced, [error.argmin(), error.argmax()])
        kept.append(part[chosen.tolist()])
    return pl.concat(kept)


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
