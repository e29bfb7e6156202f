# SPDX-License-Identifier: Apache-2.0
"""The proof of a pair by its pictures, from the first frame to the last.

A checked pair goes in and comes out with what its pictures add; one whose pictures do not belong
together is refused, with the frame from which on they do not and with what mends it. Where pictures
hardly change nothing can be told; that is no reason to refuse, and is carried by what is around.
"""

from collections.abc import Generator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np
from jaxtyping import Int

from tinyvmaf.media.close_ups import COMBED
from tinyvmaf.media.pictures import frame_times
from tinyvmaf.pairs.checked import CheckedPair, Matching
from tinyvmaf.pairs.cropping import bars
from tinyvmaf.pairs.evidence import ALIKE, REACH, Evidence, Stretch, examine
from tinyvmaf.pairs.finding import Allowance, Finding, accepted, refusals, refuse, warnings
from tinyvmaf.pairs.framing import Displacement, displacement
from tinyvmaf.pairs.interruptions import Frames, frozen, strange
from tinyvmaf.pairs.levels import stretched
from tinyvmaf.pairs.locating import is_located, other_start, steadied
from tinyvmaf.pairs.looking import FAR_S, Sight, is_short, look, look_between, look_further
from tinyvmaf.pairs.matching import alone, have_partners, moved, to_the_end
from tinyvmaf.pairs.swapping import swapped

# Of the compared pictures' longer side, which has 320 pixels.
_MOVED: Final = 0.3
_GAINED: Final = 0.7
_GAINED_WITHIN_A_PIXEL: Final = 0.4
# Pictures in which displacements are measured.
_DISPLACED: Final = 2
# Share of the distorted frames that one offset must hold for, to be a shift of the whole.
_ALL: Final = 0.8
_TURNED: Final = 0.03
# Correlation below which a part of a video shows something else.
_OTHER: Final = 0.5
# Of the distorted frames, those without a partner among others; of the shorter video, what is left.
_SINGLE: Final = 0.06
_LEFT: Final = 0.4
_LONG_RUN: Final = 8
_MIRRORED: Final = 0.5
# Looks and packets in which the frame is found from which on another offset fits.
_STEPS: Final = 12
_LOCATED: Final = 1000
_NOISE: Final = 0.1
_AS_OTHERS: Final = 1.5
_TELLS: Final = 0.4


def verify(
    pair: CheckedPair,
    *,
    allowed: AbstractSet[Allowance] = frozenset(),
    sight: Sight | None = None,
) -> CheckedPair:
    """The pair with what its pictures add to its notes.

    Args:
        pair: The pair.
        allowed: Findings that the user accepts by name.
        sight: Small pictures of all frames, where a decode made them; by default they are made.

    Raises:
        MediaError: one of the videos cannot be decoded.
        MisalignedError: the pictures show that the pair must not be scored.
    """
    sight = sight or look(pair)
    still = frozen(sight.reference, sight.distorted, sight.matched)
    sight, evidence = _evidence(pair, _without(sight, still))
    findings = [*_frozen(pair, still), *_judge(pair, sight, evidence)]
    refuse(refusals(findings, allowed))
    return replace(
        pair,
        notes=(*pair.notes, *warnings(findings, allowed)),
        accepted=pair.accepted | accepted(findings, allowed),
    )


def synced(pair: CheckedPair) -> tuple[Matching, tuple[str, ...]]:
    """The matching that the pictures show, and in words how it differs from that of the times."""
    sight, evidence = _evidence(pair)
    if not evidence.off:
        return pair.matching, ()
    offsets, sight = _offsets(pair, sight, evidence)
    matching = _matching(pair, sight, offsets)
    if matching is None:
        refuse(refusals(list(_off(pair, sight, evidence)), frozenset()))
        return pair.matching, ()
    first = matching.runs[0]
    if len(matching.runs) == 1:
        return matching, (
            f"`sync=True`: {_shift_words(first.reference - first.distorted)}; left out",
        )
    runs = ", ".join(
        f"{run.n_frames} from {run.distorted} on with those from {run.reference} on"
        for run in matching.runs[:4]
    )
    more = "" if len(matching.runs) <= 4 else ", ..."  # noqa: PLR2004
    return matching, (f"`sync=True`: frames of distorted are matched piece by piece: {runs}{more}",)


def _matching(
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
    if lacking > max(2, _SINGLE * within) or long < _ALL * found.n_frames:
        return None
    return found if found.n_frames >= _LEFT * min(n_frames) else None


def offer(pair: CheckedPair) -> tuple[str, ...]:
    """Remedy for a pair whose time stamps do not fit, if its pictures show a shift."""
    sight, evidence = _evidence(pair)
    if evidence.likeness is not None and evidence.likeness < ALIKE:
        return ()
    return tuple(item.sentence for item in _off(pair, sight, evidence))


def stretched_range(pair: CheckedPair) -> str | None:
    """The range that the levels of the distorted video really have, None if it is as flagged."""
    if not pair.n_frames:
        return None
    return stretched(look(pair))


def _without(sight: Sight, parts: Sequence[Frames]) -> Sight:
    """The same without the pictures of some parts of the distorted video."""
    if not parts:
        return sight
    seen = sight.distorted
    kept = ~np.any(
        [(seen.frames >= first) & (seen.frames <= last) for first, last in parts], axis=0
    )
    left = replace(seen, frames=seen.frames[kept], pictures=seen.pictures[kept])
    return replace(sight, distorted=left)


def _frozen(pair: CheckedPair, parts: Sequence[Frames]) -> Generator[Finding]:
    for first, last in parts[:1]:
        more = f" ({len(parts)} such places)" if len(parts) > 1 else ""
        yield Finding(
            f"distorted stands still from frame {first} to {last}{_at(pair, first)}, where "
            f"reference moves on{more}",
            "encode it again; `allow=['frozen']` scores the pictures as they are",
            Allowance.FROZEN,
            offered=False,
        )


def _strange(pair: CheckedPair, sight: Sight) -> Generator[Finding]:
    parts = strange(sight.reference, sight.distorted, sight.matched)
    for part in parts[:1]:
        more = f" ({len(parts)} such places)" if len(parts) > 1 else ""
        where = f"frames {part.first} to {part.last} of distorted{_at(pair, part.first)}"
        if part.likeness < _OTHER:
            yield Finding(
                f"{where} do not show what reference does{more}",
                "cut both to the parts that show the same, or make sure that both are of one cut",
                final=True,
            )
            continue
        yield Finding(
            f"{where} hardly resemble reference (correlation {part.likeness:.2f}), while others "
            f"do{more}",
            "distorted seems to be damaged there: get a whole copy; `allow=['damaged']` scores the "
            "pictures as they are",
            Allowance.DAMAGED,
            offered=False,
        )


def _start(pair: CheckedPair, sight: Sight) -> Generator[Finding]:
    """A part of a still scene that may be any part of it."""
    ours, theirs = sight.matched
    if not is_short(pair) or ours[0] or theirs[0] or len(sight.distorted.frames) <= theirs[-1]:
        return
    if pair.reference.info.n_frames - 1 - ours[-1] <= REACH:
        return
    start = other_start(sight.reference, sight.distorted, sight.matched)
    if start is not None:
        yield Finding(
            "where in reference distorted begins cannot be told: its pictures fit as well from "
            f"frame {start} on as from the first",
            "`reference_start_s=` says where; `allow=['shift']` compares from the first frame on",
            Allowance.SHIFT,
            offered=False,
        )


def _at(pair: CheckedPair, frame: int) -> str:
    """The time of a frame of the distorted video, in brackets."""
    times = frame_times(pair.distorted.video)
    return f" ({times[frame]:.3f} s)" if frame < len(times) else ""


def _evidence(pair: CheckedPair, seen: Sight | None = None) -> tuple[Sight, Evidence]:
    sight = seen or look(pair)
    whole = len(sight.reference.frames) == pair.reference.info.n_frames
    surplus = pair.distorted.info.n_frames - pair.reference.info.n_frames
    rate = float(pair.reference.info.frame_rate)
    far = round(FAR_S * rate)
    if surplus < -REACH and whole:
        far = pair.reference.info.n_frames
    evidence = examine(
        sight.reference, sight.distorted, matched=sight.matched, surplus=surplus, far=far
    )
    if not whole and (evidence.off or evidence.lost or evidence.swapped):
        sight = look(pair, reach=REACH)
        evidence = examine(
            sight.reference, sight.distorted, matched=sight.matched, surplus=surplus, far=far
        )
    unlike = evidence.likeness is not None and evidence.likeness < ALIKE
    if not whole and evidence.lost and (evidence.off or unlike):
        sight = look_further(pair, sight, far=far)
        evidence = examine(
            sight.reference, sight.distorted, matched=sight.matched, surplus=surplus, far=far
        )
    return sight, evidence


def _judge(pair: CheckedPair, sight: Sight, evidence: Evidence) -> Generator[Finding]:
    for name, seen in (("reference", sight.reference), ("distorted", sight.distorted)):
        if seen.resized is not None:
            frame, words = seen.resized
            yield Finding(
                f"{name} changes from {words} at frame {frame}",
                "cut it there, or encode it again in one size and format, and score the parts",
                final=True,
            )
    if sight.reference.resized is not None or sight.distorted.resized is not None:
        return
    likeness = evidence.likeness
    off = list(_off(pair, sight, evidence)) if likeness is None or likeness >= ALIKE else []
    if off:
        yield from off
        return
    framed = list(_framing(pair, sight, likeness))
    yield from framed
    if not framed and likeness is not None and likeness < ALIKE:
        yield _other_content(pair, likeness)
    elif not framed and (how := _mirrored(sight)) is not None:
        yield Finding(
            f"distorted shows the pictures of reference {how}",
            "turn or mirror it back (ffmpeg's hflip and vflip) and score that",
            final=True,
        )
    if not framed:
        yield from _strange(pair, sight)
        yield from _start(pair, sight)
    if likeness is None or not any(item.n_telling for item in evidence.stretches):
        yield Finding(
            "whether the frames belong together cannot be told, since the pictures hardly change",
            "make sure that both start with the same frame",
        )
    yield from _levels(sight)
    yield from swapped(pair, sight)
    yield from _combed(pair, sight)


def _other_content(pair: CheckedPair, likeness: float) -> Finding:
    ours, theirs = pair.reference.info, pair.distorted.info
    turned = abs(ours.width * theirs.width / (ours.height * theirs.height) - 1) < _TURNED
    turned = turned and ours.width != ours.height
    return Finding(
        f"the two do not show the same (correlation of their pictures {likeness:.2f})",
        f"one seems to be turned ({ours.size} against {theirs.size}): turn it"
        if turned
        else "make sure that both are of one source, and from the same time on",
        final=True,
    )


def _mirrored(sight: Sight) -> str | None:
    """The mirroring at which the pictures fit far better, in words; None if they are upright."""
    sides = [
        np.array([seen.close_ups[frames[place]].picture for frames in sight.close])
        for place, seen in enumerate((sight.reference, sight.distorted))
    ]
    if not len(sides[0]) or sides[0].shape != sides[1].shape:
        return None
    ours, theirs = sides
    ways = {"mirrored": theirs[:, :, ::-1], "upside down": theirs[:, ::-1]}
    ways["turned by 180 degrees"] = theirs[:, ::-1, ::-1]
    upright = float(np.square(ours - theirs).mean())
    apart = {how: float(np.square(ours - picture).mean()) for how, picture in ways.items()}
    best = min(apart, key=lambda how: apart[how])
    return best if apart[best] < _MIRRORED * upright - 1 else None


def _off(pair: CheckedPair, sight: Sight, evidence: Evidence) -> Generator[Finding]:
    """Frames whose pictures are those of other times."""
    if evidence.swapped and not evidence.off:
        frame = int(sight.matched[1][evidence.swapped[0]])
        count = len(evidence.swapped)
        more = f" ({count} such places)" if count > 1 else ""
        yield Finding(
            f"frames {frame} and {frame + 1} of distorted are in each other's place{more}",
            "encode it again from frames in the right order",
            Allowance.SHIFT,
            offered=False,
        )
        return
    if not evidence.off:
        return
    main = max(evidence.off, key=lambda item: item.clear)
    ours, theirs = sight.matched
    n_frames = len(ours)
    first = evidence.off[0]
    held = main.last - main.first + 1
    if main.first <= REACH and held >= _ALL * (n_frames - abs(main.offset)):
        skipped = int(ours[main.first] - theirs[main.first]) + main.offset
        everywhere = np.full(n_frames, main.offset)
        yield _shifted(pair, skipped, exact=_matching(pair, sight, everywhere) is not None)
        return
    offsets, sight = _offsets(pair, sight, evidence)
    start = int(np.flatnonzero(offsets)[0]) if offsets.any() else first.first
    frame = int(theirs[start])
    offset = int(offsets[start])
    way = "later" if offset > 0 else "earlier"
    frames = f"{abs(offset)} frame{'s' if abs(offset) > 1 else ''}"
    mends = _matching(pair, sight, offsets) is not None
    yield Finding(
        f"from frame {frame} of distorted on{_at(pair, frame)}, its pictures are those that the "
        f"reference shows {frames} {way}",
        "`sync=True` matches the parts before and after it as the pictures show"
        if mends
        else "no matching fits the rest; cut both to the parts that show the same",
        Allowance.SHIFT,
        offered=False,
    )


def _shifted(pair: CheckedPair, frames: int, *, exact: bool) -> Finding:
    longer = "reference" if frames > 0 else "distorted"
    if not exact:
        return Finding(
            f"the pictures are shifted: {longer} has some {abs(frames)} frames more at its start",
            "the scene is too still to tell how many; cut both to start with the same frame",
            Allowance.SHIFT,
            offered=False,
        )
    cure = f"`sync=True` leaves out the first {abs(frames)} of {longer}"
    lacking = pair.reference.info.n_frames - pair.distorted.info.n_frames
    if frames > 0 and lacking > REACH:
        times = frame_times(pair.reference.video)
        if frames < len(times):
            cure = f"`reference_start_s={times[frames]:.3f}` compares it with that part"
    return Finding(
        f"the pictures are shifted: {_shift_words(frames)}", cure, Allowance.SHIFT, offered=False
    )


def _shift_words(frames: int) -> str:
    longer, other = ("reference", "distorted") if frames > 0 else ("distorted", "reference")
    n_frames = f"{abs(frames)} frame{'s' if abs(frames) != 1 else ''}"
    return f"{longer} has {n_frames} at its start that {other} lacks"


def _offsets(
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


def _framing(pair: CheckedPair, sight: Sight, likeness: float | None) -> Generator[Finding]:
    """Black bars that one video lacks, and pictures that show another part of the scene."""
    found = _displacement(sight)
    away = found is not None and found.worst > _MOVED and found.gained < _least_gain(found.worst)
    if not away and (likeness is None or likeness >= ALIKE):
        return
    cropped = pair.reference.conversion.crop or pair.distorted.conversion.crop
    crops = bars(pair, sight) if cropped is None else (None, None)
    for name, crop in (("reference", crops[0]), ("distorted", crops[1])):
        if crop is not None:
            side = "" if name == "reference" else "distorted:"
            other = "distorted" if name == "reference" else "reference"
            yield Finding(
                f"{name} has black bars that {other} lacks",
                f"`crop='{side}{crop}'` takes them off",
                final=True,
            )
            return
    if away and found is not None:
        yield Finding(
            f"distorted does not show the same part of the picture as reference ({_how(found)})",
            "crop or scale both alike; `crop='W:H:X:Y'` names the part of the reference that it "
            "shows",
            final=True,
        )


def _least_gain(worst: float) -> float:
    """Share of the distance that a displacement by so many pixels must not leave.

    By half a pixel, interpolation smooths a noisy reference, which is nearer to any encode of it.
    """
    return _GAINED if worst > 1 else _GAINED_WITHIN_A_PIXEL


def _displacement(sight: Sight) -> Displacement | None:
    return displacement(
        [
            (sight.reference.close_ups[ours].picture, sight.distorted.close_ups[theirs].picture)
            for ours, theirs in sight.close[:: max(1, -(-len(sight.close) // _DISPLACED))]
        ]
    )


def _how(found: Displacement) -> str:
    parts: list[str] = []
    zoom = max(found.zoom, key=lambda value: abs(value - 1))
    if abs(zoom - 1) > 0.002:  # noqa: PLR2004
        parts.append(f"{abs(zoom - 1):.1%} {'larger' if zoom > 1 else 'smaller'}")
    width, height = 320, 320
    across, down = found.moved[0] / width, found.moved[1] / height
    if max(abs(across), abs(down)) > 0.002:  # noqa: PLR2004
        parts.append(f"moved by {max(across, down, key=abs):.1%} of the longer side")
    return " and ".join(parts) or "moved or scaled"


def _levels(sight: Sight) -> Generator[Finding]:
    word = stretched(sight)
    if word is not None:
        how = (
            "stretched from limited to full" if word == "full" else "squeezed from full to limited"
        )
        yield Finding(
            f"distorted looks like the reference with its colour range {how}, and is not flagged "
            "so",
            "find the step that mixed up the range and encode again; "
            "`allow=['color-range']` converts its levels back",
            Allowance.COLOR_RANGE,
            offered=False,
        )


def _combed(pair: CheckedPair, sight: Sight) -> Generator[Finding]:
    """Interlaced pictures: by their combs, not by their flag alone."""
    for place, (name, side, seen) in enumerate(
        (
            ("reference", pair.reference, sight.reference),
            ("distorted", pair.distorted, sight.distorted),
        )
    ):
        shares = [seen.close_ups[frames[place]].combed for frames in sight.close]
        least = 1 if side.interlaced else max(1, len(shares) // 3)
        combed = sum(share > COMBED for share in shares) >= least
        if combed and side.interlaced:
            yield Finding(
                f"{name} is interlaced: its pictures show two moments each",
                "deinterlace both in the same way, such as with ffmpeg's bwdif, and score those",
                Allowance.INTERLACED,
            )
        elif combed:
            yield Finding(
                f"pictures of {name} look interlaced (combed), which it is not flagged as",
                "if so, deinterlace both in the same way and score those",
            )
        elif side.interlaced:
            yield Finding(
                f"{name} is flagged as interlaced, its pictures are not", "compared as they are"
            )
