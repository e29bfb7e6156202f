# SPDX-License-Identifier: Apache-2.0
"""The matching that small pictures show, where that of the time stamps is off.

In go a pair, what was seen of it, and the evidence, out come the offset of every matched frame and
the matching that follows; none where it is not certain.
"""

from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np
from jaxtyping import Int

from tinyvmaf.pairs.checked import CheckedPair, Matching
from tinyvmaf.pairs.evidence import Evidence, Stretch
from tinyvmaf.pairs.locating import is_located, steadied
from tinyvmaf.pairs.looking import Sight, look_between
from tinyvmaf.pairs.matching import alone, have_partners, moved, to_the_end

# Of the distorted frames, those without a partner among others; of the shorter video, what is left.
_SINGLE: Final = 0.06
_LEFT: Final = 0.4
_LONG_RUN: Final = 8
# Looks and packets in which the frame is found from which on another offset fits.
_STEPS: Final = 12
_LOCATED: Final = 1000
_NOISE: Final = 0.1
_AS_OTHERS: Final = 1.5
_TELLS: Final = 0.4
# Share of the compared frames in long runs.
_IN_LONG_RUNS: Final = 0.8


def matching_at(
    pair: CheckedPair, sight: Sight, offsets: Int[np.ndarray, " n_frames"]
) -> Matching | None:
    """The matching at these offsets; None if it is not certain.

    It is not if it leaves out more than single frames: another cut resembles here this and there
    that frame of the reference. Nor is it if offsets come and go, or if the score would depend on
    where exactly they change and the pictures do not show that.
    """
    n_frames = pair.reference.info.n_frames, pair.distorted.info.n_frames
    offsets = steadied(offsets)
    ours, theirs = sight.matched
    kept = have_partners(ours + offsets, n_frames=n_frames[0])
    steps = np.diff(offsets[kept])
    if (steps > 0).any() and (steps < 0).any():
        return None
    if not is_located(
        sight.reference,
        sight.distorted,
        matched=(ours[kept], theirs[kept]),
        offsets=offsets[kept],
    ):
        return None
    found = moved(pair.matching, offsets, n_frames=n_frames[0])
    if not found.runs:
        return None
    found = to_the_end(found, n_reference=n_frames[0], n_distorted=n_frames[1])
    if len(found.runs) == 1:
        return found
    lacking = alone(found.distorted, n_frames=n_frames[1]).within
    lacking -= min(run.distorted for run in found.runs)
    long = sum(run.n_frames for run in found.runs if run.n_frames >= _LONG_RUN)
    within = found.n_frames + lacking
    if lacking > max(2, _SINGLE * within) or long < _IN_LONG_RUNS * found.n_frames:
        return None
    return found if found.n_frames >= _LEFT * min(n_frames) else None


def offsets_of(
    pair: CheckedPair, sight: Sight, evidence: Evidence
) -> tuple[Int[np.ndarray, " n_frames"], Sight]:
    """The offset of every matched frame: that of the stretch that it lies in or follows.

    With it comes the sight with what was looked at to find where offsets change.
    """
    n_frames = len(sight.matched[0])
    counted = {(item.first, item.last) for item in evidence.off}
    stretches = [
        item if (item.first, item.last) in counted else replace(item, offset=0)
        for item in evidence.stretches
    ]
    offsets = np.zeros(n_frames, dtype=np.int64)
    offsets[: stretches[0].first + 1] = stretches[0].offset
    for one, after in pairwise([*stretches, replace(stretches[-1], first=n_frames)]):
        offsets[one.first : after.first] = one.offset
        if after.first - one.last > 1 and one.offset != after.offset and after.first < n_frames:
            change, sight = _change(pair, sight, one, after)
            offsets[change : after.first] = after.offset
    _take_edges_along(offsets, evidence, sight, last=pair.reference.info.n_frames - 1)
    return offsets, sight


def _take_edges_along(
    offsets: Int[np.ndarray, " n_frames"],
    evidence: Evidence,
    sight: Sight,
    *,
    last: int,
) -> None:
    """Give the frames at both ends that a shift leaves without a partner the offset of the shift.

    Their pictures are not in the reference, and what resembles them most there means nothing;
    unless they fit where they are, as the first of two equal frames does.
    """
    ours = sight.matched[0]
    strong = [item for item in evidence.off if item.last - item.first >= abs(item.offset)]
    if not strong:
        return
    before, after = slice(0, strong[0].first), slice(strong[-1].last + 1, None)
    if (ours[before] + strong[0].offset < 0).all() and not _fit(sight, before, evidence):
        offsets[before] = strong[0].offset
    if (ours[after] + strong[-1].offset > last).all() and not _fit(sight, after, evidence):
        offsets[after] = strong[-1].offset


def _fit(sight: Sight, part: slice, evidence: Evidence) -> bool:
    """True if the pictures of some matched frames agree as well as others do."""
    errors = [_misfit(sight, place, 0) for place in range(*part.indices(len(sight.matched[0])))]
    most = _AS_OTHERS * (evidence.misfit + _NOISE)
    return all(error is not None and error <= most for error in errors)


def _change(pair: CheckedPair, sight: Sight, one: Stretch, after: Stretch) -> tuple[int, Sight]:
    """The matched frame from which on the later offset fits, and what was looked at for it.

    It is found by halving what lies between cheaply; a bound on the steps and on what is decoded
    ends the search with the first frame of which it is known.
    """
    offsets = one.offset, after.offset
    reach = max(abs(offset) for offset in offsets) + 2
    shown = np.flatnonzero(np.isin(sight.matched[1], sight.distorted.frames))
    shown = shown[(shown >= one.first) & (shown <= after.last)]
    gains = {int(place): _gained(sight, int(place), offsets) for place in shown}
    budget = _LOCATED
    for _ in range(_STEPS):
        low, high = _split(gains)[0]
        if high - low <= 1:
            break
        found = look_between(pair, sight, low, high, reach=reach, budget=budget)
        if found is None:
            break
        sight, budget = found.sight, budget - found.cost
        places = range(found.first, found.last + 1)
        gains |= {place: _gained(sight, place, offsets) for place in places}
    return _split(gains)[1], sight


def _split(gains: dict[int, float]) -> tuple[tuple[int, int], int]:
    """Frames to examine next for the change, and the first frame known to be behind it.

    Still pictures leave open where it is; the widest gap of what they leave open is looked at.
    """
    places = sorted(gains)
    total = np.cumsum([0.0, *(gains[place] for place in places)])
    open_ = np.flatnonzero(total <= total.min() + 1e-9)
    first, last = (min(int(place), len(places) - 1) for place in (open_[0], open_[-1]))
    gaps = pairwise(places[max(0, first - 1) : last + 1])
    widest = max(gaps, key=lambda gap: gap[1] - gap[0], default=(first, first))
    return widest, places[first]


def _gained(sight: Sight, place: int, offsets: tuple[int, int]) -> float:
    """By how much the second offset fits better, in [-1, 1]; 0 where that cannot be told."""
    errors = [_misfit(sight, place, offset) for offset in offsets]
    if errors[0] is None or errors[1] is None:
        return 0.0
    ours = int(sight.matched[0][place])
    one, other = (
        sight.reference.pictures[np.searchsorted(sight.reference.frames, ours + offset)]
        for offset in offsets
    )
    change = float(np.square(one.astype(np.float32) - other).mean())
    gain = (errors[0] - errors[1]) / (change + _NOISE * (1 + min(errors[0], errors[1])))
    return gain if abs(gain) > _TELLS else 0.0


def _misfit(sight: Sight, place: int, offset: int) -> float | None:
    ours, theirs = int(sight.matched[0][place]) + offset, int(sight.matched[1][place])
    rows = (
        np.searchsorted(sight.reference.frames, ours),
        np.searchsorted(sight.distorted.frames, theirs),
    )
    if rows[0] >= len(sight.reference.frames) or rows[1] >= len(sight.distorted.frames):
        return None
    if sight.reference.frames[rows[0]] != ours or sight.distorted.frames[rows[1]] != theirs:
        return None
    one = sight.reference.pictures[rows[0]].astype(np.float32)
    other = sight.distorted.pictures[rows[1]].astype(np.float32)
    return float(np.square(one - one.mean() - other + other.mean()).mean())
