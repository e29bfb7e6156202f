# SPDX-License-Identifier: Apache-2.0
"""`tinyvmaf extract`: from a corpus to a feature table."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NotRequired, TypedDict, Unpack

import typer

from tinyvmaf.cli.console import TERMINAL, show, show_json
from tinyvmaf.cli.options import (
    STALL_S,
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

if TYPE_CHECKING:
    from tinyvmaf.corpus.pair import Corpus
    from tinyvmaf.features.cached_scores import PairScorer
    from tinyvmaf.features.extraction import Extraction, Failure, Written

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
    features: Features = "canonical6",
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
    from tinyvmaf.features.extraction import extract_to
    from tinyvmaf.features.parts import check_folder, is_parts_output
    from tinyvmaf.files import check_writable

    if is_parts_output(output):
        is_new = not output.exists()
        check_folder(output)
        if is_new:
            # An extraction that fails leaves no folder; the first rows make it again.
            with suppress(OSError):
                output.rmdir()
    else:
        check_writable(output)
    corpus, scorer = open_corpus(
        root,
        teacher=teacher,
        engine=engine,
        ffmpeg=ffmpeg,
        size=size,
        pix_fmt=pix_fmt,
        allow=allow,
        cluster=cluster,
        timeout=timeout,
    )
    written = extract_to(
        output,
        corpus,
        scorer=scorer,
        feature_set=features,
        jobs=jobs,
        cluster=cluster,
        progress=TERMINAL,
    )
    _name_failures(written.failures)
    _report(written, output, as_json=as_json)
    if written.failures:
        raise typer.Exit(PARTIAL)


class Options(TypedDict):
    """Options for opening a corpus."""

    teacher: str
    engine: str | None
    ffmpeg: Path | None
    size: str | None
    pix_fmt: str | None
    allow: Allow
    cluster: NotRequired[str | None]
    timeout: NotRequired[float]


def extract_corpus(
    root: Path, *, features: str, jobs: int | None, **options: Unpack[Options]
) -> "Extraction":
    """Extract `root` with progress, and name the pairs that failed."""
    from tinyvmaf.features.extraction import extract as run

    corpus, scorer = open_corpus(root, **options)
    extraction = run(
        corpus,
        scorer=scorer,
        feature_set=features,
        jobs=jobs,
        cluster=options.get("cluster"),
        progress=TERMINAL,
    )
    _name_failures(extraction.failures)
    return extraction


def open_corpus(root: Path, **options: Unpack[Options]) -> "tuple[Corpus, PairScorer]":
    """The pairs of `root` and their engine; files that make no pair are named."""
    from tinyvmaf.corpus.reading import read_corpus
    from tinyvmaf.features.cache import open_cache
    from tinyvmaf.features.cached_scores import PairScorer
    from tinyvmaf.libvmaf.engine import find_engine
    from tinyvmaf.libvmaf.teacher import find_teacher
    from tinyvmaf.storage import absolute

    # A worker has another working folder.
    root = absolute(root) if options.get("cluster") else root
    corpus = read_corpus(root, raw=raw_format(options["size"], options["pix_fmt"]))
    for problem in corpus.problems:
        TERMINAL.note(f"left out: {problem.path}: {problem.reason}")
    scorer = PairScorer(
        engine=find_engine(
            options["engine"], ffmpeg=options["ffmpeg"], stall_s=options.get("timeout", STALL_S)
        ),
        teacher=find_teacher(options["teacher"]),
        cache=open_cache(),
        allowed=frozenset(options["allow"] or ()),
        progress=TERMINAL,
    )
    return corpus, scorer


def _name_failures(failures: "Sequence[Failure]") -> None:
    for failure in failures:
        TERMINAL.fail(f"failed: {failure.pair.name}: {failure.error}")


def _report(written: "Written", output: Path, *, as_json: bool) -> None:
    from tinyvmaf.features.table import hash_table
    from tinyvmaf.storage import address

    if not as_json:
        show(
            f"{address(output)}: {written.n_rows} frames of {written.n_clips} clips of "
            f"{written.n_sources} sources ({written.n_computed} computed, {written.n_cached} "
            f"from the cache, {len(written.failures)} failed)"
        )
        return
    record = {
        "schema": "tinyvmaf.extract/1",
        "table": address(output),
        "rows": written.n_rows,
        "sources": written.n_sources,
        "clips": written.n_clips,
        # Only a file is always the same.
        "sha256": None if output.is_dir() else hash_table(output),
        "teacher": written.info.teacher,
        "computed": written.n_computed,
        "cached": written.n_cached,
        "failed": [
            {"pair": item.pair.name, "reason": str(item.error)} for item in written.failures
        ],
        "notes": list(written.info.notes),
    }
    show_json(record)
