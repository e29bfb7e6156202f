# SPDX-License-Identifier: Apache-2.0
"""From a corpus to a feature table: one decode a pair, cached, many pairs at once.

A pair that fails is named and the others are kept. What was computed survives anything, `kill -9`
included: the next run takes it from the cache. Nothing is believed that the log does not prove.
"""

from collections.abc import Sequence
from concurrent.futures import Future, as_completed
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tinyvmaf.corpus.pair import Corpus, Pair
from tinyvmaf.errors import CorpusError, SchemaError, TinyVmafError
from tinyvmaf.execution.executor import AbstractExecutor, Share
from tinyvmaf.execution.opening import check_workers, open_executor
from tinyvmaf.features.cache import cache_key
from tinyvmaf.features.graph import COMPANION
from tinyvmaf.features.scorer import PairScorer, Scored, ScorePair
from tinyvmaf.features.sets import ALL, CANONICAL6, FULL, SETS, TARGET, find_sets
from tinyvmaf.features.table import FeatureTable, TableInfo, make_table
from tinyvmaf.media.video import VideoInfo, probe
from tinyvmaf.progress import SILENT, Progress
from tinyvmaf.provenance import versions

if TYPE_CHECKING:
    import polars as pl

# Columns of a log that are scores, not features.
_NO_FEATURES = frozenset({TARGET, COMPANION})


@dataclass(frozen=True, slots=True)
class Failure:
    """A pair that could not be computed."""

    pair: Pair
    error: TinyVmafError


@dataclass(frozen=True, slots=True)
class Extraction:
    """What `extract` made.

    Attributes:
        table: The rows of every pair that worked.
        failures: The pairs that did not.
        n_computed, n_cached: Pairs computed now, and taken from the cache.
    """

    table: FeatureTable
    failures: tuple[Failure, ...] = ()
    n_computed: int = 0
    n_cached: int = 0


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
        scorer: Engine, teacher, cache and what is allowed.
        feature_set: Names of feature sets, separated by commas; `all` stands for every feature
            that the pass at full size yields. That pass is always run: it is the teacher's.
        jobs: Pairs at once on this machine; all cores by default.
        cluster: A Dask cluster that does the work instead, as `open_executor` takes it.
        progress: Told of frames.

    Raises:
        UsageError: an unknown feature set, or fewer than one job.
        ToolError: the cluster cannot be used.
        CorpusError: no pair at all could be computed.
    """
    wanted = find_sets(feature_set)
    scorer = replace(scorer, sets=(FULL, *(item for item in wanted if item != FULL)))
    check_workers(jobs=jobs, cluster=cluster)
    scorer.engine.check(scorer.teacher)
    executor = open_executor(jobs=jobs, cluster=cluster)
    scored, failures = _score_all(corpus.pairs, scorer, executor, progress)
    if not scored:
        raise CorpusError(_all_failed(corpus, failures))
    return Extraction(
        table=_make_table(scored, feature_set, scorer),
        failures=tuple(failures),
        n_computed=sum(not item.cached for item in scored),
        n_cached=sum(item.cached for item in scored),
    )


def _score_all(
    pairs: Sequence[Pair], scorer: PairScorer, executor: AbstractExecutor, progress: Progress
) -> tuple[list[Scored], list[Failure]]:
    sizes = [_size(pair) for pair in pairs]
    task = progress.task("extract", total=float(sum(n for n, _ in sizes)), unit="frames")
    # The most expensive first, so that no core waits long for the last pair.
    order = sorted(range(len(pairs)), key=lambda index: -sizes[index][1])
    scored: list[Scored] = []
    failures: list[Failure] = []
    waiting: dict[Future[Scored], tuple[Pair, Share]] = {}
    try:
        with executor:
            for index in order:
                pair, share = pairs[index], Share(task, sizes[index][0])
                work = ScorePair(scorer=replace(scorer, progress=SILENT), pair=pair)
                waiting[executor.submit(work, on_frame=share.reach)] = pair, share
            for future in as_completed(waiting):
                pair, share = waiting.pop(future)
                share.complete()
                try:
                    found = future.result()
                except TinyVmafError as error:
                    failures.append(Failure(pair, error))
                    continue
                for note in found.notes:
                    progress.note(note)
                scored.append(found)
    finally:
        task.finish()
    return scored, sorted(failures, key=lambda failure: failure.pair.name)


def _size(pair: Pair) -> tuple[int, int]:
    """Frames and pixels of a pair; (0, 0) if it cannot be read, which its own turn will tell."""
    try:
        info: VideoInfo = probe(pair.reference)
    except TinyVmafError:
        return 0, 0
    return info.n_frames, info.n_frames * info.width * info.height


def _make_table(scored: Sequence[Scored], feature_set: str, scorer: PairScorer) -> FeatureTable:
    import polars as pl

    parts = sorted(scored, key=lambda item: (item.pair.source, item.pair.clip))
    features = _columns(feature_set, parts)
    rows = pl.concat([_rows(item, features) for item in parts])
    notes = tuple(f"{item.pair.name}: {note}" for item in parts for note in item.alignment.notes)
    info = TableInfo(
        teacher=scorer.teacher.label,
        features=features,
        versions={**versions(), **scorer.engine.versions},
        corpus=_fingerprint(parts),
        notes=notes,
    )
    return make_table(rows, info)


def _columns(feature_set: str, parts: Sequence[Scored]) -> tuple[str, ...]:
    """The feature columns of the sets that were asked for, in that order."""
    columns: list[str] = []
    for name in (part.strip() for part in feature_set.split(",")):
        columns += _all_features(parts) if name == ALL else SETS[name].columns
    return tuple(columns)


def _all_features(parts: Sequence[Scored]) -> tuple[str, ...]:
    """Every column of the pass at full size: the canonical ones first, the others by name."""
    prefixes = tuple(item.prefix for item in SETS.values() if item.prefix)
    full = {name for name in parts[0].log if not name.startswith(prefixes)}
    return (*CANONICAL6, *sorted(full - set(CANONICAL6) - _NO_FEATURES))


def _rows(item: Scored, features: tuple[str, ...]) -> "pl.DataFrame":
    import polars as pl

    missing = [name for name in (*features, TARGET) if name not in item.log]
    if missing:
        raise SchemaError(
            f"{item.pair.name}: libvmaf's log has no {', '.join(missing)}; "
            f"it has {', '.join(item.log)}"
        )
    n_frames = len(item.log[TARGET])
    return pl.DataFrame(
        {
            "source": pl.repeat(item.pair.source, n_frames, eager=True),
            "clip": pl.repeat(item.pair.clip, n_frames, eager=True),
            "frame": pl.int_range(n_frames, dtype=pl.UInt32, eager=True),
            **{name: item.log[name] for name in (*features, TARGET)},
        }
    )


def _fingerprint(parts: Sequence[Scored]) -> str:
    """A hash of the clips' names and contents."""
    return cache_key({item.pair.name: list(item.content) for item in parts})


def _all_failed(corpus: Corpus, failures: Sequence[Failure]) -> str:
    first = failures[0]
    more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
    return f"{corpus.root}: no pair could be computed; {first.pair.name}: {first.error}{more}"
