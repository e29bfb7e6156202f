# SPDX-License-Identifier: Apache-2.0
"""Frames that the auxiliary variables show to be unlike the rest of their clip."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, Int

_OUTLIER_DB: Final = 4.0
_OUTLIER_DEVIATIONS: Final = 4 * 1.4826
_OUTLIER_SHARE: Final = 0.1
_GAP_DB: Final = 3.0


@dataclass(frozen=True, slots=True)
class Outliers:
    """The part of a clip that the auxiliary variables show to be unlike the rest.

    Attributes:
        frames: All of them, in order.
        sampled: Those that were drawn at random, in order; all or at least two.
    """

    frames: Int[np.ndarray, " n_outliers"]
    sampled: tuple[int, ...]


def outlying(values: Float[np.ndarray, " n_frames"]) -> Int[np.ndarray, " n_outliers"]:
    """Frames whose `values`, in decibels, are unlike those of most; none if there are too many.

    These are frames more than 4 dB and more than four standard deviations from the median, which
    the median absolute deviation estimates, and the lowest frames if 3 dB or more lie between them
    and all others. More than 10 % of the frames are no outliers.
    """
    most = int(_OUTLIER_SHARE * len(values))
    far = np.abs(values - np.median(values)) > _outlier_limit(values)
    # Where scores vary much the deviation is large, which would mask a group of bad frames.
    lowest = np.sort(values[1:])[: most + 1]
    gaps = np.flatnonzero(np.diff(lowest) >= _GAP_DB)
    if len(gaps) and int((apart := far | (values <= lowest[gaps[-1]])).sum()) <= most:
        far = apart
    found = np.flatnonzero(far)
    # Frame 0 is always known and belongs to no other part.
    found = found[found > 0]
    return found if len(found) <= most else found[:0]


def limited(values: Float[np.ndarray, " n_frames"]) -> Float[np.ndarray, " n_frames"]:
    """The values, in decibels, cut to where no outliers are.

    A repeated frame is infinitely like its neighbour. Without the cut its distance, times a slope
    that was fitted to other frames, would bias the estimate: on 372 foreign clips (25 exact frames)
    intervals of nominal level 0.90 covered 0.877 without and 0.927 with it.
    """
    middle, limit = float(np.median(values)), _outlier_limit(values)
    return np.clip(values, middle - limit, middle + limit)


def _outlier_limit(values: Float[np.ndarray, " n_frames"]) -> float:
    deviation = float(np.median(np.abs(values - np.median(values))))
    return max(_OUTLIER_DB, _OUTLIER_DEVIATIONS * deviation)
