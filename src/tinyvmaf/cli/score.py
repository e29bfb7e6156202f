# SPDX-License-Identifier: Apache-2.0
"""`tinyvmaf score`: two videos, a list of pairs, or a folder of encodes."""

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated

import typer

from tinyvmaf.cli.console import TERMINAL, show, show_json
from tinyvmaf.cli.models import FeatureOrder
from tinyvmaf.cli.options import (
    Allow,
    Cluster,
    FfmpegPath,
    Jobs,
    Json,
    PixFmt,
    Size,
    Teacher,
    raw_format,
)
from tinyvmaf.cli.score_text import head, line, print_summary, print_table
from tinyvmaf.errors import TinyVmafError, UsageError
from tinyvmaf.text import json_text

if TYPE_CHECKING:
    from tinyvmaf.corpus.pair import Pair
    from tinyvmaf.media.video import RawFormat
    from tinyvmaf.scoring.batch import Outcome
    from tinyvmaf.scoring.scorer import Scorer

_PARTIAL = 3
_STATUS = {"yes": 0, "no": 4, "too close to call": 5}


def score(
    reference: Annotated[
        Path | None, typer.Argument(help="The pristine video.", show_default=False)
    ] = None,
    distorted: Annotated[
        Path | None,
        typer.Argument(help="What was made of it, or a folder of such.", show_default=False),
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
            help="What is known of every frame in --mode sampled: signal (PSNR and change), "
            "packets (packet sizes), quarter or half (libvmaf on reduced pictures), or none.  "
            "[signal; packets where seeking is cheaper]"
        ),
    ] = None,
    features: FeatureOrder = None,
    teacher: Teacher = "vmaf_v0.6.1",
    level: Annotated[float, typer.Option(help="Probability that an interval aims at.")] = 0.9,
    within: Annotated[
        float | None,
        typer.Option(help="Sample frames until the interval is ± this narrow.  [1.0]"),
    ] = None,
    exact_frames: Annotated[
        int | None, typer.Option(help="Instead of --within: frames that libvmaf computes.")
    ] = None,
    at_least: Annotated[
        float | None,
        typer.Option(
            help="Ask whether VMAF is so high; sample until the answer is certain. Exit status 0 "
            "yes, 4 no, 5 too close to call."
        ),
    ] = None,
    percentile: Annotated[
        float | None,
        typer.Option(help="Ask --at-least about this percentile of the frames, not the mean."),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(help="Seconds after which --at-least may stay too close to call."),
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
        typer.Option("--sync", help="Match frames as the pictures show if the two are shifted."),
    ] = False,
    crop: Annotated[
        str | None,
        typer.Option(
            help="Part of the reference that the encode shows: W:H:X:Y, or auto (no black bars)."
        ),
    ] = None,
    start: Annotated[
        float | None, typer.Option(help="Compare from this second of the reference on.")
    ] = None,
    duration: Annotated[float | None, typer.Option(help="Compare so many seconds.")] = None,
    reference_start: Annotated[
        float | None,
        typer.Option(help="Second of the reference at which the distorted video begins."),
    ] = None,
    size: Size = None,
    pix_fmt: PixFmt = None,
    fps: Annotated[str | None, typer.Option(help="Frame rate of raw YUV.  [25]")] = None,
    log: Annotated[
        Path | None, typer.Option(help="Write every frame's scores, in libvmaf's log layout.")
    ] = None,
    log_format: Annotated[
        str | None, typer.Option(help="json, xml or csv.  [the suffix of --log]")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the score over time: .html, .png or .svg.")
    ] = None,
    jobs: Jobs = None,
    cluster: Cluster = None,
    threads: Annotated[int | None, typer.Option(help="Threads of ffmpeg.  [all cores]")] = None,
    ffmpeg: FfmpegPath = None,
    as_json: Json = False,
) -> None:
    """Score a distorted video against its reference, after checking that the two fit."""
    _meet_ffmpeg(ffmpeg)
    from tinyvmaf.pairs.timing import Excerpt
    from tinyvmaf.scoring.score import choose_mode, make_scorer

    raw = _raw(size, pix_fmt, fps)
    pairs = _many(reference, distorted, batch, raw)
    if pairs and (log is not None or plot is not None):
        raise UsageError("--log and --plot take a single pair; score the pairs one by one")
    meeting = _meet_videos(reference, distorted, raw) if not pairs else ()
    order = [name.strip() for name in features.split(",")] if features is not None else None
    scorer = make_scorer(
        choose_mode(
            mode,
            model=model,
            features=order,
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
    if pairs:
        _score_many(pairs, scorer, jobs, cluster, as_json=as_json)
        return
    if cluster is not None:
        raise UsageError("--cluster takes many pairs: --batch pairs.csv, or a folder of encodes")
    if reference is None or distorted is None:
        raise UsageError("score needs REFERENCE and DISTORTED, or --batch pairs.csv")
    for thread in meeting:
        thread.join()
    _score_one(
        scorer,
        reference,
        distorted,
        raw,
        log=log,
        log_format=log_format,
        plot=plot,
        as_json=as_json,
    )


def _raw(size: str | None, pix_fmt: str | None, fps: str | None) -> "RawFormat | None":
    from dataclasses import replace

    raw = raw_format(size, pix_fmt)
    if raw is None or fps is None:
        return raw
    try:
        # Fraction takes exponents, too, and the digits of 1e999999999 would take minutes.
        rate = Fraction("" if "e" in fps.lower() else fps)
    except (ValueError, ZeroDivisionError) as error:
        raise UsageError(f"--fps {fps}: expected a rate such as 25 or 30000/1001") from error
    return replace(raw, frame_rate=rate)


def _meet_ffmpeg(path: Path | None) -> None:
    """Let ffmpeg introduce itself while the libraries are imported: a sixth of the start-up."""
    from tinyvmaf.media.ffmpeg import find_ffmpeg

    def find() -> None:
        # The scorer asks again and gets this answer, or the error.
        with suppress(TinyVmafError):
            find_ffmpeg(path)

    Thread(target=find, daemon=True).start()


def _meet_videos(
    reference: Path | None, distorted: Path | None, raw: "RawFormat | None"
) -> tuple[Thread, ...]:
    """Open the pair while a model is loaded and ffmpeg answers; what is seen is remembered."""
    from tinyvmaf.media.pictures import beginning
    from tinyvmaf.scoring.score import as_video

    def meet(path: Path) -> None:
        # The preflight asks again and gets this answer, or the error.
        with suppress(TinyVmafError):
            beginning(as_video(path, raw))

    paths = [path for path in (reference, distorted) if path is not None]
    threads = tuple(Thread(target=meet, args=(path,), daemon=True) for path in paths)
    for thread in threads:
        thread.start()
    return threads


def _many(
    reference: Path | None, distorted: Path | None, batch: Path | None, raw: "RawFormat | None"
) -> "tuple[Pair, ...]":
    """The pairs of `--batch` or of a folder; none for a single pair."""
    from tinyvmaf.scoring.batch import encodes_in, read_pairs

    if batch is not None:
        if reference is not None:
            raise UsageError("give --batch, or REFERENCE and DISTORTED, not both")
        return read_pairs(batch, raw=raw)
    if reference is not None and distorted is not None and distorted.is_dir():
        return encodes_in(distorted, reference=reference, raw=raw)
    return ()


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
    from tinyvmaf.scoring.score import as_video
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
    pairs: "tuple[Pair, ...]",
    scorer: "Scorer",
    jobs: int | None,
    cluster: str | None,
    *,
    as_json: bool,
) -> None:
    from tinyvmaf.scoring.batch import score_many

    outcomes: list[Outcome] = []
    for outcome in score_many(pairs, scorer=scorer, jobs=jobs, cluster=cluster):
        outcomes.append(outcome)
        if outcome.error is not None:
            TERMINAL.fail(f"failed: {outcome.pair.distorted.path}: {outcome.error}")
        elif outcome.score is not None:
            for note in outcome.score.notes:
                TERMINAL.note(f"{outcome.pair.distorted.path.name}: {note}")
        if as_json:
            show(json_text(line(outcome)))
    if not as_json:
        print_table(outcomes)
    failed = [outcome.error for outcome in outcomes if outcome.error is not None]
    if failed:
        raise typer.Exit(_PARTIAL if len(failed) < len(outcomes) else failed[0].exit_status)
