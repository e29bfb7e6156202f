# SPDX-License-Identifier: Apache-2.0
"""What every way of scoring takes and gives.

A mode turns an aligned pair into a score for every frame, and says how far to believe their mean.
It decides itself what ffmpeg computes; the caller has checked the pair and gives it a folder.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from tinyvmaf.libvmaf.engine import FfmpegEngine
from tinyvmaf.pairs.checked import CheckedPair
from tinyvmaf.progress import OnFrame
from tinyvmaf.scoring.applicability import Applicability

EXACT: Final = "exact"
MODEL: Final = "model"
SAMPLED: Final = "sampled"
MODES: Final = (EXACT, MODEL, SAMPLED)
"""The words for `--mode`."""


@dataclass(frozen=True, slots=True)
class Job:
    """One pair to be scored.

    Attributes:
        pair: The videos and how they are compared.
        engine: The ffmpeg to use.
        folder: An empty one that lives as long as the job.
        threads: What ffmpeg may use.
    """

    pair: CheckedPair
    engine: FfmpegEngine
    folder: Path
    threads: int


@dataclass(frozen=True, slots=True)
class ModelName:
    """What made the scores; `sha256` is None for a model that is part of libvmaf."""

    name: str
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Interval:
    """Where the exact mean of the clip is expected, with what probability, and why.

    Attributes:
        low, high: In VMAF points, within [0, 100].
        level: The probability that is aimed at.
        guarantee: What is promised, as weak as it is.
    """

    low: float
    high: float
    level: float
    guarantee: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a clip's mean was estimated from the exact scores of a few frames.

    Attributes:
        mean: The estimate, in VMAF points, within [0, 100].
        half_width: Of its interval, before that is cut to [0, 100].
        seed: Where chance came from.
        n_decodes: How often the pair was decoded.
        exact: Frame number -> exact score, of the frames that were computed.
        times_cheaper: Libvmaf's cost over ours, estimated from measured costs of the parts.
    """

    mean: float
    half_width: float
    seed: int
    n_decodes: int
    exact: Mapping[int, float]
    times_cheaper: float


@dataclass(frozen=True, slots=True)
class FrameScores:
    """What a mode found.

    Attributes:
        scores: Of every frame, in [0, 100].
        command: The ffmpeg command that computed them.
        log: Libvmaf's CSV log of all frames, None if the mode did not make one.
        interval: Where the exact mean is expected; None if the mean is exact or nothing is known.
        applicability: Whether the model knows such content; None if no model was used.
        notes: What a user should know.
        sampling: How the mean was estimated; the scores are modelled then, but for sampled frames.
        exact_by: The teacher, if a mode that would sample has left all frames to it.
    """

    scores: Float[np.ndarray, " n_frames"]
    command: tuple[str, ...]
    log: Path | None = None
    interval: Interval | None = None
    applicability: Applicability | None = None
    notes: tuple[str, ...] = ()
    sampling: Sampling | None = None
    exact_by: ModelName | None = None


@runtime_checkable
class Mode(Protocol):
    """A way of scoring."""

    @property
    def name(self) -> str:
        """The word for `--mode`."""
        ...

    @property
    def model(self) -> ModelName:
        """What makes the scores."""
        ...

    @property
    def options(self) -> tuple[str, ...]:
        """The command's options that give this mode again."""
        ...

    def check(self, engine: FfmpegEngine) -> None:
        """Refuse what this ffmpeg cannot do, before any work."""
        ...

    def score(self, job: Job, *, on_frame: OnFrame) -> FrameScores:
        """Score every frame of one pair."""
        ...
