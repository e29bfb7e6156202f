# SPDX-License-Identifier: Apache-2.0
"""From a corpus to a feature table: one decode a pair, cached, many pairs at once.

A pair that fails is named and the others are kept. What was computed survives anything, `kill -9`
included: the next run takes it from the cache. Nothing is believed that the log does not prove.
"""

from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tinyvmaf.corpus.pair import Corpus, Pair
from tinyvmaf.errors import CorpusError, SchemaError, TinyVmafError
from tinyvmaf.features.cache import Cache, cache_key
from tinyvmaf.features.graph import COMPANION
from tinyvmaf.features.scorer import PairScorer, Scored
from tinyvmaf.features.sets import ALL, CANONICAL6, FULL, SETS, TARGET, find_sets
from tinyvmaf.features.table import FeatureTable, TableInfo, make_table
from tinyvmaf.media.process import n_jobs, stop_pool
from tinyvmaf.media.video import VideoInfo, probe
from tinyvmaf.progress import SILENT, Progress, Task
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
    progress: Progress = SILENT,
) -> Extraction:
    """Score every pair of `corpus` and put the frames into one table.

    Args:
        corpus: The pairs.
        scorer: Engine, teacher, cache and what is allowed.
        feature_set: Names of feature sets, separated by commas; `all` stands for every feature
            that the pass at full size yields. That pass is always run: it is the teacher's.
        jobs: Pairs at once; all cores by default.
        progress: Told of frames.

    Raises:
        UsageError: an unknown feature set, or fewer than one job.
        CorpusError: no pair at all could be computed.
    """
    wanted = find_sets(feature_set)
    scorer = replace(scorer, sets=(FULL, *(item for item in wanted if item != FULL)))
    jobs = n_jobs(jobs)
    scorer.engine.check(scorer.teacher)
    scored, failures = _score_all(corpus.pairs, scorer, jobs, progress)
    if not scored:
        raise CorpusError(_all_failed(corpus, failures))
    return Extraction(
        table=_make_table(scored, feature_set, scorer),
        failures=tuple(failures),
        n_computed=sum(not item.cached for item in scored),
        n_cached=sum(item.cached for item in scored),
    )


def _score_all(
    pairs: Sequence[Pair], scorer: PairScorer, jobs: int, progress: Progress
) -> tuple[list[Scored], list[Failure]]:
    sizes = [_size(pair) for pair in pairs]
    task = progress.task("extract", total=float(sum(n for n, _ in sizes)), unit="frames")
    # The most expensive first, so that no core waits long for the last pair.
    order = sorted(range(len(pairs)), key=lambda index: -sizes[index][1])
    scored: list[Scored] = []
    failures: list[Failure] = []
    pool = ThreadPoolExecutor(jobs)
    waiting: dict[Future[Scored], Pair] = {}
    try:
        for index in order:
            pair = pairs[index]
            waiting[pool.submit(_score_one, scorer, pair, sizes[index][0], task)] = pair
        while waiting:
            done, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                _collect(future, waiting.pop(future), scored, failures)
    except BaseException:
        # Ctrl-C or a bug: no ffmpeg may outlive us, and nothing waiting may start.
        stop_pool(pool, waiting)
        raise
    finally:
        task.finish()
        pool.shutdown(wait=True)
    return scored, sorted(failures, key=lambda failure: failure.pair.name)


def _score_one(scorer: PairScorer, pair: Pair, n_frames: int, task: Task) -> Scored:
    done = 0

    def on_frame(count: int) -> None:
        nonlocal done
        task.advance(float(min(count, n_frames) - done))
        done = min(count, n_frames)

    scored = scorer.score(pair, on_frame=on_frame)
    on_frame(n_frames)
    return scored


def _collect(
    future: "Future[Scored]", pair: Pair, scored: list[Scored], failures: list[Failure]
) -> None:
    try:
        scored.append(future.result())
    except TinyVmafError as error:
        failures.append(Failure(pair, error))


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
        corpus=_fingerprint(parts, scorer.cache),
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


def _fingerprint(parts: Sequence[Scored], cache: Cache) -> str:
    """A hash of the clips' names and contents."""
    return cache_key(
        {
            item.pair.name: [
                cache.content_hash(item.pair.reference.path),
                cache.content_hash(item.pair.distorted.path),
            ]
            for item in parts
        }
    )


def _all_failed(corpus: Corpus, failures: Sequence[Failure]) -> str:
    first = failures[0]
    more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
    return f"{corpus.root}: no pair could be computed; {first.pair.name}: {first.error}{more}"
