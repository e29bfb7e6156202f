# SPDX-License-Identifier: Apache-2.0
"""From a corpus to a feature table: one decode a pair, cached, many pairs at once.

A pair that fails is named and the others are kept. What was computed survives anything, `kill -9`
included: the next run takes it from the cache. Nothing is believed that the log does not prove.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tinyvmaf.corpus.pair import Corpus, Pair
from tinyvmaf.errors import CorpusError, SchemaError, TinyVmafError
from tinyvmaf.execution.executor import AbstractExecutor, Share
from tinyvmaf.execution.opening import check_workers, open_executor
from tinyvmaf.features.cache import cache_key
from tinyvmaf.features.graph import COMPANION
from tinyvmaf.features.parts import PartsWriter
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


@dataclass(frozen=True, slots=True)
class ExtractedParts:
    """What `extract_parts` wrote.

    Attributes:
        info: Where the rows come from.
        n_rows, n_clips, n_sources: What the table holds.
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
    import polars as pl

    kept = _Kept(feature_set)
    rows: list[pl.DataFrame] = []
    failures = _score_all(
        corpus,
        _ready(scorer, feature_set, jobs=jobs, cluster=cluster),
        open_executor(jobs=jobs, cluster=cluster),
        progress,
        lambda item: rows.append(kept.rows(item)),
    )
    return Extraction(
        # In the order of the table, which then has nothing to sort.
        table=make_table(pl.concat(kept.in_order(rows)), kept.info(scorer)),
        failures=failures,
        n_computed=kept.n_computed,
        n_cached=len(kept.clips) - kept.n_computed,
    )


def extract_parts(
    corpus: Corpus,
    folder: Path,
    *,
    scorer: PairScorer,
    feature_set: str = "canonical6",
    jobs: int | None = None,
    cluster: str | None = None,
    progress: Progress = SILENT,
) -> ExtractedParts:
    """As `extract`, but into the table in parts at `folder`: no more than a part is in memory.

    Raises:
        UsageError: as `extract`, or the folder cannot be written or holds something else.
        ToolError: the cluster cannot be used.
        CorpusError: no pair at all could be computed.
    """
    ready = _ready(scorer, feature_set, jobs=jobs, cluster=cluster)
    kept, writer = _Kept(feature_set), PartsWriter(folder)
    writer.begin()
    failures = _score_all(
        corpus,
        ready,
        open_executor(jobs=jobs, cluster=cluster),
        progress,
        lambda item: writer.add(kept.rows(item)),
    )
    info = kept.info(scorer)
    writer.finish(asdict(info))
    return ExtractedParts(
        info=info,
        n_rows=writer.n_rows,
        n_clips=len(kept.clips),
        n_sources=len({clip.source for clip in kept.clips}),
        failures=failures,
        n_computed=kept.n_computed,
        n_cached=len(kept.clips) - kept.n_computed,
    )


def _ready(
    scorer: PairScorer, feature_set: str, *, jobs: int | None, cluster: str | None
) -> PairScorer:
    """The scorer with the sets that are wanted, after checking what can be checked beforehand."""
    wanted = find_sets(feature_set)
    check_workers(jobs=jobs, cluster=cluster)
    scorer.engine.check(scorer.teacher)
    return replace(scorer, sets=(FULL, *(item for item in wanted if item != FULL)))


def _score_all(
    corpus: Corpus,
    scorer: PairScorer,
    executor: AbstractExecutor,
    progress: Progress,
    keep: Callable[[Scored], None],
) -> tuple[Failure, ...]:
    """Score every pair and hand each result to `keep` as it comes; the failures, by name."""
    pairs = corpus.pairs
    sizes = [_size(pair) for pair in pairs]
    task = progress.task("extract", total=float(sum(n for n, _ in sizes)), unit="frames")
    # The most expensive first, so that no core waits long for the last pair.
    order = sorted(range(len(pairs)), key=lambda index: -sizes[index][1])
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
                keep(found)
    finally:
        task.finish()
    failures.sort(key=lambda failure: failure.pair.name)
    if len(failures) == len(pairs):
        raise CorpusError(_all_failed(corpus, failures))
    return tuple(failures)


def _size(pair: Pair) -> tuple[int, int]:
    """Frames and pixels of a pair; (0, 0) if it cannot be read, which its own turn will tell."""
    try:
        info: VideoInfo = probe(pair.reference)
    except TinyVmafError:
        return 0, 0
    return info.n_frames, info.n_frames * info.width * info.height


@dataclass(frozen=True, slots=True)
class _Clip:
    """What is remembered of a pair whose rows were handed on."""

    source: str
    clip: str
    name: str
    content: tuple[str, str]
    notes: tuple[str, ...]


@dataclass
class _Kept:
    """Makes rows of logs and remembers what the table's origin needs; logs are let go."""

    feature_set: str
    features: tuple[str, ...] = ()
    clips: list[_Clip] = field(default_factory=list[_Clip])
    n_computed: int = 0

    def rows(self, item: Scored) -> "pl.DataFrame":
        """The rows of a pair.

        Raises:
            SchemaError: its log lacks a column.
        """
        self.features = self.features or _columns(self.feature_set, item)
        rows = _rows(item, self.features)
        pair = item.pair
        self.n_computed += not item.cached
        notes = tuple(item.alignment.notes)
        self.clips.append(_Clip(pair.source, pair.clip, pair.name, item.content, notes))
        return rows

    def in_order(self, rows: "Sequence[pl.DataFrame]") -> "list[pl.DataFrame]":
        """What `rows` made, by source and clip."""
        order = sorted(
            range(len(rows)), key=lambda at: (self.clips[at].source, self.clips[at].clip)
        )
        return [rows[at] for at in order]

    def info(self, scorer: PairScorer) -> TableInfo:
        """Where all rows come from."""
        clips = sorted(self.clips, key=lambda clip: (clip.source, clip.clip))
        return TableInfo(
            teacher=scorer.teacher.label,
            features=self.features,
            versions={**versions(), **scorer.engine.versions},
            # A hash of the clips' names and contents.
            corpus=cache_key({clip.name: list(clip.content) for clip in clips}),
            notes=tuple(f"{clip.name}: {note}" for clip in clips for note in clip.notes),
        )


def _columns(feature_set: str, item: Scored) -> tuple[str, ...]:
    """The feature columns of the sets that were asked for, in that order."""
    columns: list[str] = []
    for name in (part.strip() for part in feature_set.split(",")):
        columns += _all_features(item) if name == ALL else SETS[name].columns
    return tuple(columns)


def _all_features(item: Scored) -> tuple[str, ...]:
    """Every column of the pass at full size: the canonical ones first, the others by name."""
    prefixes = tuple(each.prefix for each in SETS.values() if each.prefix)
    full = {name for name in item.log if not name.startswith(prefixes)}
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


def _all_failed(corpus: Corpus, failures: Sequence[Failure]) -> str:
    first = failures[0]
    more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
    return f"{corpus.root}: no pair could be computed; {first.pair.name}: {first.error}{more}"
