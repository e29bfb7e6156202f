# SPDX-License-Identifier: Apache-2.0
"""The check of a pair by its headers and time stamps, and by its pictures where they decide.

A `Pair` goes in, a `CheckedPair` comes out; a pair that would give a wrong number is refused with
every reason at once, each with its cure. `proof` then looks at the pictures along the whole clip.
"""

from collections.abc import Generator
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

import numpy as np

from tinyvmaf.corpus.excerpt import WHOLE, Excerpt
from tinyvmaf.corpus.pair import Pair
from tinyvmaf.errors import MediaError
from tinyvmaf.media.pictures import beginning, frame_times
from tinyvmaf.media.probing import count_frames
from tinyvmaf.media.video import Video, VideoInfo, can_be_turned
from tinyvmaf.pairs.checked import CheckedPair, Conversion, Side
from tinyvmaf.pairs.conversions import conversions
from tinyvmaf.pairs.cropping import choose_crops
from tinyvmaf.pairs.finding import Allowance, Finding, accepted, refusals, refuse, warnings
from tinyvmaf.pairs.looking import WHOLE_FRAMES
from tinyvmaf.pairs.proof import offer, stretched_range, synced
from tinyvmaf.pairs.raw_geometry import better_geometry
from tinyvmaf.pairs.timing import Times, by_time
from tinyvmaf.process.programs import stopped_when_interrupted
from tinyvmaf.progress import SILENT, Progress

CHECK_VERSION: Final = 7
"""Raised with every change of the rules, so that remembered verdicts of older rules are void."""

_HDR: Final = {"smpte2084": "PQ", "arib-std-b67": "HLG"}


def check(
    pair: Pair,
    *,
    allowed: AbstractSet[Allowance] = frozenset(),
    sync: bool = False,
    crop: str | None = None,
    excerpt: Excerpt = WHOLE,
    progress: Progress = SILENT,
) -> CheckedPair:
    """Check a pair by headers and time stamps; `proof.verify` then looks at all of its pictures.

    Args:
        pair: The two videos.
        allowed: Findings that the user accepts by name.
        sync: True if frames are matched as the pictures show, where time stamps mislead.
        crop: `W:H:X:Y` of the reference, `distorted:W:H:X:Y`, or `auto`; None for whole pictures.
        excerpt: The part that is compared; `WHOLE` for what the pair itself says.
        progress: Told while large files are read.

    Raises:
        UsageError: the crop or the excerpt is none of this pair.
        MediaError: one of the videos is not readable.
        MisalignedError: they do not fit; every reason is named.
    """
    with ThreadPoolExecutor(2) as pool:
        sides = [pool.submit(_side, video, progress) for video in (pair.reference, pair.distorted)]
        with stopped_when_interrupted(pool, sides):
            ours, theirs = (side.result() for side in sides)
    ours, theirs = _at_rate_of(ours, theirs), _at_rate_of(theirs, ours)
    n_frames = ours.info.n_frames, theirs.info.n_frames
    if n_frames[0] != n_frames[1] and max(n_frames) <= WHOLE_FRAMES:
        # Packets only suggest how many frames there are; the decoder knows.
        ours, theirs = _counted(ours), _counted(theirs)
    timing = by_time(
        reference=_times(ours, theirs, timed=pair.reference.timed),
        distorted=_times(theirs, ours, timed=pair.distorted.timed),
        excerpt=pair.excerpt if excerpt == WHOLE else excerpt,
        allowed=allowed,
    )
    findings = [*_own("reference", ours), *_own("distorted", theirs), *timing.findings]
    findings += _matrix(reference=ours.info, distorted=theirs.info)
    found = CheckedPair(pair, ours, theirs, timing.matching)
    crops = choose_crops(found, crop)
    found = replace(
        found,
        reference=replace(ours, conversion=Conversion(crop=crops[0])),
        distorted=replace(theirs, conversion=Conversion(crop=crops[1])),
    )
    stretched = stretched_range(found) if Allowance.COLOR_RANGE in allowed else None
    converted, notes = conversions(
        reference=ours.info, distorted=theirs.info, crops=crops, stretched=stretched
    )
    found = replace(
        found,
        reference=replace(ours, conversion=converted[0]),
        distorted=replace(theirs, conversion=converted[1]),
    )
    if sync and found.n_frames:
        matching, said = synced(found)
        if said:
            # Findings about missing frames by time stamps are replaced by those by pictures.
            findings = [
                item
                for item in findings
                if item not in timing.findings or item.allowance is Allowance.FRAME_RATE
            ]
            notes = (*notes, *said)
        found = replace(found, matching=matching)
    reasons = refusals(findings, allowed)
    counts = any(item.allowance is Allowance.FRAME_COUNT for item in findings)
    if reasons and found.n_frames and counts:
        reasons = (*reasons, *offer(found))
    refuse(reasons)
    return replace(
        found,
        notes=(*notes, *warnings(findings, allowed)),
        accepted=accepted(findings, allowed),
    )


def _side(video: Video, progress: Progress) -> Side:
    seen = beginning(video, progress=progress)
    info, first = seen.info, seen.first
    if first.orientation is None:
        raise MediaError(
            f"{video.path}: its display matrix is no quarter turn and no mirror; "
            "re-encode it upright"
        )
    if first.orientation.transposed:
        if not can_be_turned(info.pix_fmt):
            raise MediaError(
                f"{video.path}: it is {first.orientation.words} when it is shown, and a picture in "
                f"{info.pix_fmt} must be converted for that; re-encode it upright"
            )
        info = replace(info, width=info.height, height=info.width)
    return Side(video=video, info=info, orientation=first.orientation, interlaced=first.interlaced)


def _counted(side: Side) -> Side:
    return replace(side, info=replace(side.info, n_frames=count_frames(side.video)))


def _at_rate_of(side: Side, other: Side) -> Side:
    """A raw file or a picture sequence of no known frame rate is shown at that of the other."""
    if side.video.timed or not other.video.timed:
        return side
    return _side(side.video.at_rate(other.info.frame_rate), SILENT)


def _times(side: Side, other: Side, *, timed: bool) -> Times:
    """Time of each frame, from the first on; by the frame rate if there are no time stamps."""
    n_frames, rate = side.info.n_frames, float(side.info.frame_rate)
    times = frame_times(side.video if timed else other.video)
    if not timed:
        # Frame by frame, for the other one's rate may vary.
        over = np.arange(1, n_frames - len(times) + 1) / rate
        times = np.concatenate([times, times[-1:] + over])[:n_frames]
    return times if len(times) == n_frames else np.arange(n_frames) / rate


def _own(name: str, side: Side) -> Generator[Finding]:
    """Findings about one video, whatever the other is."""
    if (curve := _HDR.get(side.info.transfer or "")) is not None:
        yield Finding(
            f"{name} is HDR ({curve}, {side.info.transfer}), for which no model here was made",
            "tone-map both to SDR (BT.709) in the same way and score those",
            Allowance.HDR,
        )
    if side.orientation.words:
        yield Finding(
            f"{name} is {side.orientation.words} when it is shown",
            f"it is compared as shown, {side.info.size}",
        )
    raw = side.video.raw
    better = better_geometry(side.video.path, raw) if raw is not None else None
    if better is not None:
        yield Finding(
            f"{name} is read as raw video of {side.info.size}, but its pictures are whole in "
            f"{better.width}x{better.height}",
            f"say `raw=RawFormat({better.width}, {better.height})`, or width and height in the "
            "manifest",
            Allowance.GEOMETRY,
        )


def _matrix(*, reference: VideoInfo, distorted: VideoInfo) -> Generator[Finding]:
    """A matrix that is not said is taken for the other one's: libvmaf compares the planes."""
    ours, theirs = reference.matrix, distorted.matrix
    if ours is not None and theirs is not None and ours != theirs and "rgb" not in {ours, theirs}:
        yield Finding(
            f"reference has the colour matrix {ours}, distorted {theirs}, so that equal colours "
            "have other luma",
            "convert one of them (ffmpeg's filter colorspace or zscale), or mend the tag that is "
            "wrong",
            Allowance.COLOR_MATRIX,
        )
