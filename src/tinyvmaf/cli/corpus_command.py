# SPDX-License-Identifier: Apache-2.0
"""`tinyvmaf corpus scan | build`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinyvmaf.cli.console import TERMINAL, show, show_json, show_table
from tinyvmaf.cli.options import (
    Allow,
    Cluster,
    FfmpegPath,
    Jobs,
    Json,
    PixFmt,
    Root,
    Size,
    Timeout,
    raw_format,
)
from tinyvmaf.process import STALL_S
from tinyvmaf.typed_json import to_json

if TYPE_CHECKING:
    from tinyvmaf.pairs.scan import Scan

app = typer.Typer(
    help="Check a corpus, or build one.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("scan")
def scan(
    root: Root,
    size: Size = None,
    pix_fmt: PixFmt = None,
    allow: Allow = None,
    as_json: Json = False,
) -> None:
    """Check every pair; list sources, clips and frames, and all that cannot be scored."""
    from tinyvmaf.pairs.scan import scan_corpus

    found = scan_corpus(root, raw=raw_format(size, pix_fmt), allow=allow or ())
    if as_json:
        show_json(to_json(found.record))
    else:
        _print(found)
    if found.problems:
        raise typer.Exit(3 if found.sources else 2)


def _print(found: "Scan") -> None:
    columns = {
        "source": "left",
        "clips": "right",
        "frames": "right",
        "size": "right",
        "fps": "right",
        "format": "left",
    }
    rows = [
        [
            item.source,
            str(item.n_clips),
            str(item.n_frames),
            item.reference.size,
            f"{float(item.reference.frame_rate):.6g}",
            item.reference.pix_fmt,
        ]
        for item in found.sources
    ]
    total = [
        "total",
        str(sum(item.n_clips for item in found.sources)),
        str(sum(item.n_frames for item in found.sources)),
        "",
        "",
        "",
    ]
    show_table(columns, [*rows, total])
    for note in found.notes:
        TERMINAL.note(note)
    for problem in found.problems:
        TERMINAL.fail(f"{problem.path}: {problem.reason}")


@app.command("build")
def build(
    sources: Annotated[list[Path], typer.Argument(help="Pristine videos.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder of the new corpus.")],
    ladder: Annotated[
        Path | None,
        typer.Option(help="TOML file with [[rung]] tables.  [eight rungs, four codecs]"),
    ] = None,
    frames: Annotated[
        int | None, typer.Option(help="Use the first frames only.  [whole videos]")
    ] = None,
    jobs: Jobs = None,
    cluster: Cluster = None,
    ffmpeg: FfmpegPath = None,
    size: Size = None,
    pix_fmt: PixFmt = None,
    timeout: Timeout = STALL_S,
) -> None:
    """Encode a ladder of distorted clips of every source."""
    from tinyvmaf.corpus.build import build_corpus

    done = build_corpus(
        sources,
        output=output,
        ladder=ladder,
        n_frames=frames,
        raw=raw_format(size, pix_fmt),
        ffmpeg=ffmpeg,
        jobs=jobs,
        cluster=cluster,
        stall_s=timeout,
        progress=TERMINAL,
    )
    for name, error in done.failures:
        TERMINAL.fail(f"failed: {name}: {error}")
    show(
        f"{done.manifest}: {done.n_made} clips made, {done.n_kept} kept, "
        f"{len(done.failures)} failed"
    )
    if done.failures:
        raise typer.Exit(3)
