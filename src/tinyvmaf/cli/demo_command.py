# SPDX-License-Identifier: Apache-2.0
"""`tinyvmaf demo`: the whole workflow on real clips, from pristine video to the digest."""

from pathlib import Path
from typing import Annotated

import typer

from tinyvmaf.cli.console import TERMINAL, show
from tinyvmaf.cli.loso_command import print_digest
from tinyvmaf.cli.options import FfmpegPath, Jobs


def demo(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder for clips, table and run.")
    ] = Path("demo"),
    frames: Annotated[int, typer.Option(help="Frames of each clip.")] = 60,
    jobs: Jobs = None,
    ffmpeg: FfmpegPath = None,
) -> None:
    """Build a corpus from real clips, extract it, and leave each source out."""
    from tinyvmaf.demo import demo as run_demo

    digest = run_demo(output, n_frames=frames, jobs=jobs, ffmpeg=ffmpeg, progress=TERMINAL)
    if digest.missing:
        TERMINAL.note(digest.missing)
    show("Leave-one-source-out: each row's model never saw that source.")
    show("")
    print_digest(digest, digest.json.parent)
