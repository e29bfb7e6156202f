# SPDX-License-Identifier: Apache-2.0
"""Many pairs: from a CSV file, or a folder of encodes against one reference.

A pair that fails is named and the others are scored. Pairs run side by side, each with its share of
the cores, and come out in the order in which they were named.
"""

import csv
import os
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tinyvmaf.errors import CorpusError, TinyVmafError, UsageError
from tinyvmaf.media.process import stop_pool
from tinyvmaf.media.video import RAW_SUFFIXES, RawFormat, Video
from tinyvmaf.scoring.result import Score
from tinyvmaf.scoring.score import as_video
from tinyvmaf.scoring.scorer import Scorer

COLUMNS: Final = ("reference", "distorted")

_SUFFIXES: Final = (
    *(".264", ".265", ".avi", ".flv", ".h264", ".h265", ".hevc", ".ivf", ".m2ts", ".m4v", ".mkv"),
    *(".mov", ".mp4", ".mpeg", ".mpg", ".mxf", ".obu", ".ogv", ".ts", ".vob", ".webm", ".wmv"),
    *(".y4m", *RAW_SUFFIXES),
)


@dataclass(frozen=True, slots=True)
class VideoPair:
    """Two videos to be compared."""

    reference: Video
    distorted: Video


@dataclass(frozen=True, slots=True)
class Outcome:
    """A pair with its score, or with the reason why it has none."""

    pair: VideoPair
    score: Score | None = None
    error: TinyVmafError | None = None


def read_pairs(path: Path, *, raw: RawFormat | None = None) -> tuple[VideoPair, ...]:
    """The pairs that a CSV file names, paths relative to its folder.

    Args:
        path: A file with the columns `reference` and `distorted`; others are not read.
        raw: Geometry of raw YUV files.

    Raises:
        UsageError: the file cannot be read, or a raw file has no geometry.
        CorpusError: a column or a value is missing, or it names no pair.
    """
    pairs: list[VideoPair] = []
    try:
        # A byte-order mark is what spreadsheets put in front.
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
                ours, theirs = (as_video(path.parent / row[name], raw) for name in COLUMNS)
                pairs.append(VideoPair(reference=ours, distorted=theirs))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(f"{path}: not a readable CSV file: {error}") from error
    if not pairs:
        raise CorpusError(f"{path}: names no pair")
    return tuple(pairs)


def encodes_in(
    folder: Path, *, reference: Path, raw: RawFormat | None = None
) -> tuple[VideoPair, ...]:
    """Every video in `folder`, by its suffix, against one reference, sorted by name.

    Raises:
        CorpusError: there is none.
    """
    ours = as_video(reference, raw)
    encodes = [
        path
        for path in sorted(folder.iterdir())
        if path.is_file()
        and path.suffix.lower() in _SUFFIXES
        and not (reference.exists() and path.samefile(reference))
    ]
    if not encodes:
        raise CorpusError(f"{folder}: holds no video besides the reference")
    return tuple(VideoPair(reference=ours, distorted=as_video(path, raw)) for path in encodes)


def score_many(
    pairs: Sequence[VideoPair], *, scorer: Scorer, jobs: int | None = None
) -> Generator[Outcome]:
    """Score pairs side by side; outcomes come in the order of `pairs`, each as soon as it can.

    Args:
        pairs: What to score.
        scorer: How; its threads are shared among the jobs.
        jobs: Pairs at once; one for each core by default.

    Raises:
        UsageError: fewer than one job.
    """
    jobs = min(len(pairs), os.cpu_count() or 1) if jobs is None else jobs
    if jobs < 1:
        raise UsageError(f"--jobs {jobs}: expected 1 or more")
    shared = replace(scorer, threads=max(1, scorer.threads // jobs))
    pool = ThreadPoolExecutor(jobs)
    futures = [pool.submit(_outcome, shared, pair) for pair in pairs]
    try:
        for future in futures:
            yield future.result()
    except BaseException:
        stop_pool(pool, futures)
        raise
    finally:
        pool.shutdown(wait=True)


def _outcome(scorer: Scorer, pair: VideoPair) -> Outcome:
    try:
        return Outcome(pair, scorer.score(reference=pair.reference, distorted=pair.distorted))
    except TinyVmafError as error:
        return Outcome(pair, error=error)
