# SPDX-License-Identifier: Apache-2.0
"""Pooling of frame scores: means, percentiles and the worst moments of a clip."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float

# Neighbours of a bad frame are bad too; distinct moments are more useful than adjacent frames.
_APART_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Pooled:
    """A clip's score in [0, 100], pooled over its frames by several methods.

    Attributes:
        mean: Arithmetic mean, libvmaf's default.
        harmonic_mean: `harmonic_mean` below; bad frames weigh more. None, like all that follow, if
            only some frames are known.
        min: The worst frame.
        p1, p5, p10: 1st, 5th and 10th percentile over frames, linear between two frames.
    """

    mean: float
    harmonic_mean: float | None = None
    min: float | None = None
    p1: float | None = None
    p5: float | None = None
    p10: float | None = None


@dataclass(frozen=True, slots=True)
class WorstFrame:
    """A moment that is worse than its surroundings.

    Attributes:
        frame: Its number, from 0 on, among the frames that were compared.
        time_s: When the distorted video shows it, in seconds from its first frame.
        vmaf: Its score, in [0, 100].
    """

    frame: int
    time_s: float
    vmaf: float


def pool(scores: Float[np.ndarray, " n_frames"]) -> Pooled:
    """Pool the scores of at least one frame."""
    p1, p5, p10 = (float(value) for value in np.percentile(scores, (1, 5, 10)))
    return Pooled(
        mean=float(scores.mean()),
        harmonic_mean=harmonic_mean(scores),
        min=float(scores.min()),
        p1=p1,
        p5=p5,
        p10=p10,
    )


def harmonic_mean(scores: Float[np.ndarray, " n_frames"]) -> float:
    """The harmonic mean of `scores` + 1, minus 1, which is defined for scores of 0.

    Source: libvmaf's own pooling method of that name; its logs agree to their last digit.
    """
    reciprocals = scores + 1
    # In place: days of video have millions of frames.
    np.reciprocal(reciprocals, out=reciprocals)
    return float(1 / np.mean(reciprocals) - 1)


def worst_frames(
    scores: Float[np.ndarray, " n_frames"], times_s: Float[np.ndarray, " n_frames"], *, n: int = 5
) -> tuple[WorstFrame, ...]:
    """The `n` worst frames, the worst first, half a second or more from each other.

    Frames with an infinite score are excluded.

    Args:
        scores: Score of every frame.
        times_s: Time of each frame, in seconds, ascending.
        n: Number of frames to return; short videos have fewer.
    """
    chosen: list[int] = []
    left = scores.copy()
    while len(chosen) < n:
        worst = int(np.argmin(left))
        if left[worst] == np.inf:
            break
        chosen.append(worst)
        # Only neighbours can be near, and a search for them costs no memory.
        around = np.searchsorted(times_s, times_s[worst] + (-2 * _APART_S, 2 * _APART_S))
        near = slice(*around.tolist())
        left[near][np.abs(times_s[near] - times_s[worst]) < _APART_S] = np.inf
    return tuple(
        WorstFrame(frame=index, time_s=float(times_s[index]), vmaf=float(scores[index]))
        for index in chosen
    )
