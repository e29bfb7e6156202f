# SPDX-License-Identifier: Apache-2.0
"""The cases of `tinyvmaf score`: one pair, encodes of one reference, or a list of pairs.

Each function prints the results and notes of its case, and returns or leaves with the exit status:
0 done, 3 done in part, 4 and 5 for the answers to `--at-least`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from tinyvmaf.cli.console import TERMINAL, show, show_json
from tinyvmaf.cli.score_text import (
    head,
    line,
    note_ladder,
    note_pairs,
    print_ladder,
    print_summary,
    print_table,
)
from tinyvmaf.errors import UsageError
from tinyvmaf.text import json_text

if TYPE_CHECKING:
    from tinyvmaf.corpus.pair import Pair
    from tinyvmaf.media.video import RawFormat
    from tinyvmaf.scoring.batch import Outcome
    from tinyvmaf.scoring.scorer import Scorer

_PARTIAL = 3
_STATUS = {"yes": 0, "no": 4, "too close to call": 5}


@dataclass(frozen=True, slots=True)
class LadderWishes:
    """Options for a ladder besides its table."""

    level: float
    against: Path | None
    target: float | None
    csv: Path | None
    plot: Path | None
    jobs: int | None
    in_lines: bool = False


def score_encodes(
    pairs: "tuple[Pair, ...]",
    scorer: "Scorer",
    wishes: LadderWishes,
    *,
    cluster: str | None,
    as_json: bool,
) -> None:
    """Score encodes of one reference: together here, or one by one on a cluster."""
    if cluster is None:
        status = _score_ladder(pairs, scorer, wishes, as_json=as_json)
    else:
        check_no_ladder(against=wishes.against, target=wishes.target, csv=wishes.csv)
        status = _score_each(pairs, scorer, wishes.jobs, cluster, as_json=as_json)
    if status:
        raise typer.Exit(status)


def check_no_ladder(*, against: Path | None, target: float | None, csv: Path | None) -> None:
    """Refuse the options of a ladder where the pairs are scored one by one.

    Raises:
        UsageError: one of them is given.
    """
    for option, value in (("--against", against), ("--target", target), ("--csv", csv)):
        if value is not None:
            raise UsageError(f"{option} needs several encodes of one reference, scored together")


def _score_ladder(
    pairs: "tuple[Pair, ...]", scorer: "Scorer", wishes: LadderWishes, *, as_json: bool
) -> int:
    """Score encodes of one reference together; return the exit status."""
    from tinyvmaf.files import check_writable, write_text
    from tinyvmaf.scoring.encodes import score_ladder

    if wishes.plot is not None:
        from tinyvmaf.report.curve import check_plot

        check_plot(wishes.plot)
    if wishes.csv is not None:
        check_writable(wishes.csv)
    found = score_ladder(
        pairs,
        scorer=scorer,
        level=wishes.level,
        against=wishes.against,
        target=wishes.target,
    )
    for failure in found.failures:
        TERMINAL.fail(f"failed: {failure.pair.distorted.path}: {failure.error}")
    note_ladder(found)
    if wishes.csv is not None:
        write_text(wishes.csv, found.csv())
    if wishes.plot is not None and found.rungs:
        from tinyvmaf.report.ladder_chart import write_ladder_chart

        write_ladder_chart(found, wishes.plot)
    if as_json and wishes.in_lines:
        show(json_text(found.record()))
    elif as_json:
        show_json(found.record())
    else:
        print_ladder(found)
    if found.failures:
        return _PARTIAL if found.rungs else found.failures[0].error.exit_status
    verdicts = [rung.score.verdict for rung in found.rungs]
    return max((_STATUS[item.answer] for item in verdicts if item is not None), default=0)


def score_one(
    scorer: "Scorer",
    reference: Path,
    distorted: Path,
    raw: "RawFormat | None",
    *,
    log: Path | None,
    log_format: str | None,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Score one pair, and leave with the exit status of the answer to `--at-least`."""
    from tinyvmaf.corpus.pair import Pair
    from tinyvmaf.media.video import as_video
    from tinyvmaf.scoring.scorer import LogFile

    if plot is not None:
        from tinyvmaf.report.curve import check_plot

        check_plot(plot)
    found = scorer.score(
        Pair.of_files(reference=as_video(reference, raw), distorted=as_video(distorted, raw)),
        log=LogFile(log, log_format) if log is not None else None,
    )
    if plot is not None:
        from tinyvmaf.report.curve import write_curve

        write_curve(found, plot)
    for note in found.notes:
        TERMINAL.note(note)
    if as_json:
        show_json(found.record())
    elif found.verdict is not None:
        show(head(found))
    else:
        print_summary(found)
    if found.verdict is not None and (status := _STATUS[found.verdict.answer]):
        raise typer.Exit(status)


def score_list(
    batch: Path,
    scorer: "Scorer",
    jobs: int | None,
    cluster: str | None,
    *,
    raw: "RawFormat | None",
    level: float,
    as_json: bool,
) -> None:
    """Score a list of pairs; encodes of one reference are a ladder, if they can share frames."""
    from tinyvmaf.scoring.batch import in_ladders, read_pairs

    ladders, others = in_ladders(read_pairs(batch, raw=raw), scorer=scorer, cluster=cluster)
    statuses: list[int] = []
    if others:
        statuses.append(_score_each(others, scorer, jobs, cluster, as_json=as_json))
    for group in ladders:
        if not as_json:
            if statuses:
                show("")
            show(str(group[0].reference.path))
        wishes = LadderWishes(
            level=level, against=None, target=None, csv=None, plot=None, jobs=jobs, in_lines=True
        )
        statuses.append(_score_ladder(group, scorer, wishes, as_json=as_json))
    if any(statuses):
        # An answer is not a failure.
        failed = any(0 < status <= _PARTIAL for status in statuses)
        same = len(set(statuses)) == 1
        raise typer.Exit(statuses[0] if same else _PARTIAL if failed else max(statuses))


def _score_each(
    pairs: "tuple[Pair, ...]",
    scorer: "Scorer",
    jobs: int | None,
    cluster: str | None,
    *,
    as_json: bool,
) -> int:
    """Score pairs one by one; return the exit status."""
    from tinyvmaf.scoring.batch import score_many

    outcomes: list[Outcome] = []
    for outcome in score_many(pairs, scorer=scorer, jobs=jobs, cluster=cluster):
        outcomes.append(outcome)
        if outcome.error is not None:
            TERMINAL.fail(f"failed: {outcome.pair.distorted.path}: {outcome.error}")
        if as_json:
            show(json_text(line(outcome)))
    note_pairs(outcomes)
    if not as_json:
        print_table(outcomes)
    failed = [outcome.error for outcome in outcomes if outcome.error is not None]
    if not failed:
        return 0
    return _PARTIAL if len(failed) < len(outcomes) else failed[0].exit_status
