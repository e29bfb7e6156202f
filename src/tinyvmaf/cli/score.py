# SPDX-License-Identifier: Apache-2.0
"""`tinyvmaf score`: two videos, a list of pairs, or a folder of encodes."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinyvmaf.cli.console import TERMINAL, show, show_json
from tinyvmaf.cli.options import (
    Allow,
    Cluster,
    FeatureOrder,
    FfmpegPath,
    Jobs,
    Json,
    PixFmt,
    Size,
    Teacher,
    feature_order,
    raw_format,
)
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
_LOG_OF_MANY = "--log takes a single pair; score the pairs one by one"
_STATUS = {"yes": 0, "no": 4, "too close to call": 5}


def score(
    reference: Annotated[
        Path | None, typer.Argument(help="The pristine video.", show_default=False)
    ] = None,
    distorted: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="ENCODE...",
            help="One encode of it, several of them, or a folder of encodes.",
            show_default=False,
        ),
    ] = None,
    batch: Annotated[
        Path | None,
        typer.Option(help="CSV file with the columns reference and distorted, instead of a pair."),
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option(
            help="sampled (libvmaf on a few frames, auxiliary variables of all of them), exact "
            "(libvmaf itself), or model (the tiny model alone).  [sampled; exact with --log]"
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="A shipped model or an ONNX file: for --mode model, or of reduced features as the "
            "auxiliary variable of --mode sampled."
        ),
    ] = None,
    auxiliary: Annotated[
        str | None,
        typer.Option(
            help="Auxiliary variables of every frame in --mode sampled: signal (PSNR and change), "
            "packets (packet sizes), quarter or half (libvmaf on reduced pictures), or none.  "
            "[signal; packets where seeking is cheaper]"
        ),
    ] = None,
    features: FeatureOrder = None,
    teacher: Teacher = "vmaf_v0.6.1",
    level: Annotated[float, typer.Option(help="Nominal coverage of intervals.")] = 0.9,
    within: Annotated[
        float | None,
        typer.Option(help="Sample frames until the interval is at most ± this wide.  [1.0]"),
    ] = None,
    exact_frames: Annotated[
        int | None, typer.Option(help="Number of frames that libvmaf scores, instead of --within.")
    ] = None,
    at_least: Annotated[
        float | None,
        typer.Option(
            help="Ask whether VMAF is at least this; sample until the answer is clear. Exit status "
            "0 yes, 4 no, 5 too close to call."
        ),
    ] = None,
    percentile: Annotated[
        float | None,
        typer.Option(help="Ask --at-least about this percentile of the frames, not the mean."),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(help="Seconds after which --at-least may end as too close to call."),
    ] = None,
    worst: Annotated[
        int, typer.Option(help="Worst moments to look for; each is confirmed by libvmaf.")
    ] = 0,
    seed: Annotated[
        int | None,
        typer.Option(help="The same seed samples the same frames.  [from the videos' content]"),
    ] = None,
    allow: Allow = None,
    sync: Annotated[
        bool,
        typer.Option("--sync", help="Match shifted frames by their pictures."),
    ] = False,
    crop: Annotated[
        str | None,
        typer.Option(
            help="Part of the reference that the encode shows: W:H:X:Y, or auto (no black bars)."
        ),
    ] = None,
    start: Annotated[
        float | None, typer.Option(help="Start at this second of the reference.")
    ] = None,
    duration: Annotated[float | None, typer.Option(help="Compare this many seconds.")] = None,
    reference_start: Annotated[
        float | None,
        typer.Option(help="Second of the reference at which the distorted video begins."),
    ] = None,
    size: Size = None,
    pix_fmt: PixFmt = None,
    fps: Annotated[
        str | None, typer.Option(help="Frame rate of raw YUV.  [that of the other video]")
    ] = None,
    log: Annotated[
        Path | None, typer.Option(help="Write every frame's scores, in libvmaf's log layout.")
    ] = None,
    log_format: Annotated[
        str | None, typer.Option(help="json, xml or csv.  [the suffix of --log]")
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            help="Draw the score over time, or for several encodes the score over the bitrate: "
            ".html, .png or .svg."
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="The encode that the others are compared with.  [the best one]"),
    ] = None,
    target: Annotated[
        float | None,
        typer.Option(help="For several encodes: the bitrate (and CRF) that reaches this VMAF."),
    ] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="For several encodes: write the table here, too.")
    ] = None,
    jobs: Jobs = None,
    cluster: Cluster = None,
    threads: Annotated[int | None, typer.Option(help="Threads of ffmpeg.  [all cores]")] = None,
    ffmpeg: FfmpegPath = None,
    as_json: Json = False,
) -> None:
    """Score a distorted video against its reference, after checking that the two fit."""
    from tinyvmaf.scoring.warming import warm_up_ffmpeg, warm_up_videos

    # Before the next imports: they take longer than ffmpeg.
    warm_up_ffmpeg(ffmpeg)
    from tinyvmaf.corpus.excerpt import Excerpt
    from tinyvmaf.scoring.score import choose_mode, make_scorer

    raw = _raw(size, pix_fmt, fps)
    encodes = distorted or []
    single = encodes[0] if len(encodes) == 1 and not encodes[0].is_dir() else None
    if batch is not None:
        _check_batch(reference=reference, log=log, plot=plot)
    if single is not None or batch is not None:
        _check_no_ladder(against=against, target=target, csv=csv)
    elif log is not None:
        raise UsageError(_LOG_OF_MANY)
    opened = None
    if single is not None and reference is not None:
        opened = warm_up_videos((reference, single), raw=raw, progress=TERMINAL)
    scorer = make_scorer(
        choose_mode(
            mode,
            model=model,
            features=feature_order(features),
            teacher=teacher,
            level=level,
            within=within,
            exact_frames=exact_frames,
            auxiliary=auxiliary,
            at_least=at_least,
            percentile=percentile,
            budget=budget,
            worst=worst,
            seed=seed,
            logged=log is not None,
        ),
        allow=allow or (),
        sync=sync,
        crop=crop,
        excerpt=Excerpt(start, duration, reference_start),
        raw=raw,
        threads=threads,
        ffmpeg=ffmpeg,
        progress=TERMINAL,
    )
    if batch is not None:
        _score_many(batch, scorer, jobs, cluster, raw=raw, level=level, as_json=as_json)
        return
    if reference is None or not encodes:
        raise UsageError("score needs REFERENCE and an encode, or --batch pairs.csv")
    if single is None:
        from tinyvmaf.scoring.batch import encodes_of

        wishes = LadderWishes(
            level=level, against=against, target=target, csv=csv, plot=plot, jobs=jobs
        )
        pairs = encodes_of(reference, encodes, raw=raw)
        _score_encodes(pairs, scorer, wishes, cluster=cluster, as_json=as_json)
        return
    if cluster is not None:
        raise UsageError("--cluster takes many pairs: --batch pairs.csv, or a folder of encodes")
    if opened is not None:
        opened()
    _score_one(
        scorer,
        reference,
        single,
        raw,
        log=log,
        log_format=log_format,
        plot=plot,
        as_json=as_json,
    )


def _check_batch(*, reference: Path | None, log: Path | None, plot: Path | None) -> None:
    if reference is not None:
        raise UsageError("give --batch, or REFERENCE and encodes, not both")
    if log is not None:
        raise UsageError(_LOG_OF_MANY)
    if plot is not None:
        raise UsageError("--plot takes no --batch; score the pairs one by one")


def _raw(size: str | None, pix_fmt: str | None, fps: str | None) -> "RawFormat | None":
    from dataclasses import replace

    raw = raw_format(size, pix_fmt)
    if fps is None:
        return raw
    if raw is None:
        raise UsageError(
            f"--fps {fps}: it is the frame rate of raw YUV; say its --size, too. A picture "
            "sequence is read at the frame rate of the other video"
        )
    try:
        # Fraction takes exponents, too, and the digits of 1e999999999 would take minutes.
        rate = Fraction("" if "e" in fps.lower() else fps)
    except (ValueError, ZeroDivisionError) as error:
        raise UsageError(f"--fps {fps}: expected a rate such as 25 or 30000/1001") from error
    return replace(raw, frame_rate=rate)


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


def _score_encodes(
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
        _check_no_ladder(against=wishes.against, target=wishes.target, csv=wishes.csv)
        status = _score_each(pairs, scorer, wishes.jobs, cluster, as_json=as_json)
    if status:
        raise typer.Exit(status)


def _check_no_ladder(*, against: Path | None, target: float | None, csv: Path | None) -> None:
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


def _score_one(
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


def _score_many(
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
        # An answer is no failure.
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
