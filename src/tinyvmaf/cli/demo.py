# SPDX-License-Identifier: Apache-2.0
"""`tinyvmaf demo`: the whole workflow on real clips, from pristine video to the digest."""

from pathlib import Path
from typing import Annotated

import typer

from tinyvmaf.cli.console import TERMINAL, show
from tinyvmaf.cli.loso import print_digest
from tinyvmaf.cli.options import FfmpegPath, Jobs
from tinyvmaf.cli.tables import open_table


def demo(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder for clips, table and run.")
    ] = Path("demo"),
    frames: Annotated[int, typer.Option(help="Frames of each clip.")] = 60,
    jobs: Jobs = None,
    ffmpeg: FfmpegPath = None,
) -> None:
    """Build a corpus from real clips, extract it, and leave each source out."""
    from tinyvmaf.corpus.build import build_corpus
    from tinyvmaf.corpus.clips import installed_clips
    from tinyvmaf.corpus.ladder import read_ladder
    from tinyvmaf.evaluation.loso import loso
    from tinyvmaf.features.table import write_table
    from tinyvmaf.report.digest import Digest, write_digest
    from tinyvmaf.report.html import library_made

    clips = installed_clips()
    ladder = read_ladder()
    corpus, table = output / "corpus", output / "table.parquet"
    TERMINAL.note(f"1/3  encode {len(clips)} real clips, {len(ladder)} ways each, into {corpus}")
    build_corpus(
        clips,
        output=corpus,
        ffmpeg=ffmpeg,
        n_frames=frames,
        jobs=jobs,
        progress=TERMINAL,
    )
    TERMINAL.note(f"2/3  score every frame with libvmaf, into {table}")
    opened = open_table(corpus, sample=False, jobs=jobs, ffmpeg=ffmpeg)
    write_table(opened.table, table)
    TERMINAL.note("3/3  train a model of 257 parameters per held-out source, and judge it there")
    folder = output / "loso_mlp_small"
    digests: list[Digest] = []
    with library_made():
        loso(
            opened.table,
            folder=folder,
            table_origin=opened.origin,
            extract_s=opened.extract_s,
            complete=lambda run, new: digests.append(write_digest(run, new, named=folder)),
            progress=TERMINAL,
        )
    (digest,) = digests
    if digest.missing:
        TERMINAL.note(digest.missing)
    show("Leave-one-source-out: each row's model never saw that source.")
    show("")
    print_digest(digest, folder)
