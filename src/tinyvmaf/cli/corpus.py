# SPDX-License-Identifier: Apache-2.0
"""`tinyvmaf corpus scan | build`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tinyvmaf.cli.console import TERMINAL, show, show_json, show_table
from tinyvmaf.cli.options import (
    STALL_S,
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

if TYPE_CHECKING:
    from tinyvmaf.pairs.scan import Scan

app = typer.Typer(
    help="Look at a corpus, or make one.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("scan")
def scan_corpus(
    root: Root,
    size: Size = None,
    pix_fmt: PixFmt = None,
    allow: Allow = None,
    as_json: Json = False,
) -> None:
    """Check every pair; list sources, clips, frames, and whatever cannot be scored."""
    from tinyvmaf.corpus.reading import read_corpus
    from tinyvmaf.pairs.scan import scan

    found = scan(read_corpus(root, raw=raw_format(size, pix_fmt)), allowed=frozenset(allow or ()))
    if as_json:
        show_json(_record(found))
    else:
        _print(found)
    if found.problems:
        raise typer.Exit(3 if found.sources else 2)


def _record(found: "Scan") -> dict[str, Any]:
    return {
        "schema": "tinyvmaf.scan/1",
        "sources": [
            {
                "source": item.source,
                "n_clips": item.n_clips,
                "n_frames": item.n_frames,
                "width": item.reference.width,
                "height": item.reference.height,
                "pix_fmt": item.reference.pix_fmt,
                "fps": float(item.reference.frame_rate),
            }
            for item in found.sources
        ],
        "problems": [{"path": str(item.path), "reason": item.reason} for item in found.problems],
        "notes": list(found.notes),
    }


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
def build_corpus(
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
    from tinyvmaf.corpus.build import build
    from tinyvmaf.corpus.ladder import read_ladder
    from tinyvmaf.media.ffmpeg import find_ffmpeg
    from tinyvmaf.media.video import RAW_SUFFIXES, Video
    from tinyvmaf.storage import absolute

    raw = raw_format(size, pix_fmt)
    if cluster:  # a worker has another working folder
        sources, output = [absolute(path) for path in sources], absolute(output)
    done = build(
        [Video(path, raw if path.suffix.lower() in RAW_SUFFIXES else None) for path in sources],
        root=output,
        ladder=read_ladder(ladder),
        ffmpeg=find_ffmpeg(ffmpeg),
        n_frames=frames,
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
