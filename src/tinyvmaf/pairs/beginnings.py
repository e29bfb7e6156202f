# SPDX-License-Identifier: Apache-2.0
"""The check of a pair by its first pictures: a shift, swapped arguments, a mixed-up colour range.

A few pictures are known from opening the files, and mostly they suffice. Decoding more takes a
moment, so a caller may run this beside the scoring. Only the shift is certain enough to refuse a
pair alone. The other signs are hints: one is a warning, two that say the same are a refusal.
"""

from collections.abc import Callable, Generator
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from tinyvmaf.media.pictures import Look, beginning, look
from tinyvmaf.media.video import Video, VideoInfo
from tinyvmaf.pairs.checked import CheckedPair, Side
from tinyvmaf.pairs.finding import Allowance, Finding, accepted, refusals, refuse, warnings
from tinyvmaf.pairs.shift import LOOK_FRAMES, MIN_OVERLAP, Shift, find_shift

_MORE_BITS: Final = 1.2
_MORE_DETAIL: Final = 1.05
_SIGNS_TO_REFUSE: Final = 2

# Full over limited range: 255 levels instead of 219, and black at 0 instead of 16.
_STRETCH: Final = 255 / 219
_STRETCH_TOLERANCE: Final = 0.04
_BLACK: Final = 16.0
_BLACK_TOLERANCE: Final = 5.0
_SAME_PICTURE: Final = 0.99
# Clips that coding had destroyed still had 0.98, other content 0.36 at most (six pairs of clips).
_ALIKE: Final = 0.6

# Grey levels; in a dark or flat beginning neither levels nor details tell much.
_CONTRAST: Final = 10.0


@dataclass(frozen=True, slots=True)
class Beginnings:
    """The first pictures of both videos, and how they lie to each other."""

    reference: Look
    distorted: Look
    shift: Shift


def look_at_both(*, reference: Video, distorted: Video) -> Beginnings:
    """Find the shift between both beginnings: from a few pictures of each if they tell it clearly.

    Raises:
        MediaError: one of them cannot be decoded.
    """
    quick = _look_at_both(lambda video: beginning(video).look, reference, distorted)
    if _tells_enough(quick):
        return quick
    return _look_at_both(lambda video: look(video, n_frames=LOOK_FRAMES), reference, distorted)


def _look_at_both(looking: Callable[[Video], Look], *videos: Video) -> Beginnings:
    with ThreadPoolExecutor(2) as pool:
        ours, theirs = pool.map(looking, videos)
    shift = find_shift(reference=ours.thumbnails, distorted=theirs.thumbnails)
    return Beginnings(reference=ours, distorted=theirs, shift=shift)


def _tells_enough(seen: Beginnings) -> bool:
    """Whether more pictures would say the same: there is no shift, and clearly so."""
    contrast = min(float(item.thumbnails.std()) for item in (seen.reference, seen.distorted))
    no_shift = seen.shift.certain and seen.shift.frames == 0
    return no_shift and seen.shift.likeness >= _ALIKE and contrast >= _CONTRAST


def verify(pair: CheckedPair, *, allowed: AbstractSet[Allowance] = frozenset()) -> CheckedPair:
    """The pair with what its pictures add to its notes.

    Raises:
        MediaError: one of the videos cannot be decoded.
        MisalignedError: the pictures show that the pair must not be scored.
    """
    first = pair.matching.runs[0]
    seen = look_at_both(reference=pair.reference.video, distorted=pair.distorted.video)
    skipped = first.reference - first.distorted
    findings = list(
        _judge(seen, reference=pair.reference, distorted=pair.distorted, skipped=skipped)
    )
    refuse(refusals(findings, allowed))
    return replace(
        pair,
        notes=(*pair.notes, *warnings(findings, allowed)),
        accepted=pair.accepted | accepted(findings, allowed),
    )


def _judge(
    seen: Beginnings, *, reference: Side, distorted: Side, skipped: int
) -> Generator[Finding]:
    """What the pictures say; `skipped` is the shift that is made good already."""
    if seen.shift.frames != skipped:
        yield _shifted(seen.shift.frames)
    if seen.shift.likeness < _ALIKE:
        yield Finding(
            "the two hardly resemble each other (correlation of their first pictures "
            f"{seen.shift.likeness:.2f})",
            "make sure that both show the same content",
        )
    elif not seen.shift.certain and reference.info.n_frames > 1:
        yield Finding(
            f"whether one video starts later than the other cannot be told, {_why(seen)}",
            "make sure that both start with the same frame",
        )
    yield from _swapped(seen, reference=reference.info, distorted=distorted.info)
    yield from _range(seen)


def shift_words(frames: int) -> str:
    """For people: who has more frames at the start, and how many."""
    longer, other = ("reference", "distorted") if frames > 0 else ("distorted", "reference")
    n_frames = f"{abs(frames)} frame{'s' if abs(frames) > 1 else ''}"
    return f"{longer} has {n_frames} at its start that {other} lacks"


def _shifted(frames: int) -> Finding:
    longer = "reference" if frames > 0 else "distorted"
    return Finding(
        f"the pictures are shifted: {shift_words(frames)}",
        f"score with --sync, which leaves out the first {abs(frames)} of {longer}",
        Allowance.SHIFT,
    )


def _why(seen: Beginnings) -> str:
    n_frames = min(len(seen.reference.thumbnails), len(seen.distorted.thumbnails))
    if n_frames <= MIN_OVERLAP:
        return f"since {n_frames} frames are too few"
    return f"since the first {n_frames} frames hardly move or are too degraded"


def _swapped(seen: Beginnings, *, reference: VideoInfo, distorted: VideoInfo) -> Generator[Finding]:
    signs: list[str] = []
    if distorted.width * distorted.height > reference.width * reference.height:
        signs.append(f"is smaller ({reference.size} against {distorted.size})")
    elif (
        reference.size == distorted.size
        and seen.distorted.detail > _MORE_DETAIL * seen.reference.detail
    ):
        signs.append(
            f"shows less detail ({seen.reference.detail:.1f} grey levels from pixel to pixel "
            f"against {seen.distorted.detail:.1f})"
        )
    if distorted.bitrate_kbps > _MORE_BITS * reference.bitrate_kbps:
        signs.append(
            f"has the lower bitrate ({reference.bitrate_kbps:.0f} kbit/s "
            f"against {distorted.bitrate_kbps:.0f})"
        )
    if signs:
        yield Finding(
            f"reference {' and '.join(signs)}",
            "if the two are swapped, name the pristine video first",
            Allowance.SWAPPED if len(signs) >= _SIGNS_TO_REFUSE else None,
        )


def _range(seen: Beginnings) -> Generator[Finding]:
    """Whether the distorted video's levels are the reference's, stretched or squeezed."""
    shift = seen.shift.frames
    ours = seen.reference.thumbnails[max(0, shift) :]
    theirs = seen.distorted.thumbnails[max(0, -shift) :]
    n_frames = min(len(ours), len(theirs))
    x = ours[:n_frames].ravel().astype(np.float64)
    y = theirs[:n_frames].ravel().astype(np.float64)
    if x.std() < 1 or y.std() < 1 or np.corrcoef(x, y)[0, 1] < _SAME_PICTURE:
        return
    slope, offset = np.polynomial.Polynomial.fit(x, y, 1).convert().coef[::-1]
    for word, gain, black in (
        ("stretched from limited to full", _STRETCH, -_BLACK * _STRETCH),
        ("squeezed from full to limited", 1 / _STRETCH, _BLACK),
    ):
        same_gain = abs(slope / gain - 1) < _STRETCH_TOLERANCE
        if same_gain and abs(offset - black) < _BLACK_TOLERANCE:
            yield Finding(
                f"distorted looks like the reference with its colour range {word}",
                "find the step that mixed up the colour range, and encode again",
            )
