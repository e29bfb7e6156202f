# SPDX-License-Identifier: Apache-2.0
"""Whether a pair fits frame by frame, and what must be done to compare it.

libvmaf gives a number for pairs that do not fit and says nothing. Here a difference is refused
unless it was allowed by name; what is allowed, and the scaling of another size, is recorded.
"""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

from tinyvmaf.errors import MisalignedError
from tinyvmaf.media.video import PIXEL_FORMATS, VideoInfo

# Averages over a file round the rate a little; 30 and 30000/1001 differ by 0.1 %.
_RATE_TOLERANCE = Fraction(5, 10_000)


_Differ = Callable[["Allowance", str, str], bool]


class Allowance(StrEnum):
    """Something about a pair that a user accepts by name.

    `align` asks for those of `OF_HEADERS`; the others are found by `score`, which also looks at
    pictures.
    """

    FRAME_COUNT = "frame-count"
    FRAME_RATE = "frame-rate"
    PIX_FMT = "pix-fmt"
    COLOR_RANGE = "color-range"
    VARIABLE_RATE = "variable-rate"
    HDR = "hdr"
    INTERLACED = "interlaced"
    ROTATION = "rotation"
    SWAPPED = "swapped"
    SHIFT = "shift"


OF_HEADERS: Final = frozenset(
    {Allowance.FRAME_COUNT, Allowance.FRAME_RATE, Allowance.PIX_FMT, Allowance.COLOR_RANGE}
)
"""What `align` asks for."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """How a pair is compared.

    Attributes:
        n_frames: Frames that are compared, from the first on.
        trim: Whether one of the videos is longer than that.
        scale: Size that the distorted video is scaled to (bicubic), None if it fits.
        pix_fmt: Format that both are converted to, None if they fit.
        color_range: Range that the distorted video is converted to, None if it fits.
        skip_reference, skip_distorted: Frames that are left out at the start.
        notes: All of that in words.
    """

    n_frames: int
    trim: bool = False
    scale: tuple[int, int] | None = None
    pix_fmt: str | None = None
    color_range: str | None = None
    skip_reference: int = 0
    skip_distorted: int = 0
    notes: tuple[str, ...] = ()


def align(
    *,
    reference: VideoInfo,
    distorted: VideoInfo,
    allowed: AbstractSet[Allowance] = frozenset(),
) -> Alignment:
    """Decide how to compare a pair.

    Raises:
        MisalignedError: the two differ in a way that was not allowed; all ways are named.
    """
    refused: list[str] = []
    notes: list[str] = []

    def differ(kind: Allowance, found: str, done: str) -> bool:
        if kind in allowed:
            notes.append(f"{found}; {done}")
        else:
            refused.append(f"{found} (--allow {kind} accepts that: {done})")
        return True

    n_frames = min(reference.n_frames, distorted.n_frames)
    trim = reference.n_frames != distorted.n_frames and differ(
        Allowance.FRAME_COUNT,
        f"reference has {reference.n_frames} frames, distorted {distorted.n_frames}",
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
    scale = None
    if (reference.width, reference.height) != (distorted.width, distorted.height):
        scale = (reference.width, reference.height)
        notes.append(f"distorted {distorted.size} scaled to {reference.size} (bicubic)")
    return Alignment(
        n_frames=n_frames,
        trim=trim,
        scale=scale,
        pix_fmt=pix_fmt,
        color_range=color_range,
        notes=tuple(notes),
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
