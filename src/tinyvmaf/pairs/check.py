# SPDX-License-Identifier: Apache-2.0
"""The check of a pair by its headers, time stamps and first frames.

A `Pair` goes in, a `CheckedPair` comes out; a pair that would give a wrong number is refused with
every reason at once, each with its cure. `beginnings` looks at more pictures.
"""

from collections.abc import Generator
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

import numpy as np

from tinyvmaf.corpus.pair import Pair
from tinyvmaf.errors import MediaError, MisalignedError
from tinyvmaf.media.pictures import beginning, frame_times
from tinyvmaf.media.probing import count_frames
from tinyvmaf.media.video import Video, VideoInfo
from tinyvmaf.pairs.alignment import align
from tinyvmaf.pairs.beginnings import look_at_both, shift_words
from tinyvmaf.pairs.checked import CheckedPair, Side
from tinyvmaf.pairs.finding import Allowance, Finding, accepted, refusals, refuse, warnings

CHECK_VERSION: Final = 1
"""Raised with every change of the rules, so that remembered verdicts of older rules are void."""

_HDR: Final = {"smpte2084": "PQ", "arib-std-b67": "HLG"}
_QUARTER_TURN: Final = 90


def check(
    pair: Pair, *, allowed: AbstractSet[Allowance] = frozenset(), sync: bool = False
) -> CheckedPair:
    """Check a pair by headers, time stamps and first frames; `verify` then looks at pictures.

    Args:
        pair: The two videos.
        allowed: Findings that the user accepts by name.
        sync: Whether frames that only one video has at its start are left out.

    Raises:
        MediaError: one of them is no readable video.
        MisalignedError: they do not fit; every reason is named.
    """
    if sync:
        return _check(pair, allowed=allowed, skip=_shift(pair))
    try:
        return _check(pair, allowed=allowed)
    except MisalignedError as error:
        shift = _shift(pair)
        if shift == 0:
            raise
        raise MisalignedError(f"{error}; {shift_words(shift)}: --sync leaves that out") from error


def _shift(pair: Pair) -> int:
    return look_at_both(reference=pair.reference, distorted=pair.distorted).shift.frames


def _check(pair: Pair, *, allowed: AbstractSet[Allowance], skip: int = 0) -> CheckedPair:
    with ThreadPoolExecutor(2) as pool:
        ours, theirs = pool.map(_side, (pair.reference, pair.distorted))
    if ours.info.n_frames != theirs.info.n_frames:
        # Packets only suggest how many frames there are; the decoder knows.
        ours, theirs = _counted(ours), _counted(theirs)
    findings = list(_find(reference=ours, distorted=theirs))
    reasons = list(refusals(findings, allowed))
    try:
        found = align(reference=ours.info, distorted=theirs.info, allowed=allowed, skip=skip)
    except MisalignedError as error:
        found = None
        reasons.append(str(error).removeprefix("reference and distorted do not fit: "))
    refuse(reasons)
    assert found is not None  # noqa: S101 (there was no reason against it)
    return CheckedPair(
        pair=pair,
        reference=replace(ours, conversion=found.reference),
        distorted=replace(theirs, conversion=found.distorted),
        matching=found.matching,
        notes=(*found.notes, *warnings(findings, allowed)),
        accepted=found.accepted | accepted(findings, allowed),
    )


def _side(video: Video) -> Side:
    seen = beginning(video)
    info, first = seen.info, seen.first
    if first.rotation % _QUARTER_TURN:
        raise MediaError(
            f"{video.path}: turned by {first.rotation} degrees, which is no quarter turn; "
            "re-encode it upright"
        )
    if first.rotation % (2 * _QUARTER_TURN):
        info = replace(info, width=info.height, height=info.width)
    return Side(video=video, info=info, rotation=first.rotation, interlaced=first.interlaced)


def _counted(side: Side) -> Side:
    return replace(side, info=replace(side.info, n_frames=count_frames(side.video)))


def _find(*, reference: Side, distorted: Side) -> Generator[Finding]:
    for name, side in (("reference", reference), ("distorted", distorted)):
        yield from _own(name, side)
    yield from _times(reference=reference, distorted=distorted)
    yield from _shape(reference=reference.info, distorted=distorted.info)


def _own(name: str, side: Side) -> Generator[Finding]:
    """What is wrong with one video, whatever the other is."""
    if (curve := _HDR.get(side.info.transfer or "")) is not None:
        yield Finding(
            f"{name} is HDR ({curve}, {side.info.transfer}), for which no model here was made",
            "tone-map both to SDR (BT.709) in the same way and score those",
            Allowance.HDR,
        )
    if side.interlaced:
        yield Finding(
            f"{name} is interlaced, so that one frame shows two moments",
            "deinterlace both in the same way, such as with ffmpeg's bwdif, and score those",
            Allowance.INTERLACED,
        )
    if side.rotation:
        yield Finding(
            f"{name} is turned by {side.rotation} degrees when it is shown",
            f"it is compared as shown, {side.info.size}",
        )


def _times(*, reference: Side, distorted: Side) -> Generator[Finding]:
    ours, theirs = reference.info, distorted.info
    frame_s = float(1 / ours.frame_rate)
    if not (ours.constant_rate and theirs.constant_rate):
        yield from _variable(reference=reference, distorted=distorted, frame_s=frame_s)
    late_s = theirs.start_s - ours.start_s
    if abs(late_s) > frame_s / 2:
        yield Finding(
            f"reference starts at {ours.start_s:.3f} s, distorted at {theirs.start_s:.3f} s",
            "frames are paired by number from the first on; cut both alike if that is wrong",
        )


def _variable(*, reference: Side, distorted: Side, frame_s: float) -> Generator[Finding]:
    """Variable frame rate does no harm where both videos show their frames at the same times."""
    ours, theirs = frame_times(reference.video), frame_times(distorted.video)
    if len(ours) == len(theirs) and np.abs(ours - theirs).max(initial=0.0) < frame_s / 2:
        return
    who = [
        name
        for name, side in (("reference", reference), ("distorted", distorted))
        if not side.info.constant_rate
    ]
    yield Finding(
        f"the frame rate of {' and '.join(who)} varies, and the frames of the two are not shown "
        "at the same times",
        "bring both to one constant rate (ffmpeg -fps_mode cfr), or keep the time stamps when "
        "encoding (-fps_mode passthrough)",
        Allowance.VARIABLE_RATE,
    )


def _shape(*, reference: VideoInfo, distorted: VideoInfo) -> Generator[Finding]:
    ours, theirs = reference.width / reference.height, distorted.width / distorted.height
    # One line of rounding to even sizes is no other shape.
    if abs(ours / theirs - 1) > 4 / min(reference.height, distorted.height):
        turned = abs(ours * theirs - 1) < 4 / min(reference.height, reference.width)
        yield Finding(
            f"the pictures have other shapes: reference {reference.size}, "
            f"distorted {distorted.size}" + (", as if one were turned" if turned else ""),
            "turn one of them" if turned else "crop or pad one of them to the shape of the other",
            Allowance.ROTATION if turned else None,
        )
