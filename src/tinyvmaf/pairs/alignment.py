# SPDX-License-Identifier: Apache-2.0
"""The frames and conversions with which a pair is compared, decided from its headers.

libvmaf gives a number for pairs that do not fit and says nothing. Here a difference is refused
unless it was allowed by name; what is allowed, and the scaling of another size, is recorded.
"""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from fractions import Fraction

from tinyvmaf.errors import MisalignedError
from tinyvmaf.media.video import PIXEL_FORMATS, VideoInfo
from tinyvmaf.pairs.checked import Conversion, Matching
from tinyvmaf.pairs.finding import Allowance

# Averages over a file round the rate a little; 30 and 30000/1001 differ by 0.1 %.
_RATE_TOLERANCE = Fraction(5, 10_000)


_Differ = Callable[[Allowance, str, str], None]


@dataclass(frozen=True, slots=True)
class Alignment:
    """The frames of a pair that are compared, and what is converted before.

    Attributes:
        matching: Which frames belong together.
        reference, distorted: The conversion of each video.
        notes: All of that in words.
        accepted: Differences that were accepted by name.
    """

    matching: Matching
    reference: Conversion = field(default_factory=Conversion)
    distorted: Conversion = field(default_factory=Conversion)
    notes: tuple[str, ...] = ()
    accepted: frozenset[Allowance] = frozenset()


def align(
    *,
    reference: VideoInfo,
    distorted: VideoInfo,
    allowed: AbstractSet[Allowance] = frozenset(),
    skip: int = 0,
) -> Alignment:
    """Decide how to compare a pair.

    Args:
        reference: The pristine video.
        distorted: The video made from it.
        allowed: Differences that the user accepts by name.
        skip: Frames to leave out at the reference's start, or at the distorted video's if
            negative; the same number may then be over at the end.

    Raises:
        MisalignedError: the two differ in a way that was not allowed; all ways are named.
    """
    refused: list[str] = []
    notes: list[str] = []
    accepted: set[Allowance] = set()

    def differ(kind: Allowance, found: str, done: str) -> None:
        if kind in allowed:
            notes.append(f"{found}; {done}")
            accepted.add(kind)
        else:
            refused.append(f"{found} (--allow {kind} accepts that: {done})")

    n_reference = reference.n_frames - max(0, skip)
    n_distorted = distorted.n_frames - max(0, -skip)
    n_frames = min(n_reference, n_distorted)
    # What one lacks at its start it has more at its end.
    if abs(n_reference - n_distorted) > abs(skip):
        differ(
            Allowance.FRAME_COUNT,
            f"reference has {n_reference} frames, distorted {n_distorted}",
            f"the first {n_frames} are compared",
        )
    if not _same_rate(reference.frame_rate, distorted.frame_rate):
        differ(
            Allowance.FRAME_RATE,
            f"reference has {_fps(reference.frame_rate)} fps, "
            f"distorted {_fps(distorted.frame_rate)}",
            "frames are paired by number",
        )
    pix_fmt = _common_format(reference, distorted, differ)
    color_range = None
    if _full(reference) != _full(distorted):
        color_range = "full" if _full(reference) else "limited"
        differ(
            Allowance.COLOR_RANGE,
            f"reference has {color_range} colour range, distorted the other",
            f"distorted is converted to {color_range} range",
        )
    if refused:
        raise MisalignedError("reference and distorted do not fit: " + "; ".join(refused))
    size = None
    if (reference.width, reference.height) != (distorted.width, distorted.height):
        size = (reference.width, reference.height)
        notes.append(f"distorted {distorted.size} scaled to {reference.size} (bicubic)")
    return Alignment(
        matching=Matching.by_number(n_frames, reference=max(0, skip), distorted=max(0, -skip)),
        reference=Conversion(pix_fmt=pix_fmt),
        distorted=Conversion(size=size, pix_fmt=pix_fmt, color_range=color_range),
        notes=tuple(notes),
        accepted=frozenset(accepted),
    )


def _same_rate(a: Fraction, b: Fraction) -> bool:
    return abs(a - b) <= _RATE_TOLERANCE * b


def _fps(rate: Fraction) -> str:
    return f"{float(rate):.6g}"


def _full(video: VideoInfo) -> bool:
    return video.color_range == "full" or video.pix_fmt.startswith("yuvj")


def _plain(pix_fmt: str) -> str:
    # yuvj420p is yuv420p with full range, which is compared on its own.
    return pix_fmt.replace("yuvj", "yuv")


def _common_format(reference: VideoInfo, distorted: VideoInfo, differ: _Differ) -> str | None:
    """The format that both must be converted to, None if they share one that libvmaf reads."""
    ours, theirs = _plain(reference.pix_fmt), _plain(distorted.pix_fmt)
    target = ours if ours in PIXEL_FORMATS else "yuv444p"
    if ours == theirs == target:
        return None
    found = (
        f"reference has pixel format {ours}, distorted {theirs}"
        if ours != theirs
        else f"libvmaf does not read the pixel format {ours}"
    )
    differ(Allowance.PIX_FMT, found, f"compared as {target}")
    return target
