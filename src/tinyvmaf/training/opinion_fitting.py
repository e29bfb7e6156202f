# SPDX-License-Identifier: Apache-2.0
"""A model of opinion scores that libvmaf can run: support vectors on the mean features of clips.

It is trained as VMAF itself is: a row a clip, the mean of each feature over its frames in, its mean
opinion score out. libvmaf applies it to every frame and averages the scores, and `clip_scores`
does the same, so that an error measured with it is the error of the model in use.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from tinyvmaf.errors import UsageError
from tinyvmaf.features.schema import MOS
from tinyvmaf.features.table import FeatureTable
from tinyvmaf.models.support_vectors import SupportVectors
from tinyvmaf.training.svr_fitting import Settings, fit_support_vectors

if TYPE_CHECKING:
    import polars as pl

SETTINGS = Settings(c=1.0, nu=0.5, gamma_times_features=0.1)
"""C and nu are scikit-learn's defaults. They and gamma were chosen among twenty settings by LOSO on
three public studies, so that what these settings reach there is optimistic.

Opinions are noisy and clips are few, so that these are smoother than the settings for a teacher.
"""

_HIGHEST = 100.0


@dataclass(frozen=True, slots=True)
class JudgedFrames:
    """The frames of clips that have opinion scores.

    Attributes:
        rows: Sorted by source and clip.
        features: Features of every frame.
        clip: Position of every frame's clip, ascending.
        mos: Mean opinion score of every clip.
        n_without: Clips that have none.
    """

    rows: "pl.DataFrame"
    features: Float[np.ndarray, "n_frames n_features"]
    clip: Int[np.ndarray, " n_frames"]
    mos: Float[np.ndarray, " n_clips"]
    n_without: int


def judged_frames(table: FeatureTable) -> JudgedFrames:
    """The frames whose clips have opinion scores.

    Raises:
        UsageError: the table has no opinion scores.
    """
    import polars as pl

    if MOS not in table.info.labels:
        known = ", ".join(table.info.labels) or "none"
        raise UsageError(
            f"this table has no opinion scores: no label {MOS} (its labels: {known}); join the "
            "scores of the study to it first, with `tinyvmaf table join`"
        )
    rows = table.rows.filter(pl.col(MOS).is_not_null())
    if rows.is_empty():
        raise UsageError(f"this table has no opinion scores: its label {MOS} is empty")
    clip = rows.select(pl.struct("source", "clip").rle_id()).to_series().to_numpy()
    first = np.flatnonzero(np.diff(clip, prepend=-1))
    return JudgedFrames(
        rows=rows,
        features=rows.select(table.info.features).to_numpy(),
        clip=clip.astype(np.int64),
        mos=rows[MOS].to_numpy()[first],
        n_without=table.n_clips - len(first),
    )


def clip_means(
    values: Float[np.ndarray, "n_frames ..."], clip: Int[np.ndarray, " n_frames"]
) -> Float[np.ndarray, "n_clips ..."]:
    """The mean of each clip's frames; frames of a clip are adjacent."""
    first = np.flatnonzero(np.diff(clip, prepend=-1))
    sums = np.add.reduceat(values, first, axis=0)
    n_frames = np.diff(first, append=len(clip))
    return sums / n_frames.reshape(-1, *(1 for _ in values.shape[1:]))


def fit_opinions(
    *,
    features: Float[np.ndarray, "n_clips n_features"],
    mos: Float[np.ndarray, " n_clips"],
    names: tuple[str, ...],
) -> SupportVectors:
    """Support vectors that give a clip's opinion score for its mean features.

    Args:
        features: Mean features of the training clips.
        mos: Their opinion scores, on the scale of their study.
        names: Names of the features.

    Raises:
        UsageError: a score lies outside [0, 100], where libvmaf clips.
    """
    if mos.min() < 0 or mos.max() > _HIGHEST:
        raise UsageError(
            f"opinion scores from {mos.min():g} to {mos.max():g}: expected [0, 100], to which "
            "libvmaf clips; move them to such a scale, and keep higher as better"
        )
    columns = np.column_stack([features, mos])
    deviation = columns.std(axis=0)
    return fit_support_vectors(
        features=features,
        target=mos,
        names=names,
        shift=columns.mean(axis=0),
        scale=np.where(deviation > 0, deviation, 1.0),
        n_rows=len(mos),
        settings=SETTINGS,
    )


def clip_scores(
    machine: SupportVectors,
    features: Float[np.ndarray, "n_frames n_features"],
    clip: Int[np.ndarray, " n_frames"],
) -> Float[np.ndarray, " n_clips"]:
    """The mean of the scores of each clip's frames, as libvmaf pools them."""
    return clip_means(machine.predict(features), clip)
