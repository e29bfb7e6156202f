# SPDX-License-Identifier: Apache-2.0
"""Scoring of pairs as a task for an executor, local or on a cluster."""

from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tinyvmaf.corpus.pair import Pair
from tinyvmaf.errors import MediaError
from tinyvmaf.features.cached_scores import PairScorer, Scored
from tinyvmaf.files import local_copy
from tinyvmaf.progress import SILENT, OnFrame, Task


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


class _Notes:
    """A `Progress` that collects notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def task(self, name: str, *, total: float, unit: str) -> Task:
        return SILENT.task(name, total=total, unit=unit)

    def note(self, message: str) -> None:
        self.notes.append(message)
