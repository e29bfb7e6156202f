# SPDX-License-Identifier: Apache-2.0
"""Groups of pairs that share a decode of their reference, and their scoring on an executor.

A group is a task of the executor, local or on a cluster; files in object stores are copied first.
Where a group fails, its pairs are scored one by one, so that only the faulty one is lost.
"""

import math
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tinyvmaf.corpus.pair import Corpus, Pair
from tinyvmaf.errors import CorpusError, MediaError, TinyVmafError
from tinyvmaf.execution.executor import AbstractExecutor, Share, as_they_end
from tinyvmaf.features.cached_scores import PairScorer, Scored
from tinyvmaf.files import local_copy
from tinyvmaf.media.probing import probe
from tinyvmaf.media.video import Video
from tinyvmaf.progress import SILENT, OnFrame, Progress, Task

Group = tuple[Pair, ...]
"""Pairs of one reference that are scored in one decode."""

# Every comparison keeps its own frames in memory: a group has at most two of 1080p.
_MOST_PIXELS = 2 * 1920 * 1080
# Minimum number of groups for each worker, so that none idles long at the end.
_TURNS = 2


@dataclass(frozen=True, slots=True)
class Size:
    """Size of a pair's reference; zeros if it cannot be read.

    Attributes:
        n_frames: Number of frames.
        n_pixels: Pixels per frame.
    """

    n_frames: int = 0
    n_pixels: int = 0

    @property
    def cost(self) -> int:
        """Cost of scoring the pair, relative to others."""
        return self.n_frames * self.n_pixels


def size_of(pair: Pair) -> Size:
    """The size of a pair's reference; zero if it cannot be read."""
    try:
        info = probe(pair.reference)
    except TinyVmafError:
        return Size()  # reported when the pair is scored
    return Size(info.n_frames, info.width * info.height)


def groups(sizes: Mapping[Pair, Size], *, at_once: int, n_workers: int) -> list[Group]:
    """All pairs, those of one reference together, the most expensive group first.

    Args:
        sizes: The pairs.
        at_once: The most pairs that one decode can serve.
        n_workers: Groups that are scored in parallel; every worker gets some.
    """
    at_once = min(at_once, len(sizes) // (_TURNS * n_workers))
    sharing: dict[Video, list[Pair]] = defaultdict(list)
    for pair in sizes:
        sharing[pair.reference].append(pair)
    found: list[Group] = []
    for pairs in sharing.values():
        most = max(1, min(at_once, _MOST_PIXELS // max(1, sizes[pairs[0]].n_pixels)))
        n_groups = math.ceil(len(pairs) / most)
        found += [tuple(pairs[number::n_groups]) for number in range(n_groups)]
    return sorted(found, key=lambda group: -sum(sizes[pair].cost for pair in group))


@dataclass(frozen=True)
class ScorePairs:
    """A task for an executor that scores pairs of one reference.

    It may run in another process.
    """

    scorer: PairScorer
    pairs: tuple[Pair, ...]

    def __call__(self, on_frame: OnFrame) -> tuple[Scored, ...]:
        """Score the pairs; notes are attached to the first result."""
        said = _Notes()
        with staged(self.pairs) as pairs:
            scorer = replace(self.scorer, progress=said, staged=pairs != self.pairs)
            found = scorer.score(pairs, on_frame=on_frame)
        notes = [tuple(said.notes), *([()] * (len(found) - 1))]
        return tuple(
            replace(item, pair=pair, notes=each)
            for item, pair, each in zip(found, self.pairs, notes, strict=True)
        )


@contextmanager
def staged(pairs: Sequence[Pair]) -> Generator[tuple[Pair, ...]]:
    """Yield `pairs` with local files; those in object stores are copied once, then removed.

    Raises:
        MediaError: the store does not hold a file.
    """
    with ExitStack() as copies:
        local: dict[Path, Path] = {}
        for pair in pairs:
            for path in (pair.reference.path, pair.distorted.path):
                try:
                    local[path] = local.get(path) or copies.enter_context(local_copy(path))
                except FileNotFoundError as error:
                    raise MediaError(f"{pair.name}: no such file in the store: {error}") from error
        yield tuple(
            replace(
                pair,
                reference=replace(pair.reference, path=local[pair.reference.path]),
                distorted=replace(pair.distorted, path=local[pair.distorted.path]),
            )
            for pair in pairs
        )


@dataclass(frozen=True, slots=True)
class Failure:
    """A pair that could not be computed."""

    pair: Pair
    error: TinyVmafError


@dataclass(frozen=True, slots=True)
class Found:
    """Scored pairs in the order of the table, and failed ones by name."""

    scored: tuple[Scored, ...]
    failures: tuple[Failure, ...]

    @property
    def n_computed(self) -> int:
        """Pairs that were not in the cache."""
        return sum(not item.cached for item in self.scored)


def score_all(
    corpus: Corpus, scorer: PairScorer, executor: AbstractExecutor, progress: Progress
) -> Found:
    """Score every pair; their logs stay in the cache."""
    sizes = {pair: size_of(pair) for pair in corpus.pairs}
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
    return Found(tuple(scored), tuple(failures))


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


def _all_failed(corpus: Corpus, failures: Sequence[Failure]) -> str:
    first = failures[0]
    more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
    return f"{corpus.root}: no pair could be computed; {first.pair.name}: {first.error}{more}"


class _Notes:
    """A `Progress` that collects notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def task(self, name: str, *, total: float, unit: str) -> Task:
        return SILENT.task(name, total=total, unit=unit)

    def note(self, message: str) -> None:
        self.notes.append(message)
