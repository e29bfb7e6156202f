# SPDX-License-Identifier: Apache-2.0
"""Extraction of feature tables from corpora: cached, parallel, with few decodes of a reference.

A pair that fails is named and the others are kept. Results survive even `kill -9`: the next run
takes them from the cache. A table's rows are read from the cache once all pairs are done. Every log
is checked to be complete.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tinyvmaf.corpus.pair import Corpus, Pair
from tinyvmaf.corpus.reading import read_corpus
from tinyvmaf.corpus.sources import refuse_twins
from tinyvmaf.errors import SchemaError
from tinyvmaf.execution.opening import check_workers, open_executor
from tinyvmaf.features.cache import cache_key, open_cache
from tinyvmaf.features.cached_scores import PairScorer, Scored
from tinyvmaf.features.groups import Failure, score_all
from tinyvmaf.features.parts import check_output, is_parts_output, write_parts
from tinyvmaf.features.schema import MOS, check_values
from tinyvmaf.features.table import (
    FeatureTable,
    TableInfo,
    hash_written,
    make_table,
    read_table,
    write_rows,
)
from tinyvmaf.features.table_records import EXTRACT_SCHEMA, ExtractRecord, FailedPair
from tinyvmaf.libvmaf.engine import find_engine
from tinyvmaf.libvmaf.graph import COMPANION
from tinyvmaf.libvmaf.logs import Log
from tinyvmaf.libvmaf.model_inputs import model_inputs
from tinyvmaf.libvmaf.sets import ALL, CANONICAL6, FULL, SETS, TARGET, find_sets
from tinyvmaf.libvmaf.teacher import DEFAULT, find_teacher
from tinyvmaf.media.video import RawFormat
from tinyvmaf.pairs.finding import Allowance, allowances
from tinyvmaf.process import STALL_S
from tinyvmaf.progress import SILENT, Progress
from tinyvmaf.provenance import versions
from tinyvmaf.storage import absolute, address

if TYPE_CHECKING:
    import polars as pl

# Columns of a log that are scores, not features.
_NO_FEATURES = frozenset({TARGET, COMPANION})


@dataclass(frozen=True, repr=False)
class Extraction:
    """The result of an extraction.

    Attributes:
        info: Origin of the rows.
        n_rows, n_clips, n_sources: Size of the table.
        failures: The pairs that could not be scored.
        n_computed, n_cached: Pairs computed now, and taken from the cache.
        output: The file or folder that was written; None if the table is in memory.
        in_memory: The table; None if it was written.
    """

    info: TableInfo
    n_rows: int
    n_clips: int
    n_sources: int
    failures: tuple[Failure, ...]
    n_computed: int
    n_cached: int
    output: Path | None = None
    in_memory: FeatureTable | None = None

    @cached_property
    def table(self) -> FeatureTable:
        """The table, read from its file if it was written."""
        if self.in_memory is not None:
            return self.in_memory
        assert self.output is not None  # noqa: S101 (where it is otherwise)
        return read_table(self.output)

    @cached_property
    def record(self) -> ExtractRecord:
        """The record, `tinyvmaf.extract/1`."""
        return ExtractRecord(
            schema=EXTRACT_SCHEMA,
            table=None if self.output is None else address(self.output),
            rows=self.n_rows,
            sources=self.n_sources,
            clips=self.n_clips,
            sha256=hash_written(self.output, self.in_memory),
            teacher=self.info.teacher,
            computed=self.n_computed,
            cached=self.n_cached,
            failed=tuple(FailedPair(item.pair.name, str(item.error)) for item in self.failures),
            notes=self.info.notes,
        )

    def __repr__(self) -> str:
        return (
            f"<Extraction {self.n_rows} frames of {self.n_clips} clips of {self.n_sources} "
            f"sources, {len(self.failures)} pairs failed>"
        )


def extract(
    corpus: Corpus | Path | str,
    *,
    output: Path | str | None = None,
    teacher: str = DEFAULT,
    features: str | None = None,
    engine: str | None = None,
    ffmpeg: Path | None = None,
    raw: RawFormat | None = None,
    allow: Iterable[Allowance | str] = (),
    stall_s: float = STALL_S,
    jobs: int | None = None,
    cluster: str | None = None,
    progress: Progress = SILENT,
) -> Extraction:
    """Score every frame of a corpus with libvmaf and make a feature table of the scores.

    Scores are kept in the user's cache: an extraction that is repeated or was interrupted computes
    only the pairs that are missing there. A pair that fails is named in the result, and the others
    are kept.

    Args:
        corpus: The pairs, or a folder or manifest that `read_corpus` reads.
        output: The table to write, a Parquet file or a folder for parts; otherwise it stays in
            memory.
        teacher: The libvmaf model that labels the frames, a built-in name or a JSON file.
        features: Names of feature sets, separated by commas; `all` stands for every feature of the
            pass at full size, which is always run, since it yields the teacher's score. By default
            `canonical6`, or `all` for a teacher that reads other features than those.
        engine: `ffmpeg` or `vmaf`, libvmaf's own program; by default ffmpeg.
        ffmpeg: The ffmpeg to use.
        raw: Geometry of raw YUV files; by default that of the corpus's layout.
        allow: Differences of the two videos of a pair to accept, such as `frame-count`.
        stall_s: Seconds without a new frame after which a pair is given up.
        jobs: Programs at once on this machine; all cores by default.
        cluster: A Dask cluster that does the work instead: `tcp://HOST:PORT` or `local:N`.
        progress: Receives the number of frames done, and notes about files that are left out.

    Raises:
        UsageError: an argument names something that does not exist, or the table cannot be
            written.
        ToolError: ffmpeg or the cluster cannot be used.
        CorpusError: there is no corpus, or no pair at all could be scored.
        SplitError: two sources are one content.
    """
    path = None if output is None else Path(output)
    if path is not None:
        check_output(path)
    if not isinstance(corpus, Corpus):
        # A worker of a cluster has another working folder.
        root = Path(corpus) if cluster is None else absolute(Path(corpus))
        corpus = read_corpus(root, raw=raw)
        for problem in corpus.problems:
            progress.note(f"left out: {problem.path}: {problem.reason}")
    scorer = PairScorer(
        engine=find_engine(engine, ffmpeg=ffmpeg, stall_s=stall_s),
        teacher=find_teacher(teacher),
        cache=open_cache(),
        allowed=allowances(allow),
        progress=progress,
    )
    return extract_pairs(
        corpus,
        scorer=scorer,
        feature_set=features_of(scorer.teacher.label, features, progress),
        output=path,
        jobs=jobs,
        cluster=cluster,
        progress=progress,
    )


def features_of(teacher: str, features: str | None, progress: Progress) -> str:
    """The feature sets to keep, with a note if the teacher reads others than asked for."""
    inputs = model_inputs(teacher)
    if inputs is None or inputs == CANONICAL6:
        return features or FULL.name
    reads = f"{teacher} reads {', '.join(inputs)}"
    if features is None:
        progress.note(f"{reads}: all features are kept, its own among them")
        return ALL
    if ALL not in (name.strip() for name in features.split(",")):
        progress.note(f"{reads}, which `features='{features}'` leaves out; add {ALL} to keep them")
    return features


def extract_pairs(
    corpus: Corpus,
    *,
    scorer: PairScorer,
    feature_set: str = FULL.name,
    output: Path | None = None,
    jobs: int | None = None,
    cluster: str | None = None,
    progress: Progress = SILENT,
) -> Extraction:
    """As `extract`, with a given scorer: engine, teacher, cache and accepted findings.

    A table that is written needs memory for one piece of it only.
    """
    ready = _ready(scorer, feature_set, jobs=jobs, cluster=cluster)
    _refuse_one_content_twice(corpus, scorer)
    found = score_all(corpus, ready, open_executor(jobs=jobs, cluster=cluster), progress)
    rows = ExtractedRows(found.scored, feature_set)
    info = _info(rows, scorer)
    table = None
    if output is None:
        import polars as pl

        table = make_table(pl.concat(rows), info)
    elif is_parts_output(output):
        write_parts(rows, info.record(), output)
    else:
        write_rows(rows, info, output)
    return Extraction(
        info=info,
        n_rows=rows.n_rows,
        n_clips=len(found.scored),
        n_sources=len({item.pair.source for item in found.scored}),
        failures=found.failures,
        n_computed=found.n_computed,
        n_cached=len(found.scored) - found.n_computed,
        output=output,
        in_memory=table,
    )


def _ready(
    scorer: PairScorer, feature_set: str, *, jobs: int | None, cluster: str | None
) -> PairScorer:
    """The scorer with the requested sets, after all checks that need no decoding."""
    wanted = find_sets(feature_set)
    check_workers(jobs=jobs, cluster=cluster)
    scorer.engine.check(scorer.teacher)
    return replace(scorer, sets=(FULL, *(item for item in wanted if item != FULL)))


def _refuse_one_content_twice(corpus: Corpus, scorer: PairScorer) -> None:
    """Refuse one reference under two names before any work, as far as a quick check can find it."""
    of_size: dict[int, set[tuple[str, Path]]] = defaultdict(set)
    for source, path in {(pair.source, pair.reference.path) for pair in corpus.pairs}:
        with suppress(OSError):  # reported when the pair is scored; so are files in object stores
            of_size[path.stat().st_size].add((source, path))
    hashes: dict[str, list[str]] = defaultdict(list)
    for named in of_size.values():
        if len({source for source, _ in named}) > 1:
            for source, path in named:
                hashes[source].append(scorer.cache.content_hash(path))
    known = {source: tuple(found) for source, found in hashes.items()}
    refuse_twins(corpus.sources, references=known)


class ExtractedRows:
    """The rows of the table in order, read from the cache in pieces.

    Attributes:
        scored: The pairs, in order.
        features: The requested feature columns.
        labels: `mos`, if the corpus has opinion scores.
        n_rows: Number of rows read so far.
    """

    def __init__(self, scored: Sequence[Scored], feature_set: str) -> None:
        self.scored = scored
        with closing(scored[0].log.parts()) as parts:
            self.features = _columns(feature_set, next(parts))
        self.labels = (MOS,) if any(item.pair.mos is not None for item in scored) else ()
        self.n_rows = 0

    def __iter__(self) -> "Iterator[pl.DataFrame]":
        import polars as pl

        for item in self.scored:
            frame = 0
            with closing(item.log.parts()) as parts:
                for part in parts:
                    rows = _rows(item.pair, part, self.features, first=frame)
                    if self.labels:
                        rows = rows.with_columns(pl.lit(item.pair.mos, pl.Float64).alias(MOS))
                    check_values(rows, self.features, labels=self.labels)
                    frame += rows.height
                    self.n_rows += rows.height
                    yield rows


def _columns(feature_set: str, log: Log) -> tuple[str, ...]:
    """The feature columns of the requested sets, in that order."""
    columns: list[str] = []
    for name in (part.strip() for part in feature_set.split(",")):
        columns += _all_features(log) if name == ALL else SETS[name].columns
    return tuple(columns)


def _all_features(log: Log) -> tuple[str, ...]:
    """Every column of the pass at full size: the canonical ones first, the others by name."""
    prefixes = tuple(each.prefix for each in SETS.values() if each.prefix)
    full = {name for name in log if not name.startswith(prefixes)}
    return (*CANONICAL6, *sorted(full - set(CANONICAL6) - _NO_FEATURES))


def _rows(pair: Pair, part: Log, features: tuple[str, ...], *, first: int) -> "pl.DataFrame":
    import polars as pl

    missing = [name for name in (*features, TARGET) if name not in part]
    if missing:
        raise SchemaError(
            f"{pair.name}: libvmaf's log has no {', '.join(missing)}; it has {', '.join(part)}"
        )
    n_frames = len(part[TARGET])
    return pl.DataFrame(
        {
            "source": pl.repeat(pair.source, n_frames, eager=True),
            "clip": pl.repeat(pair.clip, n_frames, eager=True),
            "frame": pl.int_range(first, first + n_frames, dtype=pl.UInt32, eager=True),
            **{name: part[name] for name in (*features, TARGET)},
        }
    )


def _info(rows: ExtractedRows, scorer: PairScorer) -> TableInfo:
    """The origin of the rows.

    Raises:
        SplitError: two sources have one reference.
    """
    references: dict[str, set[str]] = defaultdict(set)
    for item in rows.scored:
        references[item.pair.source].add(item.content[0])
    known = {source: tuple(sorted(found)) for source, found in references.items()}
    refuse_twins(known, references=known)
    return TableInfo(
        teacher=scorer.teacher.label,
        features=rows.features,
        labels=rows.labels,
        versions={**versions(), **scorer.engine.versions},
        # A hash of the clips' names and contents.
        corpus=cache_key({item.pair.name: list(item.content) for item in rows.scored}),
        notes=tuple(f"{item.pair.name}: {note}" for item in rows.scored for note in item.remarks),
        references=known,
    )
