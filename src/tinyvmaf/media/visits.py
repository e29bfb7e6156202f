# SPDX-License-Identifier: Apache-2.0
"""The packets to decode for wanted frames: runs that begin at the keyframe before each."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tinyvmaf.media.index import FrameIndex


@dataclass(frozen=True, slots=True)
class Visit:
    """Packets that are decoded one after the other, for the frames that are wanted of them.

    Attributes:
        start, stop: The first packet, which begins a group of pictures, and the one after the last.
        frames: The wanted frames, in order.
    """

    start: int
    stop: int
    frames: tuple[int, ...]


def visits(index: FrameIndex, frames: Iterable[int], *, earlier: int = 0) -> list[Visit]:
    """The packets to decode for `frames`.

    Args:
        index: Index of the video.
        frames: Numbers in order of showing.
        earlier: Begin this many groups of pictures before the nearest that suffices.
    """
    wanted = np.unique(np.fromiter(frames, dtype=np.int64))
    starts = index.group_starts
    start_pts = index.packet_pts[starts]
    group = index.group[wanted].astype(np.int64)
    # A picture that is shown before the keyframe it follows needs what was before that keyframe.
    while len(early := np.flatnonzero((start_pts[group] > index.pts[wanted]) & (group > 0))):
        group[early] -= 1
    group = np.maximum(group - earlier, 0)
    found: list[Visit] = []
    order = np.lexsort((index.shown[wanted], group))
    for place in order:
        frame, start = int(wanted[place]), int(starts[group[place]])
        stop = int(index.shown[frame]) + 1
        last = found[-1] if found else None
        if last is not None and (last.start == start or last.stop > start):
            frames_so_far = tuple(sorted({*last.frames, frame}))
            found[-1] = Visit(last.start, max(last.stop, stop), frames_so_far)
        else:
            found.append(Visit(start, stop, (frame,)))
    return found


def n_decoded(index: FrameIndex, frames: Iterable[int]) -> int:
    """Packets that are decoded for `frames`; some of them may be skipped cheaply."""
    return sum(visit.stop - visit.start for visit in visits(index, frames))
