# SPDX-License-Identifier: Apache-2.0
"""The mode `sampled`: exact scores of a few frames, and auxiliary variables of all of them.

The plan decides the number of frames and the method; encodes of one reference get the same frames.
Where sampling would cost more than libvmaf on every frame, libvmaf scores every frame.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float

from tinyvmaf.errors import UsageError
from tinyvmaf.libvmaf.engine import FfmpegEngine
from tinyvmaf.libvmaf.teacher import DEFAULT, Teacher
from tinyvmaf.progress import OnFrame
from tinyvmaf.scoring.auxiliary import AbstractVariables
from tinyvmaf.scoring.costs import cpu_time, measured_costs
from tinyvmaf.scoring.difference import Difference, difference
from tinyvmaf.scoring.exact import ExactMode
from tinyvmaf.scoring.mode import (
    SAMPLED,
    FrameScores,
    Interval,
    Job,
    ModelName,
    Sampling,
    ThresholdAnswer,
)
from tinyvmaf.scoring.plan import Answer, Goal, exact_cost, sampled_cost
from tinyvmaf.scoring.pooling import worst_frames
from tinyvmaf.scoring.sampling import Sampled, sample_encodes
from tinyvmaf.scoring.video_material import VideoMaterial
from tinyvmaf.stats.shares import percentile_interval
from tinyvmaf.stats.survey import MIN_STRATA, corrected

_PERCENTILES: Final = {"p1": 1.0, "p5": 5.0, "p10": 10.0}
_SHOWN_WORST: Final = 5
_NOMINEES: Final = 2
_SEED_BYTES: Final = 65_536


@dataclass(frozen=True, slots=True)
class SampledMode:
    """Scores with the teacher on sampled frames.

    Attributes:
        teacher: The model whose mean is estimated.
        goal: The goal: a width, a number of frames, or an answer.
        variables: The auxiliary variables; None leaves them to the plan.
        seed: Seed of the random numbers; None derives one from the content of the videos.
        n_worst: Worst moments to look for and confirm; 0 looks for none.
    """

    teacher: Teacher
    goal: Goal = field(default_factory=lambda: Goal(within=1.0))
    variables: AbstractVariables | None = None
    seed: int | None = None
    n_worst: int = 0

    def __post_init__(self) -> None:
        goal = self.goal
        if goal.within is not None and not goal.within > 0:
            raise UsageError(f"`within={goal.within:g}`: expected more than 0 VMAF points")
        if goal.n_exact is not None and goal.n_exact <= MIN_STRATA:
            raise UsageError(
                f"`exact_frames={goal.n_exact}`: expected {MIN_STRATA + 1} or more; "
                "fewer give no interval"
            )
        if goal.at_least is not None and not 0 <= goal.at_least <= 100:  # noqa: PLR2004
            raise UsageError(f"`at_least={goal.at_least:g}`: expected a score between 0 and 100")
        if goal.percentile is not None and not 0 < goal.percentile < 100:  # noqa: PLR2004
            raise UsageError(f"`percentile={goal.percentile:g}`: expected percent in (0, 100)")
        if self.seed is not None and self.seed < 0:
            raise UsageError(f"`seed={self.seed}`: expected 0 or more")

    @property
    def name(self) -> str:
        """The value of `--mode`."""
        return SAMPLED

    @property
    def model(self) -> ModelName:
        """The teacher, whose scores the sampled frames have."""
        return ModelName(self.teacher.name, self.teacher.sha256)

    @property
    def options(self) -> tuple[str, ...]:
        """The command's options that select this mode, without the seed."""
        goal = self.goal
        words: list[str] = ["--mode", SAMPLED]
        words += self.variables.options if self.variables is not None else []
        words += ["--teacher", str(self.teacher.path or self.teacher.name)]
        words += ["--level", f"{goal.level:g}"]
        for option, value in (
            ("--within", goal.within),
            ("--exact-frames", goal.n_exact),
            ("--at-least", goal.at_least),
            ("--percentile", goal.percentile),
            ("--budget", goal.budget_s),
        ):
            words += [option, f"{value:g}"] if value is not None else []
        words += ["--worst", str(self.n_worst)] if self.n_worst else []
        return tuple(words)

    def check(self, engine: FfmpegEngine) -> None:
        """Refuse an ffmpeg whose libvmaf does not have the model or the variables' features."""
        engine.check(self.teacher)
        engine.check(Teacher(DEFAULT))

    def score(self, job: Job, *, on_frame: OnFrame) -> FrameScores:
        """Sample one pair until the goal is reached.

        Raises:
            ToolFailed: ffmpeg did not end well, or frames are missing.
        """
        return self.score_together([job], on_frame=on_frame).scores[0]

    def score_together(self, jobs: Sequence[Job], *, on_frame: OnFrame) -> "Together":
        """Sample encodes of one reference on the same frames.

        Args:
            jobs: The pairs, compared at one size, with equally many frames, in one folder.
            on_frame: Called with the number of frames that were decoded.

        Raises:
            ToolFailed: ffmpeg did not end well, or frames are missing.
        """
        seed = self.seed if self.seed is not None else content_seed(jobs)
        costs = measured_costs()
        material = VideoMaterial(
            jobs,
            teacher=self.teacher,
            variables=self.variables,
            costs=costs,
            on_frame=on_frame,
        )
        with cpu_time() as spent:
            found = sample_encodes(
                material,
                n_encodes=len(jobs),
                goal=self.goal,
                costs=costs,
                rng=np.random.default_rng(seed),
            )
            self._confirm_worst(material, found)
        scores = [
            self._exact(job, each.reason or "", on_frame=on_frame)
            if each.reason is not None
            else self._scores(material, number, each, seed=seed, cpu_s=spent.seconds)
            for number, (job, each) in enumerate(zip(jobs, found, strict=True))
        ]
        return Together(tuple(scores), tuple(found), material, self.goal.level)

    def _confirm_worst(self, material: VideoMaterial, found: Sequence[Sampled]) -> None:
        """Score exactly the frames with the lowest predicted scores."""
        for number, each in enumerate(found):
            if not self.n_worst or each.reason is not None:
                continue
            course = _course(material, number, each)
            times = np.arange(len(course)) / float(material.frame_rate)
            nominees = worst_frames(course, times, n=_NOMINEES * self.n_worst)
            known = material.exact(number)
            missing = sorted({item.frame for item in nominees}.difference(known))
            material.score(missing, of=[number], method=each.method)

    def _exact(self, job: Job, reason: str, *, on_frame: OnFrame) -> FrameScores:
        exact = ExactMode(self.teacher)
        found = exact.score(job, on_frame=on_frame)
        note = f"every frame was scored exactly: {reason}"
        return replace(
            found,
            notes=(*found.notes, note),
            exact_by=exact.model,
            verdict=self._exact_verdict(found.scores),
        )

    def _exact_verdict(self, scores: Float[np.ndarray, " n_frames"]) -> ThresholdAnswer | None:
        goal = self.goal
        if goal.at_least is None:
            return None
        if goal.percentile is None:
            value, name = float(scores.mean()), "the mean"
        else:
            value = float(np.percentile(scores, goal.percentile, method="inverted_cdf"))
            name = f"percentile {goal.percentile:g}"
        answer = Answer.YES if value >= goal.at_least else Answer.NO
        reason = f"{name} of all {len(scores)} frames is {value:.2f}"
        return ThresholdAnswer(goal.at_least, goal.percentile, str(answer), reason)

    def _scores(
        self,
        material: VideoMaterial,
        number: int,
        each: Sampled,
        *,
        seed: int,
        cpu_s: float | None,
    ) -> FrameScores:
        assert each.sample is not None and each.estimate is not None  # noqa: S101, PT018
        mean, exact = each.estimate.mean, dict(sorted(material.exact(number).items()))
        drawn = each.sample.strata_frames.tolist()
        level, half = self.goal.level, each.half_width
        facts, costs = material.facts, measured_costs()
        full = exact_cost(facts, costs) + costs.start_s
        cost = sampled_cost(
            facts,
            costs,
            method=each.method,
            n_exact=len(exact),
            n_decodes=material.n_decodes,
            n_spare=material.n_spare,
        )
        drawn_scores = np.array([exact[frame] for frame in drawn])
        return FrameScores(
            scores=_course(material, number, each),
            command=material.commands[number],
            notes=material.notes,
            interval=Interval(
                low=max(0.0, mean - half),
                high=min(100.0, mean + half),
                level=level,
                guarantee=(
                    "confidence interval for this clip's mean VMAF under random frame sampling; "
                    "an event that no sampled frame shows and that the auxiliary variables do not "
                    "see is not in it"
                ),
            ),
            sampling=Sampling(
                mean=mean,
                half_width=half,
                seed=seed,
                method=str(each.method),
                auxiliary=material.auxiliary_name(each.method),
                n_looks=each.n_looks,
                n_decodes=material.n_decodes,
                n_decoded=material.n_decoded,
                n_outliers=len(each.outliers.frames) if each.outliers is not None else 0,
                exact=exact,
                strata_frames=tuple(drawn),
                percentiles={
                    name: percentile_interval(drawn_scores, percent, level=level)
                    for name, percent in _PERCENTILES.items()
                },
                times_cheaper=full / (costs.start_s + cost),
                cpu_s=cpu_s,
                libvmaf_cpu_s=exact_cost(facts, costs),
            ),
            verdict=self._verdict(each, drawn_scores),
            n_worst=self.n_worst or _SHOWN_WORST,
        )

    def _verdict(
        self, each: Sampled, scores: Float[np.ndarray, " n_sampled"]
    ) -> ThresholdAnswer | None:
        goal = self.goal
        if goal.at_least is None or each.answer is None or each.estimate is None:
            return None
        if goal.percentile is None:
            reason = f"the mean is {each.estimate.mean:.2f} ± {each.half_width:.2f}"
        else:
            n_below = int((scores < goal.at_least).sum())
            reason = f"{n_below} of {len(scores)} sampled frames are below {goal.at_least:g}"
        return ThresholdAnswer(goal.at_least, goal.percentile, str(each.answer), reason)


@dataclass(frozen=True, slots=True)
class Together:
    """Encodes of one reference that were scored on the same frames.

    Attributes:
        scores: Scores of every encode.
        found: The sample of every encode.
        material: Their exact scores and auxiliary variables.
        level: Nominal coverage of intervals.
    """

    scores: tuple[FrameScores, ...]
    found: tuple[Sampled, ...]
    material: VideoMaterial
    level: float

    def difference(self, first: int, second: int) -> Difference:
        """The mean score of one encode minus that of another, with its own interval."""
        numbers = (first, second)
        if all(self.found[number].reason is not None for number in numbers):
            means = [float(self.scores[number].scores.mean()) for number in numbers]
            return Difference(means[0] - means[1], 0.0)
        samples = [self.found[number].sample for number in numbers]
        return difference(
            [sample for sample in samples if sample is not None],
            exact=[self._known(number) for number in numbers],
            auxiliary=[self.material.auxiliary(number) for number in numbers],
            level=self.level,
        )

    def _known(self, number: int) -> dict[int, float]:
        if self.found[number].reason is not None:
            return dict(enumerate(self.scores[number].scores.tolist()))
        return dict(self.material.exact(number))


def content_seed(jobs: Sequence[Job]) -> int:
    """A seed derived from the videos' sizes, beginnings and ends."""
    import xxhash

    videos = [jobs[0].pair.reference.video, *(job.pair.distorted.video for job in jobs)]
    digests = [_digest(video.path) for video in videos]
    whole = xxhash.xxh3_64(b"".join([digests[0], *sorted(digests[1:])]))
    return whole.intdigest() % 2**32


def _digest(path: Path) -> bytes:
    import xxhash

    digest = xxhash.xxh3_64()
    if path.is_file():
        size = path.stat().st_size
        digest.update(size.to_bytes(8, "big"))
        with path.open("rb", buffering=0) as file:
            digest.update(file.read(_SEED_BYTES))
            file.seek(max(0, size - _SEED_BYTES))
            digest.update(file.read(_SEED_BYTES))
    else:
        digest.update(str(path).encode())
    return digest.digest()


def _course(material: VideoMaterial, number: int, each: Sampled) -> Float[np.ndarray, " n_frames"]:
    """The predicted scores of all frames of an encode."""
    assert each.sample is not None and each.estimate is not None  # noqa: S101, PT018
    return corrected(
        each.sample,
        auxiliary=material.auxiliary(number),
        exact=material.exact(number),
        slopes=each.estimate.slopes,
    )
