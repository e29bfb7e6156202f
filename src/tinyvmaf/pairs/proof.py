# SPDX-License-Identifier: Apache-2.0
"""The proof of a pair by its pictures, from the first frame to the last.

A checked pair goes in and comes out with what its pictures add; one whose pictures do not belong
together is refused, with the frame from which on they do not and with what mends it. Where pictures
hardly change nothing can be told; that is no reason to refuse, and is carried by what is around.
"""

from collections.abc import Generator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final

import numpy as np

from tinyvmaf.media.pictures import frame_times
from tinyvmaf.pairs.appearance import (
    combed,
    framing_findings,
    level_findings,
    mirrored,
    other_content,
)
from tinyvmaf.pairs.checked import CheckedPair, Matching
from tinyvmaf.pairs.evidence import ALIKE, REACH, Evidence, examine
from tinyvmaf.pairs.excerpts import start_of_excerpt
from tinyvmaf.pairs.finding import Allowance, Finding, accepted, refusals, refuse, warnings
from tinyvmaf.pairs.interruptions import Frames, frozen, strange
from tinyvmaf.pairs.levels import stretched
from tinyvmaf.pairs.locating import other_start
from tinyvmaf.pairs.looking import FAR_S, Sight, is_short, look, look_further
from tinyvmaf.pairs.picture_matching import matching_at, offsets_of
from tinyvmaf.pairs.swapping import swapped

# Share of the distorted frames that one offset must hold for, to be a shift of the whole.
_ALL: Final = 0.8
# Correlation below which a part of a video shows something else.
_OTHER: Final = 0.5


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
    offsets, sight = offsets_of(pair, sight, evidence)
    matching = matching_at(pair, sight, offsets)
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


def offer(pair: CheckedPair) -> tuple[str, ...]:
    """Remedy for a pair whose time stamps do not fit, if its pictures show where they belong."""
    sight, evidence = _evidence(pair)
    familiar = evidence.likeness is None or evidence.likeness >= ALIKE
    found = tuple(item.sentence for item in _off(pair, sight, evidence)) if familiar else ()
    start = None if found or is_short(pair) else start_of_excerpt(pair)
    if not start:
        return found
    start_s = frame_times(pair.reference.video)[start]
    cure = f"`reference_start_s={start_s:.3f}` compares it with that part"
    return (f"distorted shows the pictures of reference from {start_s:.2f} s on: {cure}",)


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
        more = _such_places(len(parts))
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
        more = _such_places(len(parts))
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


def _such_places(count: int) -> str:
    """Says that a finding names the first of several places; empty if it is the only one."""
    return f" ({count} such places)" if count > 1 else ""


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
    framed = list(framing_findings(pair, sight, likeness))
    yield from framed
    if not framed and likeness is not None and likeness < ALIKE:
        yield other_content(pair, likeness)
    elif not framed and (how := mirrored(sight)) is not None:
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
    yield from level_findings(sight)
    yield from swapped(pair, sight)
    yield from combed(pair, sight)


def _off(pair: CheckedPair, sight: Sight, evidence: Evidence) -> Generator[Finding]:
    """Frames whose pictures are those of other times."""
    if evidence.swapped and not evidence.off:
        frame = int(sight.matched[1][evidence.swapped[0]])
        more = _such_places(len(evidence.swapped))
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
        yield _shifted(pair, skipped, exact=matching_at(pair, sight, everywhere) is not None)
        return
    offsets, sight = offsets_of(pair, sight, evidence)
    start = int(np.flatnonzero(offsets)[0]) if offsets.any() else first.first
    frame = int(theirs[start])
    offset = int(offsets[start])
    way = "later" if offset > 0 else "earlier"
    frames = f"{abs(offset)} frame{'s' if abs(offset) > 1 else ''}"
    mends = matching_at(pair, sight, offsets) is not None
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
