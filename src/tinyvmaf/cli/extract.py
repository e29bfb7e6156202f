# SPDX-License-Identifier: Apache-2.0
"""`tinyvmaf extract`: from a corpus to a feature table."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    from tinyvmaf.features.extraction import Extraction

PARTIAL = 3


def extract(
    root: Root,
    output: Annotated[Path, typer.Option("-o", "--output", help="The table (Parquet) to write.")],
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
    from tinyvmaf.features.table import write_table
    from tinyvmaf.files import check_writable

    _check_allowed(allow)
    check_writable(output)
    extraction = extract_corpus(
        root,
        teacher=teacher,
        features=features,
        jobs=jobs,
        cluster=cluster,
        engine=engine,
        ffmpeg=ffmpeg,
        size=size,
        pix_fmt=pix_fmt,
        allow=allow,
        timeout=timeout,
    )
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


def extract_corpus(
    root: Path,
    *,
    teacher: str,
    features: str,
    jobs: int | None,
    engine: str | None,
    ffmpeg: Path | None,
    size: str | None,
    pix_fmt: str | None,
    allow: Allow,
    cluster: str | None = None,
    timeout: float = STALL_S,
) -> "Extraction":
    """Extract `root` with progress, and name the pairs that failed."""
    from tinyvmaf.corpus.scan import read_corpus
    from tinyvmaf.features.cache import open_cache
    from tinyvmaf.features.engine import find_engine
    from tinyvmaf.features.extraction import extract as run
    from tinyvmaf.features.scorer import PairScorer
    from tinyvmaf.features.teacher import find_teacher
    from tinyvmaf.storage import absolute

    # A worker has another working folder.
    root = absolute(root) if cluster else root
    corpus = read_corpus(root, raw=raw_format(size, pix_fmt))
    for problem in corpus.problems:
        TERMINAL.note(f"left out: {problem.path}: {problem.reason}")
    scorer = PairScorer(
        engine=find_engine(engine, ffmpeg=ffmpeg, stall_s=timeout),
        teacher=find_teacher(teacher),
        cache=open_cache(),
        allowed=frozenset(allow or ()),
        progress=TERMINAL,
    )
    extraction = run(
        corpus,
        scorer=scorer,
        feature_set=features,
        jobs=jobs,
        cluster=cluster,
        progress=TERMINAL,
    )
    for failure in extraction.failures:
        TERMINAL.fail(f"failed: {failure.pair.name}: {failure.error}")
    return extraction


def _report(extraction: "Extraction", output: Path, *, as_json: bool) -> None:
    from tinyvmaf.storage import address

    table = extraction.table
    record = {
        "schema": "tinyvmaf.extract/1",
        "table": address(output),
        "rows": table.rows.height,
        "sources": len(table.sources),
        "clips": table.n_clips,
        "sha256": table.sha256,
        "teacher": table.info.teacher,
        "computed": extraction.n_computed,
        "cached": extraction.n_cached,
        "failed": [
            {"pair": item.pair.name, "reason": str(item.error)} for item in extraction.failures
        ],
        "notes": list(table.info.notes),
    }
    if as_json:
        show_json(record)
        return
    show(
        f"{address(output)}: {table.rows.height} frames of {table.n_clips} clips of "
        f"{len(table.sources)} sources ({extraction.n_computed} computed, "
        f"{extraction.n_cached} from the cache, {len(extraction.failures)} failed)"
    )
