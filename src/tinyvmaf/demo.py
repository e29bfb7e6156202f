# SPDX-License-Identifier: Apache-2.0
"""The whole workflow on real clips: encode a corpus, extract its table, leave each source out."""

import time
from pathlib import Path

from tinyvmaf.corpus.build import build_corpus
from tinyvmaf.corpus.ladder import read_ladder
from tinyvmaf.corpus.sample import installed_clips
from tinyvmaf.evaluation.loso import loso
from tinyvmaf.features.extraction import extract
from tinyvmaf.features.table import write_table
from tinyvmaf.progress import SILENT, Progress
from tinyvmaf.report.digest import Digest, write_digest
from tinyvmaf.report.html import library_made
from tinyvmaf.storage import address


def demo(
    folder: Path | str = "demo",
    *,
    n_frames: int = 60,
    jobs: int | None = None,
    ffmpeg: Path | None = None,
    progress: Progress = SILENT,
) -> Digest:
    """Build a corpus from real clips, extract its feature table, and leave each source out.

    Args:
        folder: Gets the corpus, the table and the run; work that was done before is kept.
        n_frames: Frames of each clip.
        jobs: Programs at once; all cores by default.
        ffmpeg: The ffmpeg to use.
        progress: Receives notes on the steps.

    Returns:
        The report of the run, with its record and the paths of its files.

    Raises:
        UsageError: the clips are not installed, or the folder cannot be written.
        TinyVmafError: ffmpeg failed.
    """
    folder = Path(folder)
    clips = installed_clips()
    corpus, table = folder / "corpus", folder / "table.parquet"
    n_rungs = len(read_ladder())
    progress.note(f"1/3  encode {len(clips)} real clips, {n_rungs} ways each, into {corpus}")
    build_corpus(
        clips, output=corpus, ffmpeg=ffmpeg, n_frames=n_frames, jobs=jobs, progress=progress
    )
    progress.note(f"2/3  score every frame with libvmaf, into {table}")
    started = time.perf_counter()
    extraction = extract(corpus, ffmpeg=ffmpeg, jobs=jobs, progress=progress)
    for failure in extraction.failures:
        progress.note(f"failed: {failure.pair.name}: {failure.error}")
    extract_s = time.perf_counter() - started
    write_table(extraction.table, table)
    progress.note("3/3  train a model of 257 parameters per held-out source, and judge it there")
    run = folder / "loso_mlp_small"
    digests: list[Digest] = []
    with library_made():
        loso(
            extraction.table,
            folder=run,
            table_origin=address(corpus),
            extract_s=extract_s,
            complete=lambda found, new: digests.append(write_digest(found, new, named=run)),
            progress=progress,
        )
    return digests[0]
