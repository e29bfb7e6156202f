# SPDX-License-Identifier: Apache-2.0
"""`tinyvmaf extract`: from a corpus to a feature table."""

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
from tinyvmaf.errors import UsageError

if TYPE_CHECKING:
    from tinyvmaf.corpus.pair import Corpus
    from tinyvmaf.features.extraction import ExtractedParts, Extraction
    from tinyvmaf.features.scorer import PairScorer

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
    from tinyvmaf.features.extraction import extract_parts
    from tinyvmaf.features.parts import check_folder, is_parts_output
    from tinyvmaf.features.table import write_table
    from tinyvmaf.files import check_writable

    _check_allowed(allow)
    in_parts = is_parts_output(output)
    if in_parts:
        check_folder(output)
    else:
        check_writable(output)
    options: Options = {
        "teacher": teacher,
        "engine": engine,
        "ffmpeg": ffmpeg,
        "size": size,
        "pix_fmt": pix_fmt,
        "allow": allow,
        "cluster": cluster,
        "timeout": timeout,
    }
    if in_parts:
        corpus, scorer = open_corpus(root, **options)
        extraction = extract_parts(
            corpus,
            output,
            scorer=scorer,
            feature_set=features,
            jobs=jobs,
            cluster=cluster,
            progress=TERMINAL,
        )
        _name_failures(extraction)
    else:
        extraction = extract_corpus(root, features=features, jobs=jobs, **options)
        write_table(extraction.table, output)
    _report(extraction, output, as_json=as_json)
    if extraction.failures:
        raise typer.Exit(PARTIAL)


def _check_allowed(allow: Allow) -> None:
    """Refuse words that only `score` acts on: it alone looks at pictures."""
    from tinyvmaf.features.alignment import OF_HEADERS

    for word in allow or ():
        if word not in OF_HEADERS:
            raise UsageError(
                f"--allow {word}: extract does not look for that, only score does; "
                f"expected one of {', '.join(sorted(OF_HEADERS))}"
            )


class Options(TypedDict):
    """What a corpus is opened with."""

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
    _name_failures(extraction)
    return extraction


def open_corpus(root: Path, **options: Unpack[Options]) -> "tuple[Corpus, PairScorer]":
    """The pairs of `root` and what scores them; what makes no pair is named."""
    from tinyvmaf.corpus.scan import read_corpus
    from tinyvmaf.features.cache import open_cache
    from tinyvmaf.features.engine import find_engine
    from tinyvmaf.features.scorer import PairScorer
    from tinyvmaf.features.teacher import find_teacher
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


def _name_failures(extraction: "Extraction | ExtractedParts") -> None:
    for failure in extraction.failures:
        TERMINAL.fail(f"failed: {failure.pair.name}: {failure.error}")


def _report(extraction: "Extraction | ExtractedParts", output: Path, *, as_json: bool) -> None:
    from tinyvmaf.features.extraction import ExtractedParts
    from tinyvmaf.storage import address

    if isinstance(extraction, ExtractedParts):
        # The hash of a table is that of its sorted rows, which are not in memory here.
        info, sha256 = extraction.info, None
        counts = extraction.n_rows, extraction.n_sources, extraction.n_clips
    else:
        table = extraction.table
        info, sha256 = table.info, table.sha256
        counts = table.rows.height, len(table.sources), table.n_clips
    n_rows, n_sources, n_clips = counts
    record = {
        "schema": "tinyvmaf.extract/1",
        "table": address(output),
        "rows": n_rows,
        "sources": n_sources,
        "clips": n_clips,
        "sha256": sha256,
        "teacher": info.teacher,
        "computed": extraction.n_computed,
        "cached": extraction.n_cached,
        "failed": [
            {"pair": item.pair.name, "reason": str(item.error)} for item in extraction.failures
        ],
        "notes": list(info.notes),
    }
    if as_json:
        show_json(record)
        return
    show(
        f"{address(output)}: {n_rows} frames of {n_clips} clips of {n_sources} sources "
        f"({extraction.n_computed} computed, {extraction.n_cached} from the cache, "
        f"{len(extraction.failures)} failed)"
    )
