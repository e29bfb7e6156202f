# SPDX-License-Identifier: Apache-2.0
"""Extraction of feature tables from corpora: cached, parallel, with few decodes of a reference.

A pair that fails is named and the others are kept. Results survive even `kill -9`: the next run
takes them from the cache. A table's rows are read from the cache once all pairs are done. Every log
is checked to be complete.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tinyvmaf.corpus.pair import Corpus, Pair
from tinyvmaf.corpus.sources import refuse_twins
from tinyvmaf.errors import CorpusError, TinyVmafError
from tinyvmaf.execution.executor import AbstractExecutor, Share, as_they_end
from tinyvmaf.execution.opening import check_workers, open_executor
from tinyvmaf.features.cache import cache_key
from tinyvmaf.features.cached_scores import PairScorer, Scored
from tinyvmaf.features.extracted_rows import ExtractedRows
from tinyvmaf.features.groups import Group, Size, groups
from tinyvmaf.features.parts import is_parts_output, write_parts
from tinyvmaf.features.table import FeatureTable, TableInfo, make_table, write_rows
from tinyvmaf.features.work import ScorePairs
from tinyvmaf.libvmaf.sets import FULL, find_sets
from tinyvmaf.media.probing import probe
from tinyvmaf.progress import SILENT, Progress
from tinyvmaf.provenance import versions


@dataclass(frozen=True, slots=True)
class Failure:
    """A pair that could not be computed."""

    pair: Pair
    error: TinyVmafError


@dataclass(frozen=True, slots=True)
class Extraction:
    """The result of `extract`.

    Attributes:
        table: The rows of every pair that was scored.
        failures: The pairs that could not be scored.
        n_computed, n_cached: Pairs computed now, and taken from the cache.
    """

    table: FeatureTable
    failures: tuple[Failure, ...] = ()
    n_computed: int = 0
    n_cached: int = 0


@dataclass(frozen=True, slots=True)
class Written:
    """The result of `extract_to`.

    Attributes:
        info: Origin of the rows.
        n_rows, n_clips, n_sources: Size of the table.
        failures: The pairs that could not be computed.
        n_computed, n_cached: Pairs computed now, and taken from the cache.
    """

    info: TableInfo
    n_rows: int
    n_clips: int
    n_sources: int
    failures: tuple[Failure, ...]
    n_computed: int
    n_cached: int


def extract(
    corpus: Corpus,
    *,
    scorer: PairScorer,
    feature_set: str = "canonical6",
    jobs: int | None = None,
    cluster: str | None = None,
    progress: Progress = SILENT,
) -> Extraction:
    """Score every pair of `corpus` and put the frames into one table.

    Args:
        corpus: The pairs.
        scorer: Engine, teacher, cache and accepted findings.
        feature_set: Names of feature sets, separated by commas; `all` stands for every feature
            of the pass at full size, which is always run, since it yields the teacher's score.
        jobs: Programs at once on this machine; all cores by default.
        cluster: A Dask cluster that does the work instead, as `open_executor` takes it.
        progress: Receives the number of frames done.

    Raises:
        UsageError: an unknown feature set, or fewer than one job.
        ToolError: the cluster cannot be used.
        CorpusError: no pair at all could be computed.
        SplitError: two sources are one content.
    """
    import polars as pl

    ready = _ready(scorer, feature_set, jobs=jobs, cluster=cluster)
    _refuse_one_content_twice(corpus, scorer)
    found = _score_all(corpus, ready, open_executor(jobs=jobs, cluster=cluster), progress)
    rows = ExtractedRows(found.scored, feature_set)
    return Extraction(
        table=make_table(pl.concat(rows), _info(rows, scorer)),
        failures=found.failures,
        n_computed=found.n_computed,
        n_cached=len(found.scored) - found.n_computed,
    )


def extract_to(
    output: Path,
    corpus: Corpus,
    *,
    scorer: PairScorer,
    feature_set: str = "canonical6",
    jobs: int | None = None,
    cluster: str | None = None,
    progress: Progress = SILENT,
) -> Written:
    """As `extract`, but into a file or into parts at `output`, one piece in memory at a time.

    Raises:
        UsageError: as `extract`, or the table cannot be written.
        ToolError: the cluster cannot be used.
        CorpusError: no pair at all could be computed.
        SplitError: two sources are one content.
    """
    ready = _ready(scorer, feature_set, jobs=jobs, cluster=cluster)
    _refuse_one_content_twice(corpus, scorer)
    found = _score_all(corpus, ready, open_executor(jobs=jobs, cluster=cluster), progress)
    rows = ExtractedRows(found.scored, feature_set)
    info = _info(rows, scorer)
    if is_parts_output(output):
        write_parts(rows, asdict(info), output)
    else:
        write_rows(rows, info, output)
    return Written(
        info=info,
        n_rows=rows.n_rows,
        n_clips=len(found.scored),
        n_sources=len({item.pair.source for item in found.scored}),
        failures=found.failures,
        n_computed=found.n_computed,
        n_cached=len(found.scored) - found.n_computed,
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
    """Refuse one reference under two names before any work, as far as a quick check shows."""
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


@dataclass(frozen=True, slots=True)
class _Found:
    """Scored pairs in the order of the table, and failed ones by name."""

    scored: tuple[Scored, ...]
    failures: tuple[Failure, ...]

    @property
    def n_computed(self) -> int:
        return sum(not item.cached for item in self.scored)


def _score_all(
    corpus: Corpus, scorer: PairScorer, executor: AbstractExecutor, progress: Progress
) -> _Found:
    """Score every pair; their logs stay in the cache."""
    sizes = {pair: _size(pair) for pair in corpus.pairs}
    n_frames = sum(size.n_frames for size in sizes.values())
    task = progress.task("extract", total=float(n_frames), unit="frames")
    shares = {pair: Share(task, size.n_frames) for pair, size in sizes.items()}
    scored, failures = list[Scored](), list[Failure]()
    try:
        with executor:
            n_workers = executor.n_workers
            wanted = groups(sizes, at_once=scorer.engine.at_once, n_workers=n_workers)
            for group, outcome in _outcomes(wanted, scorer, executor, shares):
                for pair in group:
                    shares[pair].complete()
                if isinstance(outcome, TinyVmafError):
                    failures += [Failure(pair, outcome) for pair in group]
                    continue
                for item in outcome:
                    for note in item.notes:
                        progress.note(note)
                scored += outcome
    finally:
        task.finish()
    failures.sort(key=lambda failure: failure.pair.name)
    if len(failures) == len(corpus.pairs):
        raise CorpusError(_all_failed(corpus, failures))
    scored.sort(key=lambda item: (item.pair.source, item.pair.clip))
    return _Found(tuple(scored), tuple(failures))


def _outcomes(
    wanted: Iterable[Group],
    scorer: PairScorer,
    executor: AbstractExecutor,
    shares: Mapping[Pair, Share],
) -> Iterator[tuple[Group, tuple[Scored, ...] | TinyVmafError]]:
    """Yield the result of every group as it ends; a failed group is retried pair by pair."""

    def submit(group: Group) -> Future[tuple[Scored, ...]]:
        def on_frame(count: int) -> None:
            for pair in group:
                shares[pair].reach(count)

        work = ScorePairs(scorer=replace(scorer, progress=SILENT), pairs=group)
        return executor.submit(work, on_frame=on_frame)

    waiting = {submit(group): group for group in wanted}
    while waiting:
        for future in as_they_end(tuple(waiting)):
            group, error = waiting.pop(future), future.exception()
            if error is None:
                yield group, future.result()
            elif not isinstance(error, TinyVmafError):
                raise error
            elif len(group) == 1:
                yield group, error
            else:
                # Scored alone, the faulty pair is identified and the others are kept.
                waiting.update((submit((pair,)), (pair,)) for pair in group)


def _size(pair: Pair) -> Size:
    try:
        info = probe(pair.reference)
    except TinyVmafError:
        return Size()  # reported when the pair is scored
    return Size(info.n_frames, info.width * info.height)


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


def _all_failed(corpus: Corpus, failures: Sequence[Failure]) -> str:
    first = failures[0]
    more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
    return f"{corpus.root}: no pair could be computed; {first.pair.name}: {first.error}{more}"
