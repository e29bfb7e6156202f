# SPDX-License-Identifier: Apache-2.0
"""The small pictures of a pair by which its matching is proven.

A short clip is looked at as a whole. Of a long one some dozens of moments are, spread over its time
and chosen where the fewest frames must be decoded to reach them; its beginning and its end are
always among them.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np
from jaxtyping import Int

from tinyvmaf.media.close_ups import LONGER
from tinyvmaf.media.index import FrameIndex
from tinyvmaf.media.probing import frame_index
from tinyvmaf.media.small_pictures import Closer, SmallPictures, all_pictures, some_pictures
from tinyvmaf.media.video import Video
from tinyvmaf.pairs.checked import CheckedPair, Side, frames_of

WHOLE_FRAMES: Final = 600
"""Frames up to which a clip is looked at as a whole."""

MOMENTS: Final = 20
"""Moments of a longer one."""

BUDGET: Final = 600
"""Packets that may be decoded for them."""

CLOSE_REACH: Final = 2
"""Frames of the reference to either side that are looked at first, in a long clip.

That suffices to see that something is off; by how much, a further look tells.
"""

FAR_S: Final = 5.0
"""Seconds to either side that are searched where nothing near fits."""

_CLOSE_UPS: Final = 5
# Matched frames of one moment.
_LENGTH: Final = 4
_CANDIDATES: Final = 64
# Share of what lies between, to either side of its middle, in which a cheap place is chosen.
_MIDDLE: Final = 0.35
# How much more than one moment all between may cost.
_ENTIRE: Final = 2.5

Window = tuple[int, int]
"""First and last frame of what is decoded in one go."""


@dataclass(frozen=True, slots=True)
class Sight:
    """Small pictures of a pair at the examined moments.

    Attributes:
        reference, distorted: Small pictures of both.
        matched: Numbers of the frames of both that belong together.
        close: Numbers of the matched frames that were looked at closely in both.
    """

    reference: SmallPictures
    distorted: SmallPictures
    matched: tuple[Int[np.ndarray, " n_frames"], Int[np.ndarray, " n_frames"]]
    close: tuple[tuple[int, int], ...]


def look(pair: CheckedPair, *, reach: int = CLOSE_REACH) -> Sight:
    """The small pictures of a pair.

    Args:
        pair: The pair.
        reach: Frames of the reference to either side that are looked at, in a long clip.

    Raises:
        MediaError: one of the videos cannot be decoded.
    """
    matched = frames_of(pair.matching.reference), frames_of(pair.matching.distorted)
    n_frames = len(matched[0])
    places = close_places(n_frames)
    videos = pair.reference.video, pair.distorted.video
    sides = pair.reference, pair.distorted
    size = picture_size(*pair.size)
    if is_short(pair):
        closer = _closer(matched, places, size, sides)
        with ThreadPoolExecutor(2) as pool:
            ours, theirs = pool.map(all_pictures, videos, closer)
    else:
        moments = _moments(videos, matched, reach=reach)
        places = np.array(moments)[:: max(1, len(moments) // _CLOSE_UPS)]
        closer = _closer(matched, places, size, sides)
        windows = _windows(moments, matched, reach=reach)
        with ThreadPoolExecutor(2) as pool:
            ours, theirs = pool.map(some_pictures, videos, windows, closer)
    both = [(int(matched[0][i]), int(matched[1][i])) for i in places]
    close = tuple(
        item for item in both if item[0] in ours.close_ups and item[1] in theirs.close_ups
    )
    return Sight(ours, theirs, matched, close)


def is_short(pair: CheckedPair) -> bool:
    """True if all frames of both videos are looked at."""
    sides = (pair.reference, pair.distorted)
    return max(side.info.n_frames for side in sides) <= WHOLE_FRAMES


def close_places(n_frames: int) -> Int[np.ndarray, " n_places"]:
    """Numbers of the matched frames of a short clip that are looked at closely."""
    return np.unique((np.linspace(0.1, 0.9, _CLOSE_UPS) * (n_frames - 1)).astype(int))


def part_of(side: Side) -> tuple[int, int, int, int] | None:
    """Width, height, left and top of the part of a side's pictures that is compared."""
    crop = side.conversion.crop
    return None if crop is None else (crop.width, crop.height, crop.left, crop.top)


def _closer(
    matched: tuple[Int[np.ndarray, " n_frames"], Int[np.ndarray, " n_frames"]],
    places: Int[np.ndarray, " n_places"],
    size: tuple[int, int],
    sides: tuple[Side, Side],
) -> list[Closer]:
    return [
        replace(closer_of(side), frames=tuple(int(frames[place]) for place in places), size=size)
        for frames, side in zip(matched, sides, strict=True)
    ]


def closer_of(side: Side) -> Closer:
    """The part of a side that is looked at, and the matrix by which its RGB becomes luma."""
    return Closer(part=part_of(side), matrix=side.conversion.matrix or "bt709")


def look_further(pair: CheckedPair, sight: Sight, *, far: int) -> Sight:
    """The same with more of the reference around a few moments, for a search of far shifts."""
    ours, theirs = sight.matched
    shown = np.flatnonzero(np.isin(theirs, sight.distorted.frames))
    places = shown[np.unique(np.linspace(0, len(shown) - 1, 3).astype(int))]
    last = pair.reference.info.n_frames - 1
    windows = [
        (max(0, int(ours[i]) - far), min(last, int(ours[i]) + far + _LENGTH)) for i in places
    ]
    more = some_pictures(pair.reference.video, _merged(windows), closer_of(pair.reference))
    return Sight(_joined(sight.reference, more), sight.distorted, sight.matched, sight.close)


@dataclass(frozen=True, slots=True)
class Between:
    """A look at frames between two matched ones.

    Attributes:
        sight: The small pictures so far, with the new ones.
        first, last: The matched frames that were looked at, both included.
        complete: True if those are all between the two.
        cost: Packets that were decoded for it.
    """

    sight: Sight
    first: int
    last: int
    complete: bool
    cost: int


def look_between(
    pair: CheckedPair, sight: Sight, low: int, high: int, *, reach: int, budget: int
) -> Between | None:
    """The same with a moment between two matched frames, or with all of them.

    All are looked at where that costs hardly more than one moment. The moment is one that is
    reached cheaply in both videos, which is why places behind keyframes come first.

    Args:
        pair: The pair.
        sight: The pictures that were looked at.
        low: A matched frame; those behind it are looked at.
        high: The matched frame at which that ends.
        reach: Frames of the reference to either side that are looked at too.
        budget: Packets that may be decoded for it.

    Returns:
        None if the budget does not suffice.
    """
    sides = pair.reference, pair.distorted
    costs = [_decoded(frame_index(side.video)) for side in sides]
    places = np.unique(np.linspace(low + 1, high - 1, _CANDIDATES).astype(int))
    # Of those that halve what is left more or less.
    middle = places[np.abs(places - (low + high) / 2) <= _MIDDLE * (high - low)]
    each = _cost(middle, sight.matched, costs, reach=reach)
    all_cost = int(_cost(np.array([low + 1]), sight.matched, costs, reach=reach)[0])
    all_cost += 2 * (high - low)
    complete = not len(middle) or all_cost <= _ENTIRE * int(each.min())
    cost = all_cost if complete else int(each.min())
    if cost > budget:
        return None
    if complete:
        first, last = low + 1, high - 1
    else:
        first = int(middle[each.argmin()])
        last = min(first + _LENGTH, high) - 1
    windows = _around([(first, last)], sight.matched, reach=reach)
    more = [
        some_pictures(side.video, each, closer_of(side))
        for side, each in zip(sides, windows, strict=True)
    ]
    seen = Sight(
        _joined(sight.reference, more[0]),
        _joined(sight.distorted, more[1]),
        sight.matched,
        sight.close,
    )
    return Between(seen, first, last, complete, cost)


def _cost(
    places: Int[np.ndarray, " n"],
    matched: tuple[Int[np.ndarray, " n_frames"], Int[np.ndarray, " n_frames"]],
    costs: Sequence[Int[np.ndarray, " _"]],
    *,
    reach: int,
) -> Int[np.ndarray, " n"]:
    """Packets that are decoded in both videos for the moments that begin at `places`."""
    length = min(_LENGTH, len(matched[0])) - 1
    ends = np.minimum(places + length, len(matched[0]) - 1)
    total = np.zeros(len(places), dtype=np.int64)
    for side, cost in enumerate(costs):
        near = 0 if side else reach
        begin = np.maximum(matched[side][places] - near, 0)
        end = np.minimum(matched[side][ends] + near, len(cost) - 1)
        # Both ends in one group of pictures: what lies between is decoded anyway. Else a keyframe
        # lies between, and each group is begun anew or gone through.
        total += np.maximum(cost[begin] + end - begin, cost[end])
    return total


def picture_size(width: int, height: int) -> tuple[int, int]:
    """Width and height of the pictures of a close look, from those of the compared ones."""
    longer = max(width, height, 1)
    return max(8, width * LONGER // longer), max(8, height * LONGER // longer)


def _joined(one: SmallPictures, other: SmallPictures) -> SmallPictures:
    frames, rows = np.unique(np.concatenate([one.frames, other.frames]), return_index=True)
    pictures = np.concatenate([one.pictures, other.pictures])[rows]
    return SmallPictures(frames, pictures, one.close_ups, one.resized or other.resized)


def _moments(
    videos: tuple[Video, Video],
    matched: tuple[Int[np.ndarray, " n_frames"], Int[np.ndarray, " n_frames"]],
    *,
    reach: int,
) -> list[int]:
    """Numbers of matched frames at which moments begin: one a stratum, where it costs least."""
    n_frames = len(matched[0])
    indexes = [frame_index(video) for video in videos]
    costs = [_decoded(index) for index in indexes]
    keys = [np.flatnonzero(index.keyframe) for index in indexes]
    last = max(0, n_frames - _LENGTH)
    found = [(0, 0)]
    for start, end in pairwise(np.linspace(0, last, MOMENTS + 1).astype(int).tolist()):
        places = np.unique(np.linspace(start, max(start, end - 1), _CANDIDATES).astype(int))
        behind = [
            np.searchsorted(matched[side], key[(key >= low) & (key < high)]) + near
            for side, (key, near) in enumerate(zip(keys, (reach, 0), strict=True))
            for low, high in [(matched[side][start], matched[side][max(start, end - 1)])]
        ]
        places = np.unique(np.concatenate([places, *behind]))
        places = places[(places >= start) & (places <= last)]
        cost = _cost(places, matched, costs, reach=reach)
        found.append((int(cost.min()), int(places[cost.argmin()])))
    # A frame that lacks shows in all that follow, so that any moment after it will do.
    chosen = {0, last}
    reached: list[dict[int, int]] = [{}, {}]
    spent = 0
    for _, moment in sorted(found):
        for side, (index, cost) in enumerate(zip(indexes, costs, strict=True)):
            frame = min(int(matched[side][moment]) + (0 if side else reach), len(cost) - 1)
            group, depth = int(index.group[frame]), int(cost[frame])
            spent += max(0, depth - reached[side].get(group, 0))
            reached[side][group] = max(depth, reached[side].get(group, 0))
        if spent > BUDGET:
            break
        chosen.add(moment)
    return sorted(chosen)


def _decoded(index: FrameIndex) -> Int[np.ndarray, " n_frames"]:
    """Packets that are decoded to reach each frame from the keyframe before it."""
    return index.shown - index.group_starts[index.group] + 1


def _windows(
    moments: Sequence[int],
    matched: tuple[Int[np.ndarray, " n_frames"], Int[np.ndarray, " n_frames"]],
    *,
    reach: int,
) -> list[list[Window]]:
    ends = [min(moment + _LENGTH, len(matched[0])) - 1 for moment in moments]
    return _around(list(zip(moments, ends, strict=True)), matched, reach=reach)


def _around(
    pairs: Sequence[Window],
    matched: tuple[Int[np.ndarray, " n_frames"], Int[np.ndarray, " n_frames"]],
    *,
    reach: int,
) -> list[list[Window]]:
    """The windows of both videos that show these matched frames."""
    ours, theirs = matched
    return [
        _merged([(max(0, int(ours[a]) - reach), int(ours[b]) + reach) for a, b in pairs]),
        _merged([(int(theirs[a]), int(theirs[b])) for a, b in pairs]),
    ]


def _merged(windows: Sequence[Window]) -> list[Window]:
    found: list[Window] = []
    for first, last in sorted(windows):
        if found and first <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(found[-1][1], last)
        else:
            found.append((first, last))
    return found
