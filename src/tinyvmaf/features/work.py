# SPDX-License-Identifier: Apache-2.0
"""Scoring pairs as a piece of work that an executor hands to whoever is free, here or elsewhere."""

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
    """The work of scoring pairs of one reference, as an executor takes it.

    It may run in another process.
    """

    scorer: PairScorer
    pairs: tuple[Pair, ...]

    def __call__(self, on_frame: OnFrame) -> tuple[Scored, ...]:
        """Score them; what there is to say comes with the first result."""
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
    """Yield `pairs` with local files: what lies in an object store is copied, once, and removed.

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
    """A progress that keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def task(self, name: str, *, total: float, unit: str) -> Task:
        return SILENT.task(name, total=total, unit=unit)

    def note(self, message: str) -> None:
        self.notes.append(message)
