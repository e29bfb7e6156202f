# SPDX-License-Identifier: Apache-2.0
"""The mode `model`: a tiny model alone, on the features of every frame.

With features of reduced sets it is the fastest method, but no exact score of the clip corrects it.
The pass at full size also yields the exact score: a model of its features is for another teacher, a
mean opinion score, or for checking a model.
"""

import math
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from tinyvmaf.errors import UsageError
from tinyvmaf.libvmaf.engine import FfmpegEngine
from tinyvmaf.libvmaf.sets import SETS, TARGET, sets_of
from tinyvmaf.libvmaf.teacher import DEFAULT, Teacher, find_teacher
from tinyvmaf.models.card import Residuals
from tinyvmaf.models.model import Model
from tinyvmaf.progress import OnFrame
from tinyvmaf.scoring.all_frames import AllFrames, joined, run_all_frames
from tinyvmaf.scoring.applicability import UNKNOWN, Applicability, DomainWatch, Verdict
from tinyvmaf.scoring.mode import MODEL, FrameScores, Interval, Job, ModelName
from tinyvmaf.stats.conformal import hcp_radius


@dataclass(frozen=True, slots=True)
class ModelMode:
    """Scores with a tiny model.

    Attributes:
        tiny: The model.
        origin: The shipped name or the file that it was loaded from.
        level: Nominal coverage of its interval, in (0, 1).
    """

    tiny: Model
    origin: str
    level: float

    @property
    def name(self) -> str:
        """The value of `--mode`."""
        return MODEL

    @property
    def model(self) -> ModelName:
        """The tiny model."""
        return ModelName(self.tiny.name, self.tiny.sha256)

    @property
    def options(self) -> tuple[str, ...]:
        """The command's options that select this mode."""
        options = ["--mode", MODEL, "--model", self.origin, "--level", f"{self.level:g}"]
        if self.tiny.card is None:
            options += ["--features", ",".join(self.tiny.features)]
        return tuple(options)

    @property
    def _teacher(self) -> Teacher:
        """The libvmaf model whose pass yields the features: the card's, if no set has them."""
        card, known = self.tiny.card, {name for each in SETS.values() for name in each.columns}
        if card is None or set(self.tiny.features) <= known:
            return Teacher(DEFAULT)
        return find_teacher(card.teacher)

    def check(self, engine: FfmpegEngine) -> None:
        """Refuse an ffmpeg whose libvmaf does not have the model that computes the features."""
        engine.check(self._teacher)

    def score(self, job: Job, *, on_frame: OnFrame) -> FrameScores:
        """Compute the features and predict.

        Raises:
            UsageError: the model reads a feature that the pass does not yield.
        """
        run = run_all_frames(
            job, teacher=self._teacher, on_frame=on_frame, sets=sets_of(self.tiny.features)
        )
        card = self.tiny.card
        watch = DomainWatch(card.domain) if card is not None else None
        scores = joined(self._predict(run, watch))
        applicability = UNKNOWN if watch is None else watch.verdict()
        interval, notes = self._interval(float(scores.mean()), applicability)
        return FrameScores(
            scores=scores,
            command=run.command,
            log=run.log,
            interval=interval,
            applicability=applicability,
            notes=notes,
        )

    def _predict(
        self, run: AllFrames, watch: DomainWatch | None
    ) -> Generator[Float[np.ndarray, " n_frames"]]:
        with closing(self._features(run)) as parts:
            for features in parts:
                if watch is not None:
                    watch.add(features)
                yield self.tiny.predict(features).astype(np.float64)

    def _features(self, run: AllFrames) -> Generator[Float[np.ndarray, "n_frames n_features"]]:
        with closing(run.parts()) as parts:
            for part in parts:
                missing = [name for name in self.tiny.features if name not in part]
                if missing:
                    found = ", ".join(name for name in part if name != TARGET)
                    raise UsageError(
                        f"{self.tiny.name} reads {', '.join(missing)}, which a libvmaf pass does "
                        f"not yield; it yields {found}"
                    )
                yield np.stack([part[name] for name in self.tiny.features], axis=1)

    def _interval(
        self, mean: float, applicability: Applicability
    ) -> tuple[Interval | None, tuple[str, ...]]:
        """The interval, or notes that explain its absence."""
        if applicability.verdict is Verdict.OUTSIDE:
            return None, (f"no interval: {applicability.reason}",)
        card = self.tiny.card
        if card is None or not card.calibration:
            return None, ("no interval: the model's card has no residuals of held-out sources",)
        interval = unseen_source_interval(mean, calibration=card.calibration, level=self.level)
        if interval is None:
            n_sources = len(card.calibration)
            too_few = f"no interval: {n_sources} held-out sources are too few for {self.level:.0%}"
            return None, (f"{too_few}; ask for less with `level`",)
        return interval, ()


def unseen_source_interval(
    mean: float, *, calibration: Sequence[Residuals], level: float
) -> Interval | None:
    """Interval for libvmaf's own mean; None if there are too few sources for `level`.

    Args:
        mean: The model's mean over the clip's frames.
        calibration: The clip residuals of every held-out source, from the card.
        level: Nominal coverage, in (0, 1).

    Source: hierarchical conformal prediction (Lee, Barber and Willett 2023) over sources. Its
    theorem holds for models that were not trained on the source; the shipped weights are refitted
    on all of them, so that coverage is empirical and not guaranteed, as the interval's text says.
    """
    scores = np.abs(np.concatenate([np.asarray(item.residuals) for item in calibration]))
    sizes = [len(item.residuals) for item in calibration]
    source_index = np.repeat(np.arange(len(sizes)), sizes)
    radius = hcp_radius(scores=scores, source_index=source_index, alpha=1 - level)
    if not math.isfinite(radius):
        return None
    return Interval(
        low=max(0.0, mean - radius),
        high=min(100.0, mean + radius),
        level=level,
        guarantee=(
            f"for a clip of a new source, if it is exchangeable with the {len(sizes)} sources that "
            f"were held out: about {level:.0%} on average over such sources; not proven, since the "
            "model was refitted on all of them, and not for each source"
        ),
    )
