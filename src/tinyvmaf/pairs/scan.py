# SPDX-License-Identifier: Apache-2.0
"""A corpus before any work: its pairs, and every file or pair that cannot be scored.

Every pair is checked as extraction checks it, so that nothing is refused later that was not refused
here. Nothing is left out silently: every file that makes no usable pair becomes a `Problem` with
its reason.
"""

from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tinyvmaf.corpus.pair import Corpus, Pair, Problem
from tinyvmaf.errors import MisalignedError, TinyVmafError
from tinyvmaf.media.video import VideoInfo
from tinyvmaf.pairs.check import check
from tinyvmaf.pairs.checked import CheckedPair
from tinyvmaf.pairs.finding import Allowance
from tinyvmaf.pairs.proof import verify
from tinyvmaf.process.programs import n_jobs


@dataclass(frozen=True, slots=True)
class SourceSummary:
    """One source of a corpus: its reference and how many clips and distorted frames it has."""

    source: str
    n_clips: int
    n_frames: int
    reference: VideoInfo


@dataclass(frozen=True, slots=True)
class Scan:
    """The pairs of a corpus in numbers, and what cannot be scored."""

    sources: tuple[SourceSummary, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()


def scan(corpus: Corpus, *, allowed: AbstractSet[Allowance] = frozenset()) -> Scan:
    """Check every pair of `corpus` and sum up those that may be scored.

    Args:
        corpus: The pairs.
        allowed: Findings that are accepted by name, as extraction takes them.
    """

    def look(pair: Pair) -> CheckedPair | Problem:
        try:
            return verify(check(pair, allowed=allowed), allowed=allowed)
        except MisalignedError as error:
            return Problem(pair.distorted.path, str(error))
        except TinyVmafError as error:
            named = str(error).startswith(f"{pair.reference.path}: ")
            path = pair.reference.path if named else pair.distorted.path
            return Problem(path, str(error).removeprefix(f"{path}: "))

    with ThreadPoolExecutor(n_jobs()) as pool:
        found = dict(zip(corpus.pairs, pool.map(look, corpus.pairs), strict=True))
    problems = dict.fromkeys(corpus.problems)
    problems.update(dict.fromkeys(item for item in found.values() if isinstance(item, Problem)))
    checked: dict[str, list[CheckedPair]] = {}
    for pair, item in found.items():
        if isinstance(item, CheckedPair):
            checked.setdefault(pair.source, []).append(item)
    return Scan(
        sources=tuple(
            SourceSummary(
                source,
                n_clips=len(pairs),
                n_frames=sum(item.n_frames for item in pairs),
                reference=pairs[0].reference.info,
            )
            for source, pairs in sorted(checked.items())
        ),
        problems=tuple(problems),
        notes=tuple(
            f"{item.pair.name}: {note}"
            for pairs in checked.values()
            for item in pairs
            for note in item.notes
        ),
    )
