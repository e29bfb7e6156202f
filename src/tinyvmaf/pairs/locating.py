# SPDX-License-Identifier: Apache-2.0
"""Whether small pictures show at which frame one offset of a matching ends and the next begins.

Where little moves, two offsets fit almost alike for a while. The frames between the places where a
change may be are then compared with a wrong frame or with the right one; that matters as far as the
two differ from each other, against what coding changed.
"""

from itertools import pairwise
from typing import Final

import numpy as np
from jaxtyping import Float, Int

from tinyvmaf.media.small_pictures import SmallPictures

# Of the usual squared distance of matched pictures: places that are worse by less are possible.
_POSSIBLE: Final = 0.5
# Sum over frames of what the two candidates differ by, in the same unit, for every compared frame:
# by experiment, one frame that is off by one such unit scores some five points too low.
_MATTERS: Final = 0.008
_FLOOR: Final = 0.1
_SHORT: Final = 3
_BESIDE: Final = (-2, -1, 1, 2)


def is_located(
    reference: SmallPictures,
    distorted: SmallPictures,
    *,
    matched: tuple[Int[np.ndarray, " n_frames"], Int[np.ndarray, " n_frames"]],
    offsets: Int[np.ndarray, " n_frames"],
) -> bool:
    """True if the places where offsets change are certain enough for the score.

    Args:
        reference: Its small pictures; some frames may be missing.
        distorted: The same of the distorted video.
        matched: Numbers of the reference's and of the distorted video's frames that belong
            together by their times.
        offsets: Frames by which the shown frame of the reference lies later, for each of them.
    """
    ends = _ends(offsets)
    ours, theirs = matched
    shown = _error(reference, distorted, ours + offsets, theirs)
    usual = float(np.nanmedian(shown)) + _FLOOR if np.isfinite(shown).any() else _FLOOR
    most = _MATTERS * len(offsets)
    for start, stop in pairwise(ends):
        part = slice(start, stop)
        if (
            _doubt_of_offset(reference, distorted, ours[part] + offsets[start], theirs[part], usual)
            > most
        ):
            return False
    for start, change, stop in zip(ends, ends[1:], ends[2:], strict=False):
        part = slice(start, stop)
        before, after = offsets[change - 1], offsets[change]
        errors = [
            _error(reference, distorted, ours[part] + offset, theirs[part]) / usual
            for offset in (before, after)
        ]
        differ = _change(reference, ours[part] + before, ours[part] + after) / usual
        doubt = _doubt(errors[0], errors[1], differ, change - start)
        if doubt > most:
            return False
    return True


def other_start(
    reference: SmallPictures,
    distorted: SmallPictures,
    matched: tuple[Int[np.ndarray, " n_frames"], Int[np.ndarray, " n_frames"]],
) -> int | None:
    """A later frame of the reference from which on the distorted video fits as well as it does.

    None if there is none, or the score would be the same.

    Args:
        reference: All of its small pictures.
        distorted: The same of the distorted video.
        matched: Numbers of the reference's and of the distorted video's frames that belong
            together by their times.
    """
    ours, theirs = matched
    error = _error(reference, distorted, ours, theirs)
    usual = float(np.median(error)) + _FLOOR
    for start in range(1, len(reference.frames) - int(ours[-1])):
        worse = _error(reference, distorted, ours + start, theirs) - error
        if worse.sum() <= _POSSIBLE * usual:
            differ = _change(reference, ours, ours + start)
            if differ.sum() > _MATTERS * len(ours) * usual:
                return start
    return None


def steadied(offsets: Int[np.ndarray, " n_frames"]) -> Int[np.ndarray, " n_frames"]:
    """The same without short returns to another offset, which coding suggests now and then."""
    steady = offsets.copy()
    for start, stop in pairwise(_ends(offsets)):
        inside = start > 0 and stop < len(steady) and stop - start <= _SHORT
        if inside and steady[start - 1] == steady[stop]:
            steady[start:stop] = steady[stop]
    return steady


def _ends(offsets: Int[np.ndarray, " n_frames"]) -> list[int]:
    """Where each offset begins, and where the last one ends."""
    return [0, *(np.flatnonzero(np.diff(offsets)) + 1).tolist(), len(offsets)]


def _doubt_of_offset(
    reference: SmallPictures,
    distorted: SmallPictures,
    ours: Int[np.ndarray, " n"],
    theirs: Int[np.ndarray, " n"],
    usual: float,
) -> float:
    """The largest difference that another offset makes, among those beside it that are possible."""
    found = 0.0
    error = _error(reference, distorted, ours, theirs)
    for step in _BESIDE:
        gained = np.nansum(error - _error(reference, distorted, ours + step, theirs)) / usual
        if gained >= -_POSSIBLE:
            found = max(found, float(np.nansum(_change(reference, ours, ours + step))) / usual)
    return found


def _doubt(
    before: Float[np.ndarray, " n"],
    after: Float[np.ndarray, " n"],
    differ: Float[np.ndarray, " n"],
    change: int,
) -> float:
    """The largest difference that the place of a change makes, among the places that are possible.

    Args:
        before: Errors of each frame at the offset before the change; nan for what was not seen.
        after: The same at the offset after it.
        differ: Distance of the two frames of the reference between which it has to choose.
        change: The frame from which on the later offset is taken.
    """
    gained = np.nan_to_num(after - before)
    # What it costs to begin the later offset at each place, against the place that was chosen.
    total = np.concatenate([[0.0], np.cumsum(gained)])
    cost = total[change] - total
    possible = cost <= _POSSIBLE
    made = np.concatenate([[0.0], np.cumsum(np.nan_to_num(differ))])
    return float(np.abs(made[possible] - made[change]).max(initial=0.0))


def _error(
    reference: SmallPictures,
    distorted: SmallPictures,
    ours: Int[np.ndarray, " n"],
    theirs: Int[np.ndarray, " n"],
) -> Float[np.ndarray, " n"]:
    return _apart(_level(reference, ours), _level(distorted, theirs))


def _change(
    reference: SmallPictures, ours: Int[np.ndarray, " n"], other: Int[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    return _apart(_level(reference, ours), _level(reference, other))


def _apart(
    one: Float[np.ndarray, "n p"], other: Float[np.ndarray, "n p"]
) -> Float[np.ndarray, " n"]:
    return np.square(one - other).mean(axis=1)


def _level(pictures: SmallPictures, frames: Int[np.ndarray, " n"]) -> Float[np.ndarray, "n p"]:
    """The pictures of these frames without their brightness; nan where one was not seen."""
    rows = np.minimum(np.searchsorted(pictures.frames, frames), len(pictures.frames) - 1)
    values = pictures.pictures[rows].astype(np.float32)
    values -= values.mean(axis=1, keepdims=True)
    values[pictures.frames[rows] != frames] = np.nan
    return values
