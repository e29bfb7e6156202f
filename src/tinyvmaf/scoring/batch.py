# SPDX-License-Identifier: Apache-2.0
"""Batches of pairs: from a CSV file, or a folder of encodes against one reference.

A pair that fails is named and the others are scored. Pairs run in parallel, each with its share of
the cores, and are returned in the order in which they were given.
"""

import csv
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tinyvmaf.corpus.excerpt import read_excerpt
from tinyvmaf.corpus.pair import Pair
from tinyvmaf.errors import ClusterLost, CorpusError, TinyVmafError, UsageError
from tinyvmaf.execution.opening import open_executor
from tinyvmaf.media.video import RAW_SUFFIXES, RawFormat, as_video
from tinyvmaf.process.programs import n_jobs
from tinyvmaf.progress import SILENT, Task
from tinyvmaf.scoring.mode import SAMPLED
from tinyvmaf.scoring.result import Score
from tinyvmaf.scoring.score import choose_mode, make_scorer
from tinyvmaf.scoring.scorer import Scorer
from tinyvmaf.storage import absolute, listed

COLUMNS: Final = ("reference", "distorted")

_SUFFIXES: Final = (
    *(".264", ".265", ".avi", ".flv", ".h264", ".h265", ".hevc", ".ivf", ".m2ts", ".m4v", ".mkv"),
    *(".mov", ".mp4", ".mpeg", ".mpg", ".mxf", ".obu", ".ogv", ".ts", ".vob", ".webm", ".wmv"),
    *(".y4m", *RAW_SUFFIXES),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A pair with its score, or with the error that prevented it."""

    pair: Pair
    score: Score | None = None
    error: TinyVmafError | None = None


def read_pairs(path: Path, *, raw: RawFormat | None = None) -> tuple[Pair, ...]:
    """The pairs that a CSV file names, paths relative to its folder.

    Args:
        path: A file with the columns `reference` and `distorted`, optionally
            `start`, `duration` and `reference_start`; others are ignored.
        raw: Geometry of raw YUV files.

    Raises:
        UsageError: the file cannot be read, or a raw file has no geometry.
        CorpusError: a column or a value is missing, or it lists no pair.
    """
    pairs: list[Pair] = []
    try:
        # Spreadsheets write a byte-order mark.
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restval="", strict=True)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise CorpusError(
                    f"{path}: no column {', '.join(missing)}; a list of pairs needs "
                    f"{' and '.join(COLUMNS)}"
                )
            for row in reader:
                empty = [name for name in COLUMNS if not row[name]]
                if empty:
                    raise CorpusError(
                        f"{path}, line {reader.line_num}: no value for {', '.join(empty)}"
                    )
                try:
                    excerpt = read_excerpt(row)
                except CorpusError as error:
                    raise CorpusError(f"{path}, line {reader.line_num}: {error}") from error
                files = [listed(row[name], folder=path.parent) for name in COLUMNS]
                ours, theirs = (as_video(file, raw) for file in files)
                pair = Pair.of_files(reference=ours, distorted=theirs)
                pairs.append(replace(pair, excerpt=excerpt))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(f"{path}: not a readable CSV file: {error}") from error
    if not pairs:
        raise CorpusError(f"{path}: lists no pair")
    return tuple(pairs)


def encodes_in(folder: Path, *, reference: Path, raw: RawFormat | None = None) -> tuple[Pair, ...]:
    """A pair for every video in `folder`, by suffix, with one reference, sorted by name.

    Raises:
        CorpusError: there is none.
    """
    ours = as_video(reference, raw)
    encodes = [
        path
        for path in sorted(folder.iterdir())
        if (path.is_file() or not path.exists())  # a broken link is reported, not left out
        and path.suffix.lower() in _SUFFIXES
        and not (reference.exists() and path.exists() and path.samefile(reference))
    ]
    if not encodes:
        raise CorpusError(f"{folder}: holds no video besides the reference")
    return tuple(Pair.of_files(reference=ours, distorted=as_video(path, raw)) for path in encodes)


def encodes_of(
    reference: Path | str, encodes: Sequence[Path | str], *, raw: RawFormat | None = None
) -> tuple[Pair, ...]:
    """The reference with each encode; a folder means the encodes in it.

    Raises:
        UsageError: a raw file has no geometry.
        CorpusError: a folder holds no video besides the reference.
    """
    pairs: list[Pair] = []
    for path in map(Path, encodes):
        if path.is_dir():
            pairs += encodes_in(path, reference=Path(reference), raw=raw)
        else:
            ours, theirs = as_video(Path(reference), raw), as_video(path, raw)
            pairs.append(Pair.of_files(reference=ours, distorted=theirs))
    return tuple(pairs)


def in_ladders(
    pairs: Sequence[Pair], *, scorer: Scorer, cluster: str | None = None
) -> tuple[tuple[tuple[Pair, ...], ...], tuple[Pair, ...]]:
    """Split pairs into ladders, which `score_ladder` scores together, and single pairs.

    Args:
        pairs: The pairs. A ladder is two or more of one reference and excerpt.
        scorer: The scorer; only the mode `sampled` shares frames.
        cluster: The cluster that scores, if one does: its workers score pair by pair.

    Returns:
        The ladders, in the order of their first pairs, and the other pairs.
    """
    if cluster is not None or scorer.mode.name != SAMPLED:
        return (), tuple(pairs)
    groups: dict[object, list[Pair]] = {}
    for pair in pairs:
        groups.setdefault((pair.reference, pair.excerpt), []).append(pair)
    ladders = tuple(tuple(group) for group in groups.values() if len(group) > 1)
    others = tuple(group[0] for group in groups.values() if len(group) == 1)
    return ladders, others


def score_many(
    pairs: Sequence[Pair] | Path | str,
    *,
    scorer: Scorer | None = None,
    jobs: int | None = None,
    cluster: str | None = None,
) -> Generator[Outcome]:
    """Score pairs in parallel; yield outcomes in the order of `pairs`, as soon as possible.

    Args:
        pairs: The pairs, from `encodes_of` or `read_pairs`, or a CSV file that `read_pairs` reads.
        scorer: The scorer, from `make_scorer`, whose threads are shared among the jobs of this
            machine; by default that of `score` without options.
        jobs: Programs at once on this machine; all cores by default.
        cluster: A Dask cluster that does the work instead, as `open_executor` takes it.

    Raises:
        UsageError: fewer than one job.
        ToolError: the cluster cannot be used.
    """
    scorer = make_scorer(choose_mode()) if scorer is None else scorer
    pairs = read_pairs(Path(pairs)) if isinstance(pairs, Path | str) else pairs
    if cluster is None:
        jobs = min(len(pairs), n_jobs()) if jobs is None else n_jobs(jobs)
    # A worker of a cluster has one core for certain, and shows no progress.
    threads = 1 if jobs is None else max(1, scorer.threads // jobs)
    shared = replace(scorer, threads=threads)
    task: Task | None = None
    if cluster is not None:
        shared = replace(shared, progress=SILENT)
        task = scorer.progress.task("score", total=float(len(pairs)), unit="pairs")
    try:
        with open_executor(jobs=jobs, cluster=cluster) as executor:
            works = [ScoreVideos(shared, _absolute(pair) if cluster else pair) for pair in pairs]
            futures = [executor.submit(work, on_frame=_ignore) for work in works]
            for future, pair in zip(futures, pairs, strict=True):
                yield _outcome(future, pair)
                if task is not None:
                    task.advance(1)
    finally:
        if task is not None:
            task.finish()


@dataclass(frozen=True, slots=True)
class ScoreVideos:
    """A task for an executor that scores one pair; it may run in another process."""

    scorer: Scorer
    pair: Pair

    def __call__(self, on_frame: Callable[[int], None]) -> Score:
        """Score the pair; the scorer reports its own progress."""
        del on_frame
        return self.scorer.score(self.pair)


def _absolute(pair: Pair) -> Pair:
    """The pair with absolute paths, for a worker with another working folder."""
    return replace(
        pair,
        reference=replace(pair.reference, path=absolute(pair.reference.path)),
        distorted=replace(pair.distorted, path=absolute(pair.distorted.path)),
    )


def _ignore(count: int) -> None:
    del count


def _outcome(future: "Future[Score]", pair: Pair) -> Outcome:
    try:
        return Outcome(pair, future.result())
    except ClusterLost:
        raise  # not specific to one pair: all others would fail alike
    except TinyVmafError as error:
        return Outcome(pair, error=error)
