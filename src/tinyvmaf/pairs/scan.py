# SPDX-License-Identifier: Apache-2.0
"""The check of a whole corpus before any work: its pairs, and what cannot be scored.

Every pair is checked as extraction checks it, so that nothing is refused later that was not refused
here. Nothing is left out silently: every file that makes no usable pair becomes a `Problem` with
its reason.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tinyvmaf.corpus.pair import Corpus, Pair, Problem
from tinyvmaf.corpus.reading import read_corpus
from tinyvmaf.errors import MisalignedError, TinyVmafError
from tinyvmaf.media.video import RawFormat, VideoInfo
from tinyvmaf.pairs.check import check
from tinyvmaf.pairs.checked import CheckedPair
from tinyvmaf.pairs.finding import Allowance, allowances
from tinyvmaf.pairs.proof import verify
from tinyvmaf.process.programs import n_jobs
from tinyvmaf.storage import address

SCHEMA = "tinyvmaf.scan/1"

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class SourceSummary:
    """One source of a corpus: its reference and how many clips and distorted frames it has."""

    source: str
    n_clips: int
    n_frames: int
    reference: VideoInfo


@dataclass(frozen=True, slots=True)
class ScannedSource:
    """A source of a corpus.

    Attributes:
        source: Its name.
        n_clips: Clips that can be scored.
        n_frames: Frames that would be compared, of all its clips.
        width, height: Picture size of the reference, in pixels.
        pix_fmt: Pixel format of the reference, as ffmpeg names it.
        fps: Frame rate of the reference.
    """

    source: str
    n_clips: int
    n_frames: int
    width: int
    height: int
    pix_fmt: str
    fps: float


@dataclass(frozen=True, slots=True)
class ScanProblem:
    """A file or pair that cannot be scored.

    Attributes:
        path: The file; of a pair, its distorted video.
        reason: The reason and the cure, in one line.
    """

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class ScanRecord:
    """The check of a corpus.

    Attributes:
        schema: Name and version of this record.
        sources: The sources with at least one pair that can be scored.
        problems: Files and pairs that cannot be scored.
        notes: Warnings, conversions and accepted findings, each after the pair's name.
    """

    schema: str
    sources: tuple[ScannedSource, ...]
    problems: tuple[ScanProblem, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Scan:
    """The pairs of a corpus in numbers, and what cannot be scored."""

    sources: tuple[SourceSummary, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()

    @property
    def record(self) -> ScanRecord:
        """The record, `tinyvmaf.scan/1`."""
        return ScanRecord(
            schema=SCHEMA,
            sources=tuple(
                ScannedSource(
                    source=item.source,
                    n_clips=item.n_clips,
                    n_frames=item.n_frames,
                    width=item.reference.width,
                    height=item.reference.height,
                    pix_fmt=item.reference.pix_fmt,
                    fps=float(item.reference.frame_rate),
                )
                for item in self.sources
            ),
            problems=tuple(ScanProblem(address(item.path), item.reason) for item in self.problems),
            notes=self.notes,
        )

    def __repr__(self) -> str:
        n_clips = sum(item.n_clips for item in self.sources)
        return f"<Scan {len(self.sources)} sources, {n_clips} clips, {len(self.problems)} problems>"


def scan_corpus(
    corpus: Corpus | Path | str,
    *,
    raw: RawFormat | None = None,
    allow: Iterable[Allowance | str] = (),
) -> Scan:
    """Check every pair of a corpus and sum up those that can be scored.

    Args:
        corpus: The pairs, or a folder or manifest that `read_corpus` reads.
        raw: Geometry of raw YUV files; by default that of the corpus's layout.
        allow: Differences of the two videos of a pair to accept, such as `frame-count`.

    Raises:
        UsageError: there is no such folder, or no difference of that name.
        CorpusError: it is no corpus, or holds no pair.
    """
    allowed = allowances(allow)
    if not isinstance(corpus, Corpus):
        corpus = read_corpus(Path(corpus), raw=raw)

    def look(pair: Pair) -> CheckedPair | Problem:
        try:
            return verify(check(pair, allowed=allowed), allowed=allowed)
        except MisalignedError as error:
            return Problem(pair.distorted.path, str(error))
        except TinyVmafError as error:
            named = str(error).startswith(f"{pair.reference.path}: ")
            path = pair.reference.path if named else pair.distorted.path
            return Problem(path, str(error).removeprefix(f"{path}: "))

    problems = dict.fromkeys(corpus.problems)
    checked: dict[str, list[CheckedPair]] = {}
    with ThreadPoolExecutor(n_jobs()) as pool:
        # Some at a time: a pool's notes on a million pairs that wait would take a gigabyte.
        for start in range(0, len(corpus.pairs), _AT_ONCE):
            for item in pool.map(look, corpus.pairs[start : start + _AT_ONCE]):
                if isinstance(item, Problem):
                    problems[item] = None
                else:
                    checked.setdefault(item.pair.source, []).append(item)
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
