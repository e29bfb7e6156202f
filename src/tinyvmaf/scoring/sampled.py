# SPDX-License-Identifier: Apache-2.0
"""The mode `sampled`: the teacher on a few frames, and cheap measures of all of them.

One decode makes the cheap measures of all frames and the exact scores of a first sample, and keeps
the frames of finer ones. If an interval is wanted that is narrower than the one that comes out, the
sample is refined, out of what was kept or with one more decode. Where all of this would cost more
than libvmaf itself, libvmaf itself is run.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from tinyvmaf.errors import UsageError
from tinyvmaf.libvmaf.engine import FfmpegEngine
from tinyvmaf.libvmaf.sets import MIN_REDUCED, FeatureSet
from tinyvmaf.libvmaf.teacher import DEFAULT, Teacher
from tinyvmaf.progress import OnFrame
from tinyvmaf.scoring.cost import exact_cost, sampled_cost, saves_little, times_cheaper
from tinyvmaf.scoring.exact import ExactMode
from tinyvmaf.scoring.mode import (
    SAMPLED,
    FrameScores,
    Interval,
    Job,
    ModelName,
    Sampling,
)
from tinyvmaf.scoring.proxy import Proxy
from tinyvmaf.scoring.rounds import Rounds
from tinyvmaf.stats.survey import (
    MIN_STRATA,
    Estimate,
    Sample,
    corrected,
    draw,
    finer,
    finer_samples,
    nested,
)

_FIRST: Final = 16
_FEWEST: Final = 8
_MOST_SHARE: Final = 0.5

_MOST_DOUBLINGS: Final = 2


def first_strata(within: float, *, n_frames: int) -> int:
    """How many frames besides frame 0 a first round computes exactly.

    Many enough for a first look that is seldom lucky: who stops when the spread looks small covers
    less often, and with fewer than a dozen frames much less. Few enough to be cheap, since more can
    be had without another decode.
    """
    # A short clip gets a small first sample, or all finer ones would be too large.
    return max(MIN_STRATA, min(max(_FEWEST, round(_FIRST / within**0.5)), n_frames // 5))


def too_many(n_strata: int, *, n_frames: int, sets: Sequence[FeatureSet]) -> bool:
    """Whether libvmaf on every frame is the better choice than one frame in each stratum."""
    cost = sampled_cost(n_frames, n_exact=n_strata + 1, sets=sets)
    return cost >= exact_cost(n_frames) or n_strata > _MOST_SHARE * n_frames


def doublings(n_strata: int, *, n_frames: int, sets: Sequence[FeatureSet]) -> int:
    """How often strata may be halved with frames that the first decode keeps."""
    return sum(
        not too_many(n_strata * 2**n, n_frames=n_frames, sets=sets)
        for n in range(1, _MOST_DOUBLINGS + 1)
    )


@dataclass(frozen=True, slots=True)
class SampledMode:
    """Scores with a proxy and the teacher on sampled frames.

    Attributes:
        teacher: Whose mean is estimated.
        proxy: What scores every frame.
        level: The probability with which the interval covers that mean.
        within: Half the width that the interval may have, None if `n_exact` rules.
        n_exact: How many frames are computed exactly, None if `within` rules.
        seed: Where chance comes from.
    """

    teacher: Teacher
    proxy: Proxy
    level: float
    within: float | None = 1.0
    n_exact: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if (self.within is None) == (self.n_exact is None):
            raise UsageError("--within and --exact-frames contradict each other; give one of them")
        if self.within is not None and not self.within > 0:
            raise UsageError(f"--within {self.within:g}: expected more than 0 VMAF points")
        if self.n_exact is not None and self.n_exact <= MIN_STRATA:
            raise UsageError(
                f"--exact-frames {self.n_exact}: expected {MIN_STRATA + 1} or more; "
                "fewer do not tell how far to believe them"
            )
        if self.seed < 0:
            raise UsageError(f"--seed {self.seed}: expected 0 or more")

    @property
    def name(self) -> str:
        """The word for `--mode`."""
        return SAMPLED

    @property
    def model(self) -> ModelName:
        """The proxy."""
        return self.proxy.name

    @property
    def options(self) -> tuple[str, ...]:
        """The command's options that give this mode again."""
        amount = (
            ["--within", f"{self.within:g}"]
            if self.within is not None
            else ["--exact-frames", str(self.n_exact)]
        )
        teacher = str(self.teacher.path or self.teacher.name)
        return (
            *("--mode", SAMPLED, "--model", self.proxy.origin, "--teacher", teacher),
            *("--level", f"{self.level:g}", *amount, "--seed", str(self.seed)),
        )

    def check(self, engine: FfmpegEngine) -> None:
        """Refuse an ffmpeg whose libvmaf has not the teacher, or not what the features need."""
        engine.check(self.teacher)
        engine.check(Teacher(DEFAULT))

    def score(self, job: Job, *, on_frame: OnFrame) -> FrameScores:
        """Sample until it is enough.

        Raises:
            ToolFailed: ffmpeg did not end well, or frames are missing.
        """
        n_frames = job.pair.n_frames
        n_strata = self._first_strata(n_frames)
        reason = self._dearer(job, n_strata)
        if reason is not None:
            return self._exact(job, reason, on_frame=on_frame)
        work = Rounds(job, self.teacher, self.proxy)
        rng = np.random.default_rng(self.seed)
        first = draw(n_frames=n_frames, n_strata=n_strata, rng=rng)
        samples = nested(first, n_doublings=self._doublings(work, n_strata), rng=rng)
        work.first_round(samples[0], spare=samples[-1], on_frame=on_frame)
        found = work.estimate(samples[0])
        while self.within is not None:
            factor = finer(found, sample=samples[0], within=self.within, level=self.level)
            if factor == 1:
                break
            samples = finer_samples(samples, factor=factor, rng=rng)
            if (reason := self._dearer(job, len(samples[0].moments))) is not None:
                return self._exact(job, reason, on_frame=lambda _: on_frame(n_frames))
            work.further_round(samples[0], on_frame=lambda _: on_frame(n_frames))
            found = work.estimate(samples[0])
        return self._result(work, samples[0], found)

    def _doublings(self, work: Rounds, n_strata: int) -> int:
        """As often as the decode may keep the frames."""
        if self.within is None:
            return 0
        wanted = doublings(n_strata, n_frames=work.n_frames, sets=self.proxy.sets)
        return next(n for n in range(wanted, -1, -1) if work.has_room(n_strata * (2**n - 1)))

    def _dearer(self, job: Job, n_strata: int) -> str | None:
        """Why libvmaf itself is the better choice; None if it is not."""
        n_frames, (width, height) = job.pair.n_frames, job.pair.size
        smallest = min(width, height) // max(s.divisor for s in self.proxy.sets)
        if smallest < MIN_REDUCED:
            return f"{width}x{height} is too small to be reduced"
        if too_many(n_strata, n_frames=n_frames, sets=self.proxy.sets):
            return f"{n_strata + 1} exact frames of {n_frames} would cost as much as all of them"
        n_pixels = width * height
        cost = sampled_cost(n_frames, n_exact=n_strata + 1, sets=self.proxy.sets)
        if self.n_exact is None and saves_little(n_frames, n_pixels=n_pixels, cost=cost):
            return f"{n_frames} frames of {width}x{height} are few pixels"
        return None

    def _exact(self, job: Job, reason: str, *, on_frame: OnFrame) -> FrameScores:
        exact = ExactMode(self.teacher)
        found = exact.score(job, on_frame=on_frame)
        note = f"every frame was scored exactly: {reason}"
        return replace(found, notes=(*found.notes, note), exact_by=exact.model)

    def _first_strata(self, n_frames: int) -> int:
        if self.within is None:
            return (self.n_exact or 0) - 1
        return first_strata(self.within, n_frames=n_frames)

    def _result(self, work: Rounds, sample: Sample, found: Estimate) -> FrameScores:
        low, high = found.interval(level=self.level)
        n_frames = sample.n_frames
        cost = sampled_cost(
            n_frames,
            n_exact=len(work.exact),
            sets=self.proxy.sets,
            n_decodes=work.n_decodes,
            n_spare=work.n_spare,
        )
        return FrameScores(
            scores=corrected(sample, cheap=work.cheap, exact=work.exact, slopes=found.slopes),
            command=work.command,
            interval=Interval(
                low=low,
                high=high,
                level=self.level,
                guarantee=(
                    "for the exact mean of this clip, on average over the frames that chance may "
                    "draw; however little the cheap measures tell, only the width suffers"
                ),
            ),
            sampling=Sampling(
                mean=found.mean,
                half_width=found.half_width(level=self.level),
                seed=self.seed,
                n_decodes=work.n_decodes,
                exact=dict(sorted(work.exact.items())),
                times_cheaper=times_cheaper(n_frames, n_pixels=work.n_pixels, cost=cost),
            ),
        )
