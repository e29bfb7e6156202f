# SPDX-License-Identifier: Apache-2.0
"""`tinyvmaf extract`: from a corpus to a feature table."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinyvmaf.cli.console import TERMINAL, show, show_json
from tinyvmaf.cli.options import (
    Allow,
    Cluster,
    EngineName,
    Features,
    FfmpegPath,
    Jobs,
    Json,
    PixFmt,
    Root,
    Size,
    Teacher,
    Timeout,
    raw_format,
)
from tinyvmaf.process import STALL_S
from tinyvmaf.storage import address
from tinyvmaf.typed_json import to_json

if TYPE_CHECKING:
    from tinyvmaf.features.extraction import Extraction

PARTIAL = 3


def extract(
    root: Root,
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help="The table to write: a Parquet file, or a folder (no suffix) for parts.",
        ),
    ],
    teacher: Teacher = "vmaf_v0.6.1",
    features: Features = None,
    jobs: Jobs = None,
    cluster: Cluster = None,
    engine: EngineName = None,
    ffmpeg: FfmpegPath = None,
    size: Size = None,
    pix_fmt: PixFmt = None,
    allow: Allow = None,
    timeout: Timeout = STALL_S,
    as_json: Json = False,
) -> None:
    """Score every frame of a corpus with libvmaf and write the feature table."""
    # Read when Polars is imported. Each of its threads works on rows of its own, and memory that it
    # keeps would grow with the table; ffmpeg takes nearly all of the time.
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    os.environ.setdefault("_RJEM_MALLOC_CONF", "narenas:1,dirty_decay_ms:0,muzzy_decay_ms:0")
    from tinyvmaf.features.extraction import extract as extract_table

    found = extract_table(
        root,
        output=output,
        teacher=teacher,
        features=features,
        engine=engine,
        ffmpeg=ffmpeg,
        raw=raw_format(size, pix_fmt),
        allow=allow or (),
        stall_s=timeout,
        jobs=jobs,
        cluster=cluster,
        progress=TERMINAL,
    )
    name_failures(found)
    if as_json:
        show_json(to_json(found.record))
    else:
        show(
            f"{address(output)}: {found.n_rows} frames of {found.n_clips} clips of "
            f"{found.n_sources} sources ({found.n_computed} computed, {found.n_cached} from the "
            f"cache, {len(found.failures)} failed)"
        )
    if found.failures:
        raise typer.Exit(PARTIAL)


def name_failures(found: "Extraction") -> None:
    """Name the pairs of an extraction that failed."""
    for failure in found.failures:
        TERMINAL.fail(f"failed: {failure.pair.name}: {failure.error}")
