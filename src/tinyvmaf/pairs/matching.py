# SPDX-License-Identifier: Apache-2.0
"""Which frame of the reference goes with which frame of the distorted video, by their times.

In go the times of all frames of both, out comes a `Matching`: runs of frames that belong together.
Averages of frame rates take no part. Whether the pictures agree is for `evidence` to say.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Int

from tinyvmaf.pairs.checked import Matching, Run, Stretch, frames_of

# Of the time between two frames: containers round time stamps, to 1 ms in Matroska.
_TOLERANCE: Final = 0.4
# Where frames without a partner abound, only times that are truly common count.
_COMMON_TOLERANCE: Final = 0.25
_ROUNDING_S: Final = 0.0011
_USUAL: Final = 1.5


def from_numbers(
    reference: Int[np.ndarray, " n_frames"], distorted: Int[np.ndarray, " n_frames"]
) -> Matching:
    """The matching whose compared frames have these numbers; both rise.

    Example:
        >>> from_numbers(np.array([0, 2, 4, 5, 6]), np.array([0, 1, 2, 3, 4])).runs[0]
        Run(reference=0, distorted=0, n_frames=3, reference_step=2, distorted_step=1)
    """
    steps = np.stack([np.diff(reference), np.diff(distorted)])
    runs: list[Run] = []
    start = 0
    while start < len(reference):
        end = start + 1
        if end < len(reference):
            same = (steps[:, start:] == steps[:, start : start + 1]).all(axis=0)
            end += len(same) if same.all() else int(same.argmin())
        length = end - start
        # Two frames that jump are no rhythm: the second begins a run of its own.
        ours, theirs = (int(step) for step in steps[:, start]) if length > 1 else (1, 1)
        if length == 2 and (ours, theirs) != (1, 1):  # noqa: PLR2004
            length, ours, theirs = 1, 1, 1
        runs.append(Run(int(reference[start]), int(distorted[start]), length, ours, theirs))
        start += length
    return Matching(tuple(runs))


def match_times(reference: Float[np.ndarray, " _"], distorted: Float[np.ndarray, " _"]) -> Matching:
    """Pair every frame with the one of the other video that is shown at the same time.

    Args:
        reference: Seconds at which each frame of the reference is shown, rising.
        distorted: The same of the distorted video. Both count from their first frame, so that
            the start of a container does not matter.
    """
    ours, theirs = reference - reference[:1].sum(), distorted - distorted[:1].sum()
    n_both = min(len(ours), len(theirs))
    gaps = np.minimum(_gaps(ours)[:n_both], _gaps(theirs)[:n_both])
    if (np.abs(ours[:n_both] - theirs[:n_both]) <= _TOLERANCE * gaps + _ROUNDING_S).all():
        return Matching.by_number(n_both)
    nearest = _nearest(ours, theirs)
    back = _nearest(theirs, ours)
    frames = np.arange(len(theirs))
    tolerance = _COMMON_TOLERANCE * np.minimum(_gaps(theirs), _gaps(ours)[nearest])
    close = np.abs(ours[nearest] - theirs) <= np.maximum(tolerance, _ROUNDING_S)
    mutual = close & (back[nearest] == frames)
    return from_numbers(nearest[mutual], frames[mutual])


@dataclass(frozen=True, slots=True)
class Alone:
    """Frames of one video that have no partner.

    Attributes:
        within: Before the last frame that has one.
        at_end: After it.
    """

    within: int
    at_end: int


def alone(matched: tuple[Stretch, ...], *, n_frames: int) -> Alone:
    """The frames out of `n_frames` that are not matched."""
    last = matched[-1].last if matched else -1
    n_matched = sum(stretch.n_frames for stretch in matched)
    return Alone(last + 1 - n_matched, n_frames - 1 - last)


def between(matching: Matching, *, first: int, stop: int) -> Matching:
    """The part of a matching whose frames of the reference are `first` to `stop` - 1."""
    ours, theirs = frames_of(matching.reference), frames_of(matching.distorted)
    kept = (ours >= first) & (ours < stop)
    return from_numbers(ours[kept], theirs[kept])


def to_the_end(matching: Matching, *, n_reference: int, n_distorted: int) -> Matching:
    """The matching with its last run continued as far as both videos go."""
    last = matching.runs[-1]
    if last.reference_step != 1 or last.distorted_step != 1:
        return matching
    n_frames = min(n_reference - last.reference, n_distorted - last.distorted)
    longer = replace(last, n_frames=max(last.n_frames, n_frames))
    return Matching((*matching.runs[:-1], longer))


def moved(matching: Matching, offsets: Int[np.ndarray, " n_frames"], *, n_frames: int) -> Matching:
    """The matching with every frame of the reference moved by its offset.

    Frames that have no partner then, or one that an earlier frame has already, are left out.

    Args:
        matching: The matching.
        offsets: For every matched frame.
        n_frames: Frames of the reference.
    """
    ours = frames_of(matching.reference) + offsets
    theirs = frames_of(matching.distorted)
    kept = have_partners(ours, n_frames=n_frames)
    return from_numbers(ours[kept], theirs[kept])


def have_partners(wanted: Int[np.ndarray, " n"], *, n_frames: int) -> Bool[np.ndarray, " n"]:
    """True for each wanted frame that exists and lies behind all that were wanted before it.

    Args:
        wanted: Numbers of frames of a video.
        n_frames: Frames of that video.
    """
    there = (wanted >= 0) & (wanted < n_frames)
    so_far = np.maximum.accumulate(np.where(there, wanted, -1))
    return there & (wanted > np.concatenate([[-1], so_far[:-1]]))


def rate_of(times: Float[np.ndarray, " n_frames"]) -> float:
    """Frames a second, by the usual time between two frames; 0 for fewer than two."""
    gaps = np.diff(times)
    # Of the usual gaps the mean, since coarse time bases round each.
    usual = gaps[gaps <= _USUAL * np.median(gaps)] if len(gaps) else gaps
    return 1 / float(usual.mean()) if len(usual) and usual.mean() > 0 else 0.0


def _gaps(times: Float[np.ndarray, " n_frames"]) -> Float[np.ndarray, " n_frames"]:
    """Seconds from each frame to its nearer neighbour in time."""
    if len(times) < 2:  # noqa: PLR2004
        return np.ones(len(times))
    steps = np.diff(times)
    return np.minimum(np.append(steps, steps[-1]), np.insert(steps, 0, steps[0]))


def _nearest(
    times: Float[np.ndarray, " n_times"], wanted: Float[np.ndarray, " n_wanted"]
) -> Int[np.ndarray, " n_wanted"]:
    right = np.clip(np.searchsorted(times, wanted), 1, max(1, len(times) - 1))
    left = right - 1
    right = np.minimum(right, len(times) - 1)
    return np.where(np.abs(times[left] - wanted) <= np.abs(times[right] - wanted), left, right)
