# SPDX-License-Identifier: Apache-2.0
"""From the scores of frames to the figures of a clip: means, percentiles and the worst moments."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float

# Neighbours of a bad frame are bad too; a list of moments is more use than ten frames of one.
_APART_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Pooled:
    """A clip's score in [0, 100], pooled over its frames in several ways.

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
    """A moment that is worse than what is around it.

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
    """The harmonic mean of `scores` + 1, less 1, so that a frame of score 0 does no harm.

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

    A score of infinity is no candidate.

    Args:
        scores: Of every frame.
        times_s: When each is shown, in seconds, in order.
        n: How many frames are wanted; short videos have fewer.
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
