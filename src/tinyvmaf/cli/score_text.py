# SPDX-License-Identifier: Apache-2.0
"""Scores as `tinyvmaf score` prints them: a summary, a table, a record."""

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from tinyvmaf.cli.console import TERMINAL, show, show_table
from tinyvmaf.text import one_line

if TYPE_CHECKING:
    from tinyvmaf.scoring.batch import Outcome
    from tinyvmaf.scoring.ladder_result import Ladder
    from tinyvmaf.scoring.result import Score
    from tinyvmaf.scoring.target import Target

_WORTH_SAYING = 1.05
_BATCH = 2
_ROUNDED_TO_NONE = 0.005


def line(outcome: "Outcome") -> dict[str, Any]:
    """A pair's record: its score, or the reason why it has none."""
    if outcome.score is not None:
        return outcome.score.record()
    from tinyvmaf.scoring.score_record import FAILURE_SCHEMA, FailureRecord
    from tinyvmaf.storage import address
    from tinyvmaf.typed_json import to_json

    return to_json(
        FailureRecord(
            schema=FAILURE_SCHEMA,
            reference=address(outcome.pair.reference.path),
            distorted=address(outcome.pair.distorted.path),
            error=str(outcome.error),
        )
    )


def print_table(outcomes: "Iterable[Outcome]") -> None:
    """Print the scored pairs, one per line; figures that a sample does not have are blank."""
    scores = [item.score for item in outcomes if item.score is not None]
    columns = {"distorted": "left", "VMAF": "right"}
    sampled = any(item.sampling is not None for item in scores)
    exact = any(item.sampling is None for item in scores)
    columns |= {"±": "right", "exact": "right"} if sampled else {}
    columns |= dict.fromkeys(("harmonic", "min", "p1", "p5", "p10"), "right") if exact else {}
    columns |= {"frames": "right"}
    rows: list[list[str]] = []
    for item in scores:
        row = [item.distorted.name, f"{item.vmaf.mean:.2f}"]
        if sampled:
            half = None if item.sampling is None else item.sampling.half_width
            count = len(item.sampling.exact if item.sampling else item.frame_scores)
            row += [_digits(half), str(count)]
        if exact:
            vmaf = item.vmaf
            row += map(_digits, (vmaf.harmonic_mean, vmaf.min, vmaf.p1, vmaf.p5, vmaf.p10))
        rows.append([*row, str(len(item.frame_scores))])
    if rows:
        show_table(columns, rows)


def print_ladder(ladder: "Ladder") -> None:
    """The encodes, one a line, with their differences; then the bitrates that reach the targets."""
    columns = {"encode": "left", "codec": "left", "size": "left", "kbps": "right"}
    columns |= {"VMAF": "right", "±": "right", "difference": "right", "": "left"}
    columns |= {"exact": "right", "frames": "right"}
    rows: list[list[str]] = []
    for rung in ladder.rungs:
        score, gap = rung.score, rung.difference
        count = len(score.frame_scores if score.sampling is None else score.sampling.exact)
        sampled = score.sampling is not None
        rows.append(
            [
                score.distorted.name,
                rung.codec,
                f"{rung.width}x{rung.height}",
                f"{rung.bitrate_kbps:.0f}",
                f"{score.vmaf.mean:.2f}",
                f"{rung.half_width:.2f}" if sampled else "",
                "" if gap is None else f"{gap.mean:+.2f} ± {gap.half_width:.2f}",
                "" if gap is None or gap.resolved else "not resolved",
                str(count),
                str(len(score.frame_scores)),
            ]
        )
    if not rows:
        return
    show_table(columns, rows)
    if len(rows) > 1 and ladder.against is not None:
        show(f"differences from {ladder.against.name}; intervals at {ladder.level:.0%}")
    for target in ladder.targets:
        show(_target(target))


def _target(target: "Target") -> str:
    line = f"VMAF {target.vmaf:g} with {target.curve}: "
    if target.bitrate_kbps is None or target.between is None:
        return line + f"{target.reason}"
    low, high = target.bitrate_interval_kbps or (None, None)
    ends = [("less" if low is None else f"{low:.0f}"), ("more" if high is None else f"{high:.0f}")]
    line += f"{target.bitrate_kbps:.0f} kbps ({ends[0]} to {ends[1]})"
    if target.crf is not None:
        line += f", CRF {target.crf:.1f}"
    return line + f", between {target.between[0]} and {target.between[1]}"


def _digits(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def print_summary(found: "Score") -> None:
    """The figures for people: coloured on a terminal, plain lines elsewhere."""
    if sys.stdout is None or not sys.stdout.isatty():  # pyright: ignore[reportUnnecessaryComparison]
        for _, words in _lines(found):
            show(words)
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    for style, words in _lines(found):
        console.print(Text(one_line(words), style=style))


def _lines(found: "Score") -> list[tuple[str, str]]:
    interval, sampling = found.interval, found.sampling
    lines = [("bold", head(found))]
    lines += [("", line) for line in (_sampled(found) if sampling is not None else _exact(found))]
    if found.applicability is not None:
        lines.append(("", f"{found.applicability.verdict}: {found.applicability.reason}"))
    if interval is not None:
        lines.append(("dim", f"the interval: {interval.guarantee}"))
    n_frames = len(found.frame_scores)
    frames = "1 frame" if n_frames == 1 else f"{n_frames} frames"
    digest = f", sha256 {found.model.sha256[:12]}" if found.model.sha256 else ""
    programs = ", ".join(f"{name} {found.versions[name]}" for name in ("libvmaf", "ffmpeg"))
    return [
        *lines,
        ("dim", f"{frames} at {found.fps:.1f} fps; mode {found.mode}"),
        ("dim", f"model {found.model.name}{digest}; {programs}"),
        ("dim", found.command),
    ]


def head(found: "Score") -> str:
    """The first line of a summary: the score with its interval, or the answer to a question."""
    interval, sampling, verdict = found.interval, found.sampling, found.verdict
    if verdict is not None:
        what = "VMAF" if verdict.percentile is None else f"VMAF percentile {verdict.percentile:g}"
        line = f"{verdict.answer}: {what} at least {verdict.at_least:g}? {verdict.reason}"
        if sampling is not None:
            line += f"; {len(sampling.exact)} of {len(found.frame_scores)} frames exact"
        return line
    if sampling is not None and interval is not None:
        line = (
            f"VMAF {found.vmaf.mean:.1f} ± {sampling.half_width:.1f} ({interval.level:.0%}) · "
            f"{len(sampling.exact)} of {len(found.frame_scores)} frames exact"
        )
        cheaper = sampling.times_cheaper_measured or sampling.times_cheaper
        if cheaper >= _WORTH_SAYING:
            times = f"{cheaper:.1f} \N{MULTIPLICATION SIGN}"
            line += f" · about {times} cheaper than libvmaf"
        return line
    line = f"VMAF {found.vmaf.mean:.2f}"
    if interval is not None:
        line += f"  {interval.level:.0%} interval {interval.low:.2f} to {interval.high:.2f}"
    return line


def _exact(found: "Score") -> list[str]:
    vmaf = found.vmaf
    p1, p5, p10 = map(_digits, (vmaf.p1, vmaf.p5, vmaf.p10))
    return [
        f"harmonic mean {_digits(vmaf.harmonic_mean)}  minimum {_digits(vmaf.min)}",
        f"percentiles 1st {p1}  5th {p5}  10th {p10}",
        f"worst {_moments(found)}",
    ]


def _sampled(found: "Score") -> list[str]:
    sampling, record = found.sampling, found.typed_record().sampling
    assert sampling is not None and record is not None  # noqa: S101, PT018 (the caller has asked)
    n_drawn = len(sampling.strata_frames)
    names = {"p10": "10th", "p5": "5th", "p1": "1st"}
    known = [
        f"{names[name]} {ends[0]:.1f} to {ends[1]:.1f}"
        for name, ends in sampling.percentiles.items()
        if ends is not None
    ]
    unknown = [names[name] for name, ends in sampling.percentiles.items() if ends is None]
    if unknown:
        known.append(f"{' and '.join(unknown)} not known from {n_drawn} frames")
    missed = ", ".join(
        f"{_percent(probability)} if it fills {float(share):.0%} of the frames"
        for share, probability in record.unseen_probability.items()
    )
    hidden = " that PSNR does not show" if record.auxiliary == "signal" else ""
    searched = "--worst" in found.command
    what = "worst moments, scored exactly:" if searched else "lowest exact scores:"
    return [
        f"percentiles {'; '.join(known)}",
        f"{what} {_moments(found)}",
        f"probability of missing an event{hidden}: {missed}",
    ]


def _percent(probability: float) -> str:
    return "below 1%" if 0 < probability < _ROUNDED_TO_NONE else f"{probability:.0%}"


def _moments(found: "Score") -> str:
    return "  ".join(
        f"{item.vmaf:.2f} at {clock(item.time_s)} (frame {item.frame})"
        for item in found.worst_frames
    )


def clock(seconds: float) -> str:
    """A time as m:ss.sss, or h:mm:ss.sss from an hour on."""
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    if hours:
        return f"{int(hours)}:{int(minutes):02}:{rest:06.3f}"
    return f"{int(minutes)}:{rest:06.3f}"


def note_ladder(found: "Ladder") -> None:
    """Print each note once, with the encodes that it concerns unless it concerns all."""
    notes: dict[str, list[str]] = {}
    for rung in found.rungs:
        for note in rung.score.notes:
            notes.setdefault(note, []).append(rung.score.distorted.name)
    for note, names in notes.items():
        everyone = len(names) == len(found.rungs) > 1
        TERMINAL.note(note if everyone else f"{', '.join(names)}: {note}")


def note_pairs(outcomes: "Sequence[Outcome]") -> None:
    """Print notes that hold for every pair once, and the others with the name of their pair."""
    scores = [item.score for item in outcomes if item.score is not None]
    shared = set[str]() if len(scores) < _BATCH else set(scores[0].notes)
    shared = shared.intersection(*(item.notes for item in scores))
    for item in scores:
        for note in item.notes:
            if note not in shared:
                TERMINAL.note(f"{item.distorted.name}: {note}")
    for note in scores[0].notes if shared else ():
        if note in shared:
            TERMINAL.note(f"all {len(scores)} pairs: {note}")
