# SPDX-License-Identifier: Apache-2.0
"""The matching of a pair that its time stamps give, and what of it a user must know or accept."""

from collections.abc import Generator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Float

from tinyvmaf.corpus.excerpt import WHOLE, Excerpt
from tinyvmaf.errors import UsageError
from tinyvmaf.pairs.checked import Matching
from tinyvmaf.pairs.finding import Allowance, Finding
from tinyvmaf.pairs.matching import alone, between, match_times, rate_of

# Frames without a partner at the end that are left out: so many, or so long.
_FEW: Final = 2
_SHORT_S: Final = 0.5
# Half a second is much of a short clip: at most this share.
_SMALL: Final = 0.1
# Share of the slower video's frames that must have a partner for common times to mean anything.
_SHARED: Final = 0.95


Times = Float[np.ndarray, " _"]
"""Seconds at which each frame of a video is shown, rising."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The matching that time stamps give.

    Attributes:
        matching: The frames that are compared; none if `findings` refuse the pair.
        findings: Findings for the user.
    """

    matching: Matching
    findings: tuple[Finding, ...] = ()


def by_time(
    *,
    reference: Times,
    distorted: Times,
    excerpt: Excerpt = WHOLE,
    allowed: AbstractSet[Allowance] = frozenset(),
) -> Timing:
    """Match the frames of a pair by the times at which they are shown, from the first frame on.

    Raises:
        UsageError: the excerpt holds no frame.
    """
    first, start_s = 0, excerpt.reference_start_s
    if start_s is not None:
        first = _frame_at(reference, start_s, "reference_start_s")
    matching = match_times(reference[first:], distorted)
    matching = Matching(
        tuple(replace(run, reference=run.reference + first) for run in matching.runs)
    )
    findings = list(
        _findings(matching, reference=reference, distorted=distorted, first=first, excerpt=excerpt)
    )
    wanted = {item.allowance for item in findings}
    if Allowance.FRAME_RATE in wanted & allowed and _in_order(matching, reference, distorted):
        matching = Matching.by_number(min(len(reference), len(distorted)))
    if excerpt.start_s is not None or excerpt.duration_s is not None:
        matching = _cut(matching, reference, excerpt)
    return Timing(matching, tuple(findings))


def _frame_at(times: Times, wanted: float, option: str) -> int:
    frame = int(np.abs(times - wanted).argmin()) if len(times) else 0
    gap = 1 / rate_of(times) if len(times) > 1 else 1.0
    if wanted < 0 or wanted > times[-1] + gap:
        raise UsageError(
            f"`{option}={wanted:g}`: expected a time within the reference, which lasts "
            f"{times[-1] + gap:.3f} s"
        )
    return frame


def _cut(matching: Matching, reference: Times, excerpt: Excerpt) -> Matching:
    start_s = excerpt.start_s or 0.0
    first = _frame_at(reference, start_s, "start_s")
    stop = len(reference)
    if excerpt.duration_s is not None:
        stop = int(np.searchsorted(reference, reference[first] + excerpt.duration_s - 1e-6))
    found = between(matching, first=first, stop=stop)
    if not found.runs:
        raise UsageError(f"{excerpt.words}: no frame of the distorted video is shown in that time")
    return found


def _in_order(matching: Matching, reference: Times, distorted: Times) -> bool:
    """True if both have the same number of frames, which may be equal at other times."""
    shared = matching.n_frames >= _SHARED * min(len(reference), len(distorted))
    return not shared and abs(len(reference) - len(distorted)) <= _FEW


def _findings(
    matching: Matching, *, reference: Times, distorted: Times, first: int, excerpt: Excerpt
) -> Generator[Finding]:
    ours = alone(matching.reference, n_frames=len(reference))
    theirs = alone(matching.distorted, n_frames=len(distorted))
    within = ours.within - first, theirs.within
    n_matched = matching.n_frames
    if any(within) or not n_matched:
        yield _other_times(reference, distorted, within=within, matching=matching)
        return
    # Beyond the excerpt the reference goes on, as expected.
    cut = excerpt != WHOLE
    over = 0 if cut else ours.at_end, 0 if excerpt.duration_s is not None else theirs.at_end
    for name, n_over, times in (
        ("reference", over[0], reference),
        ("distorted", over[1], distorted),
    ):
        if n_over:
            yield _over(
                name, n_over, times, n_matched=n_matched, n_frames=(len(reference), len(distorted))
            )


def _over(
    name: str, n_over: int, times: Times, *, n_matched: int, n_frames: tuple[int, int]
) -> Finding:
    """Frames without a partner at the end of one video."""
    lasts = n_over / rate_of(times) if len(times) > 1 else 0.0
    if n_over <= _FEW or (lasts <= _SHORT_S and n_over <= _SMALL * n_matched):
        frames = "frame" if n_over == 1 else f"{n_over} frames"
        verb = "has" if n_over == 1 else "have"
        return Finding(f"the last {frames} of {name} {verb} no partner", "left out")
    return Finding(
        f"reference has {n_frames[0]} frames, distorted {n_frames[1]}: the last {n_over} of {name} "
        f"({lasts:.2f} s) have no partner",
        f"`allow=['frame-count']` compares the first {n_matched}",
        Allowance.FRAME_COUNT,
        offered=False,
    )


def _other_times(
    reference: Times, distorted: Times, *, within: tuple[int, int], matching: Matching
) -> Finding:
    """Frames without a partner between others."""
    rates = [rate_of(times) for times in (reference, distorted)]
    if (repeated := _repeated(reference, distorted)) is not None:
        cause = repeated
    elif abs(rates[0] / rates[1] - 1) > 1e-3 if all(rates) else True:  # noqa: PLR2004
        cause = f"reference shows {rates[0]:.6g} frames a second, distorted {rates[1]:.6g}"
    else:
        cause = "the frames of the two are not shown at the same times"
    parts = [
        f"{count} frame{'s' if count > 1 else ''} of {name} {'have' if count > 1 else 'has'}"
        for name, count in zip(("reference", "distorted"), within, strict=True)
        if count > 0
    ]
    if parts and repeated is None:
        cause += f", and {' and '.join(parts)} no partner at the same time"
    fewer = min(len(reference), len(distorted))
    if _in_order(matching, reference, distorted):
        cure = "`allow=['frame-rate']` compares them frame by frame, in order, whatever their times"
    elif repeated is not None:
        return Finding(cause, "join the parts with ffmpeg's concat demuxer", final=True)
    elif matching.n_frames >= _SHARED * fewer:
        cure = f"`allow=['frame-rate']` compares the {matching.n_frames} frames at common times"
    else:
        return Finding(
            cause,
            "no frame rate fits; keep the reference's frames when encoding "
            "(ffmpeg -fps_mode passthrough, no -r, no fps filter)",
            final=True,
        )
    return Finding(cause, cure, Allowance.FRAME_RATE, offered=False)


def _repeated(reference: Times, distorted: Times) -> str | None:
    """A video most of whose times occur twice, in words; None if neither is one."""
    for name, times in (("reference", reference), ("distorted", distorted)):
        gaps = np.diff(times)
        if len(gaps) and np.median(gaps) == 0:
            return (
                f"{int((gaps == 0).sum())} of {len(times)} frames of {name} are shown at the time "
                "of another one: its time stamps begin again, as where files were appended to each "
                "other"
            )
    return None
