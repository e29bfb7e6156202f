# SPDX-License-Identifier: Apache-2.0
"""Scores as `tinyvmaf score` prints them: a summary, a table, a record."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tinyvmaf.cli.console import show_table

if TYPE_CHECKING:
    from tinyvmaf.scoring.batch import Outcome
    from tinyvmaf.scoring.result import Score

_WORTH_SAYING = 1.05


def line(outcome: "Outcome") -> dict[str, Any]:
    """A pair's record: its score, or why it has none."""
    if outcome.score is not None:
        return outcome.score.record()
    return {
        "schema": "tinyvmaf.failure/1",
        "reference": str(outcome.pair.reference.path),
        "distorted": str(outcome.pair.distorted.path),
        "error": str(outcome.error),
    }


def print_table(outcomes: "Iterable[Outcome]") -> None:
    """The pairs that have a score, one a line."""
    columns = {"distorted": "left"}
    columns |= dict.fromkeys(("VMAF", "harmonic", "min", "p1", "p5", "p10", "frames"), "right")
    rows = [
        [
            item.distorted.name,
            *_two_digits(
                item.vmaf.mean,
                item.vmaf.harmonic_mean,
                item.vmaf.min,
                item.vmaf.p1,
                item.vmaf.p5,
                item.vmaf.p10,
            ),
            str(len(item.frame_scores)),
        ]
        for item in (outcome.score for outcome in outcomes)
        if item is not None
    ]
    if rows:
        show_table(columns, rows)


def _two_digits(*values: float) -> list[str]:
    return [f"{value:.2f}" for value in values]


def print_summary(found: "Score") -> None:
    """The figures for people: coloured on a terminal, plain lines elsewhere."""
    from rich.console import Console
    from rich.text import Text

    console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    for style, line in _lines(found):
        console.print(Text(line, style=style))


def _lines(found: "Score") -> list[tuple[str, str]]:
    vmaf, interval = found.vmaf, found.interval
    head = f"VMAF {vmaf.mean:.2f}"
    sampling = found.sampling
    if sampling is not None and interval is not None:
        head = (
            f"VMAF {vmaf.mean:.1f} ± {sampling.half_width:.1f} ({interval.level:.0%}) · "
            f"{len(sampling.exact)} of {len(found.frame_scores)} frames exact"
        )
        if sampling.times_cheaper >= _WORTH_SAYING:
            times = f"{sampling.times_cheaper:.1f} \N{MULTIPLICATION SIGN}"
            head += f" · about {times} cheaper than libvmaf"
    elif interval is not None:
        head += f"  {interval.level:.0%} interval {interval.low:.2f} to {interval.high:.2f}"
    moments = "  ".join(
        f"{item.vmaf:.2f} at {_clock(item.time_s)} (frame {item.frame})"
        for item in found.worst_frames
    )
    digest = f", sha256 {found.model.sha256[:12]}" if found.model.sha256 else ""
    programs = ", ".join(f"{name} {found.versions[name]}" for name in ("libvmaf", "ffmpeg"))
    lines = [
        ("bold", head),
        ("", f"harmonic mean {vmaf.harmonic_mean:.2f}  minimum {vmaf.min:.2f}"),
        ("", f"percentiles 1st {vmaf.p1:.2f}  5th {vmaf.p5:.2f}  10th {vmaf.p10:.2f}"),
        ("", f"worst {moments}"),
    ]
    if sampling is not None:
        lines.append(("", "all but the first line is modelled, corrected by the exact frames"))
    if found.applicability is not None:
        lines.append(("", f"{found.applicability.verdict}: {found.applicability.reason}"))
    if interval is not None:
        lines.append(("dim", f"the interval holds {interval.guarantee}"))
    lines += [
        ("dim", f"{len(found.frame_scores)} frames at {found.fps:.1f} fps; mode {found.mode}"),
        ("dim", f"model {found.model.name}{digest}; {programs}"),
        ("dim", found.command),
    ]
    return lines


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}:{rest:06.3f}"
