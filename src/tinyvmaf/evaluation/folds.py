# SPDX-License-Identifier: Apache-2.0
"""Folds: whole sources held out, so that no model is judged on content that it was trained on."""

from collections.abc import Sequence
from dataclasses import dataclass

from tinyvmaf.errors import SplitError

MIN_SOURCES = 3


@dataclass(frozen=True, slots=True)
class Fold:
    """A source that one set of models does not see.

    Attributes:
        source: Its name.
        index: Its position among the table's sorted sources.
    """

    source: str
    index: int


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
    return tuple(Fold(source, index) for index, source in enumerate(sources))
