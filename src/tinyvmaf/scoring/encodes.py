# SPDX-License-Identifier: Apache-2.0
"""A ladder: encodes of one reference, scored on the same frames, and their differences.

A ladder has the scores, codecs and bitrates of encodes of one reference, the difference of each to
the best one (or to a named one) with its interval, and the bitrate that reaches a target.
"""

import math
import re
import time
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from tinyvmaf.corpus.pair import Pair
from tinyvmaf.errors import TinyVmafError, UsageError
from tinyvmaf.files import working_folder
from tinyvmaf.pairs.checked import CheckedPair
from tinyvmaf.pairs.proof import verify
from tinyvmaf.progress import Task
from tinyvmaf.scoring.difference import Difference
from tinyvmaf.scoring.ladder_result import Failure, Ladder, Rung
from tinyvmaf.scoring.mode import FrameScores, Job
from tinyvmaf.scoring.sampled import SampledMode, Together
from tinyvmaf.scoring.score import LEVEL, choose_mode, make_scorer
from tinyvmaf.scoring.scorer import Scorer
from tinyvmaf.scoring.target import Point, reach_targets

_CRF: Final = re.compile(r"crf[-_ =]?(\d+(?:\.\d+)?)", re.IGNORECASE)


def score_ladder(
    pairs: Sequence[Pair],
    *,
    scorer: Scorer | None = None,
    level: float = LEVEL,
    against: Path | None = None,
    target: float | None = None,
) -> Ladder:
    """Score encodes of one reference on the same frames.

    Args:
        pairs: The reference with each encode, from `encodes_of`.
        scorer: The scorer, from `make_scorer`, by default that of `score` without options; in the
            mode `sampled` several encodes share a decode of the reference.
        level: Nominal coverage of intervals.
        against: The encode to compare the others with; the best one by default.
        target: A score to find the bitrate of, in VMAF points.

    Raises:
        UsageError: `against` is none of the encodes.
    """
    scorer = make_scorer(choose_mode()) if scorer is None else scorer
    started = time.perf_counter()
    names = {pair.distorted.path for pair in pairs}
    if against is not None and against not in names:
        raise UsageError(f"`against='{against}'`: expected one of the encodes that are scored")
    done: dict[int, _Scored] = {}
    failures: list[Failure] = []
    with working_folder() as folder, _pool() as pool:
        checked: dict[int, CheckedPair] = {}
        checking = scorer.progress.task("checking", total=float(len(pairs)), unit="encodes")
        futures = [pool.submit(_checked, pair, scorer) for pair in pairs]
        for number, (pair, future) in enumerate(zip(pairs, futures, strict=True)):
            try:
                checked[number] = future.result()
            except TinyVmafError as error:
                failures.append(Failure(pair, error))
            checking.advance(1.0)
        checking.finish()
        groups = _groups(checked)
        bar = _Bar(scorer, total=sum(checked[numbers[0]].n_frames for numbers in groups))
        bar.reach(0)
        for place, numbers in enumerate(groups):
            home = folder / str(place)
            home.mkdir()
            jobs = [scorer.job(checked[n], home) for n in numbers]
            found = _score(scorer, jobs, bar)
            for offset, (number, job, each) in enumerate(zip(numbers, jobs, found, strict=True)):
                if isinstance(each, TinyVmafError):
                    failures.append(Failure(pairs[number], each))
                else:
                    scores, together = each
                    done[number] = _Scored(job.pair, scores, together, offset)
        bar.finish()
    seconds = time.perf_counter() - started
    rungs = _rungs(done, scorer, against=against, seconds=seconds / max(1, len(done)))
    if against is None and rungs:
        against = max(rungs, key=lambda rung: rung.score.vmaf.mean).score.distorted
    return Ladder(
        reference=pairs[0].reference.path,
        rungs=tuple(rungs),
        against=against,
        level=level,
        targets=() if target is None else reach_targets(_curves(rungs), target=target),
        failures=tuple(failures),
        seconds=seconds,
    )


@dataclass(frozen=True, slots=True)
class _Scored:
    pair: CheckedPair
    found: FrameScores
    together: Together | None
    place: int


class _Bar:
    """One progress bar for all encodes."""

    def __init__(self, scorer: Scorer, *, total: int) -> None:
        self._progress = scorer.progress
        self._total = total
        self._done = 0
        self._task: Task | None = None

    def reach(self, count: int) -> None:
        if self._task is None:
            total = float(max(1, self._total))
            self._task = self._progress.task("encodes", total=total, unit="frames")
        if count > self._done:
            self._task.advance(float(min(count, self._total) - self._done))
            self._done = min(count, self._total)

    @property
    def done(self) -> int:
        return self._done

    def finish(self) -> None:
        if self._task is not None:
            self._task.finish()


@contextmanager
def _pool() -> Generator[ThreadPoolExecutor]:
    """Two threads; an interrupt does not wait for the work that has not begun."""
    with ThreadPoolExecutor(2) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _checked(pair: Pair, scorer: Scorer) -> CheckedPair:
    return verify(scorer.check(pair), allowed=scorer.allowed)


def _groups(checked: dict[int, CheckedPair]) -> list[list[int]]:
    """Pairs that can share frames: compared at one size, on the same frames of the reference."""
    found: dict[object, list[int]] = {}
    for number, pair in checked.items():
        key = (pair.size, pair.pix_fmt, pair.reference.conversion, pair.matching.reference)
        found.setdefault(key, []).append(number)
    return list(found.values())


_Found = tuple[FrameScores, Together | None] | TinyVmafError


def _score(scorer: Scorer, jobs: list[Job], bar: _Bar) -> list[_Found]:
    begun = bar.done

    def on_frame(count: int) -> None:
        bar.reach(begun + count)

    if isinstance(scorer.mode, SampledMode) and len(jobs) > 1:
        try:
            together = scorer.mode.score_together(jobs, on_frame=on_frame)
        except TinyVmafError:
            # One of them fails; scoring each alone identifies it.
            return [_alone(scorer, job, number, on_frame) for number, job in enumerate(jobs)]
        return [(scores, together) for scores in together.scores]
    return [_alone(scorer, job, number, on_frame) for number, job in enumerate(jobs)]


def _alone(scorer: Scorer, job: Job, number: int, on_frame: "Any") -> _Found:  # noqa: ANN401
    home = job.folder / f"alone{number}"
    home.mkdir()
    try:
        own = Job(job.pair, job.engine, home, job.threads)
        return scorer.mode.score(own, on_frame=on_frame), None
    except TinyVmafError as error:
        return error


def _rungs(
    done: dict[int, _Scored], scorer: Scorer, *, against: Path | None, seconds: float
) -> list[Rung]:
    scored = sorted(done.values(), key=_order)
    if not scored:
        return []
    means = [item.found.mean for item in scored]
    base = scored[int(np.argmax(means))]
    if against is not None:
        base = next((i for i in scored if i.pair.distorted.video.path == against), base)
    rungs: list[Rung] = []
    for item in scored:
        info = item.pair.distorted.info
        notes = (*item.pair.notes, *item.found.notes)
        crf = _CRF.search(item.pair.distorted.video.path.stem)
        rungs.append(
            Rung(
                score=scorer.result(item.pair, item.found, seconds=seconds, notes=notes),
                codec=info.codec,
                width=info.width,
                height=info.height,
                bitrate_kbps=info.bitrate_kbps,
                crf=float(crf[1]) if crf is not None else None,
                difference=None if item is base else _gap(item, base),
            )
        )
    return rungs


def _order(item: _Scored) -> tuple[str, int, float]:
    info = item.pair.distorted.info
    return info.codec, info.width * info.height, info.bitrate_kbps


def _gap(item: _Scored, base: _Scored) -> Difference:
    if item.together is not None and item.together is base.together:
        return item.together.difference(item.place, base.place)
    half = math.hypot(item.found.half_width, base.found.half_width)
    return Difference(item.found.mean - base.found.mean, half)


def _curves(rungs: Sequence[Rung]) -> dict[str, list[Point]]:
    """The points of every codec and size."""
    curves: dict[str, list[Point]] = {}
    for rung in rungs:
        score = rung.score
        point = Point(
            score.distorted.name, rung.bitrate_kbps, score.vmaf.mean, rung.half_width, rung.crf
        )
        curves.setdefault(f"{rung.codec} {rung.width}x{rung.height}", []).append(point)
    return curves
