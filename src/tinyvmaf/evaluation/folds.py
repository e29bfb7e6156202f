# SPDX-License-Identifier: Apache-2.0
"""Folds: whole sources held out, so that no model is judged on content that it was trained on.

Leaving out one source at a time makes as many models as there are sources. With very many sources
that is wasteful: whole sources are then put into K folds, of about equally many rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from tinyvmaf.errors import SplitError

MIN_SOURCES = 3
MIN_FOLDS = 2
# Distances between training sources, and any spread over them, need two.
_MIN_TRAINING_SOURCES = 2


@dataclass(frozen=True, slots=True)
class Fold:
    """Sources that one set of models does not see.

    Attributes:
        name: Name of its source if it holds one source out by rule, else its number, from 1.
        sources: Their names, sorted.
        positions: Their positions among the table's sorted sources.
    """

    name: str
    sources: tuple[str, ...]
    positions: tuple[int, ...]

    @property
    def words(self) -> str:
        """Its sources, in words."""
        if len(self.sources) == 1:
            return self.sources[0]
        return f"the {len(self.sources)} sources of fold {self.name}"


def leave_one_source_out(sources: Sequence[str]) -> tuple[Fold, ...]:
    """One fold for each of the sorted `sources`: together they cover every row exactly once.

    Raises:
        SplitError: there are fewer than three sources; those there are named.
    """
    if len(sources) < MIN_SOURCES:
        raise SplitError(
            f"leave-one-source-out needs at least {MIN_SOURCES} sources, this table has "
            f"{len(sources)}: {', '.join(sources)}; add clips of other contents"
        )
    return tuple(Fold(source, (source,), (position,)) for position, source in enumerate(sources))


def make_folds(
    sources: Sequence[str], *, n_rows: Sequence[int], k: int | None = None
) -> tuple[Fold, ...]:
    """Whole sources in `k` folds; leave-one-source-out if `k` is None or their number.

    The largest source goes first, each to the fold that has the fewest rows by then: no two folds
    differ by more rows than the largest source has. Equal tables give equal folds.

    Args:
        sources: Their names, sorted.
        n_rows: Rows of each, at least one.
        k: Number of folds.

    Returns:
        The folds, sorted by their first source.

    Raises:
        SplitError: too few sources, a number of folds that they do not allow, or one fold would
            hold all sources but one.
    """
    alone = leave_one_source_out(sources)
    if k is None or k == len(sources):
        return alone
    if not MIN_FOLDS <= k <= len(sources):
        raise SplitError(
            f"{k} folds: expected {MIN_FOLDS} to {len(sources)}, as many as this table has sources"
        )
    held: list[list[int]] = [[] for _ in range(k)]
    load = [0] * k
    for position in sorted(range(len(sources)), key=lambda position: (-n_rows[position], position)):
        lightest = load.index(min(load))
        held[lightest].append(position)
        load[lightest] += n_rows[position]
    most = max(map(len, held))
    if len(sources) - most < _MIN_TRAINING_SOURCES:
        raise SplitError(
            f"{k} folds: one would hold {most} of {len(sources)} sources and leave one to train "
            "on; use more folds"
        )
    digits = len(str(k))
    return tuple(
        Fold(
            name=f"{number:0{digits}}",
            sources=tuple(sources[position] for position in positions),
            positions=positions,
        )
        for number, positions in enumerate(sorted(tuple(sorted(fold)) for fold in held), start=1)
    )


def grouped(folds: Sequence[Fold]) -> tuple[tuple[str, ...], ...]:
    """The sources of every fold; empty if each fold holds one source."""
    sources = tuple(fold.sources for fold in folds)
    return sources if any(len(held) > 1 for held in sources) else ()


def fold_of_sources(folds: Sequence[Fold]) -> Int[np.ndarray, " n_sources"]:
    """For every position of a source the number of the fold that holds it out, counted from 0."""
    found = np.empty(sum(len(fold.positions) for fold in folds), np.int64)
    for number, fold in enumerate(folds):
        found[list(fold.positions)] = number
    return found
