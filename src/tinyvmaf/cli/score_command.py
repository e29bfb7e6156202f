# SPDX-License-Identifier: Apache-2.0
"""`tinyvmaf score`: two videos, a list of pairs, or a folder of encodes."""

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinyvmaf.cli.console import TERMINAL
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
from tinyvmaf.cli.score_cases import (
    LadderWishes,
    check_no_ladder,
    score_encodes,
    score_list,
    score_one,
)
from tinyvmaf.errors import UsageError

if TYPE_CHECKING:
    from tinyvmaf.media.video import RawFormat

_LOG_OF_MANY = "--log takes a single pair; score the pairs one by one"


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
        check_no_ladder(against=against, target=target, csv=csv)
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
        score_list(batch, scorer, jobs, cluster, raw=raw, level=level, as_json=as_json)
        return
    if reference is None or not encodes:
        raise UsageError("score needs REFERENCE and an encode, or --batch pairs.csv")
    if single is None:
        from tinyvmaf.scoring.batch import encodes_of

        wishes = LadderWishes(
            level=level, against=against, target=target, csv=csv, plot=plot, jobs=jobs
        )
        pairs = encodes_of(reference, encodes, raw=raw)
        score_encodes(pairs, scorer, wishes, cluster=cluster, as_json=as_json)
        return
    if cluster is not None:
        raise UsageError("--cluster takes many pairs: --batch pairs.csv, or a folder of encodes")
    if opened is not None:
        opened()
    score_one(
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
            f"--fps {fps}: it is the frame rate of raw YUV and needs --size. A picture "
            "sequence is read at the frame rate of the other video"
        )
    try:
        # Fraction takes exponents, too, and the digits of 1e999999999 would take minutes.
        rate = Fraction("" if "e" in fps.lower() else fps)
    except (ValueError, ZeroDivisionError) as error:
        raise UsageError(f"--fps {fps}: expected a rate such as 25 or 30000/1001") from error
    return replace(raw, frame_rate=rate)
