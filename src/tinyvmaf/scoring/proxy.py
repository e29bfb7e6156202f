# SPDX-License-Identifier: Apache-2.0
"""What tells cheaply how the score of every frame moves: plain signals, or a reduced score.

A proxy need only go up and down with the teacher; how far off it is, sampled frames tell. `signal`
(PSNR, and how much the picture changes) needs no training at all: sampled frames tell its slopes,
too. A tiny model, or libvmaf's own v0.6.1, on reduced pictures predicts the score itself.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from tinyvmaf.errors import UsageError
from tinyvmaf.libvmaf.logs import Log
from tinyvmaf.libvmaf.sets import FULL, HALF, QUARTER, SIGNAL, TARGET, FeatureSet, sets_of
from tinyvmaf.scoring.mode import ModelName
from tinyvmaf.stats.survey import Cheap

if TYPE_CHECKING:
    from tinyvmaf.models.model import Model

REDUCED: Final = {item.name: item for item in (HALF, QUARTER)}
"""Libvmaf itself on reduced pictures, by the word for `--model`."""


@runtime_checkable
class Proxy(Protocol):
    """Measures every frame in cheap passes."""

    @property
    def name(self) -> ModelName:
        """What makes the measures."""
        ...

    @property
    def origin(self) -> str:
        """The word for `--model` that gives it again."""
        ...

    @property
    def sets(self) -> tuple[FeatureSet, ...]:
        """The passes that it reads; libvmaf at full size is not among them."""
        ...

    def measure(self, part: Log) -> Float[np.ndarray, "n_frames n_measures"]:
        """The measures of every frame, from the columns of all sets."""
        ...

    def cheap(self, values: Float[np.ndarray, "n_frames n_measures"]) -> Cheap:
        """Measures of all frames with what is expected of their slopes."""
        ...


def signal_measures(values: Float[np.ndarray, "n_frames 2"]) -> Cheap:
    """The columns of the set `signal`, in decibels; which way the score goes, the sample tells.

    The doubts were chosen on the clips of docs/sampled-scoring.md among (2, 1), (3, 1.5), (4, 2)
    and (6, 3): larger ones give intervals that are 5 % narrower, and more bias with five exact
    frames.
    """
    return Cheap(values, slopes=(0.0, 0.0), doubts=(3.0, 1.5))


def predicted_score(values: Float[np.ndarray, "n_frames 1"]) -> Cheap:
    """A prediction of the score itself: it is expected to move as the score does.

    The doubt was chosen likewise among 0, 0.25, 0.5, 1 and 2; from 0.5 on widths hardly differ.
    """
    return Cheap(values, slopes=(1.0,), doubts=(0.5,))


@dataclass(frozen=True, slots=True)
class SignalProxy:
    """PSNR, and how much the reference changes."""

    @property
    def name(self) -> ModelName:
        """Of the set."""
        return ModelName(SIGNAL.name, None)

    @property
    def origin(self) -> str:
        """The set's name."""
        return SIGNAL.name

    @property
    def sets(self) -> tuple[FeatureSet, ...]:
        """The only one."""
        return (SIGNAL,)

    def measure(self, part: Log) -> Float[np.ndarray, "n_frames n_measures"]:
        """Its columns."""
        return np.stack([part[name] for name in SIGNAL.columns], axis=1)

    def cheap(self, values: Float[np.ndarray, "n_frames n_measures"]) -> Cheap:
        """See `signal_measures`."""
        return signal_measures(values)


@dataclass(frozen=True, slots=True)
class ReducedVmaf:
    """Libvmaf's v0.6.1 on pictures that were scaled down."""

    feature_set: FeatureSet

    @property
    def name(self) -> ModelName:
        """Of the reduced set."""
        return ModelName(self.feature_set.name, None)

    @property
    def origin(self) -> str:
        """The set's name."""
        return self.feature_set.name

    @property
    def sets(self) -> tuple[FeatureSet, ...]:
        """The only one."""
        return (self.feature_set,)

    def measure(self, part: Log) -> Float[np.ndarray, "n_frames n_measures"]:
        """The score in the log."""
        return part[self.feature_set.prefix + TARGET][:, np.newaxis]

    def cheap(self, values: Float[np.ndarray, "n_frames n_measures"]) -> Cheap:
        """See `predicted_score`."""
        return predicted_score(values)


@dataclass(frozen=True, slots=True)
class TinyProxy:
    """A tiny model on cheap features.

    Attributes:
        tiny: The model.
        origin: The shipped name or the file that it was loaded from.
    """

    tiny: "Model"
    origin: str

    def __post_init__(self) -> None:
        if FULL in self.sets:
            own = [name for name in self.tiny.features if name in FULL.features]
            raise UsageError(
                f"{self.tiny.name} reads {', '.join(own) or 'features'} at full size, where the "
                "exact score costs nothing more; name a model of reduced features, half or quarter"
            )

    @property
    def name(self) -> ModelName:
        """Of the model."""
        return ModelName(self.tiny.name, self.tiny.sha256)

    @property
    def sets(self) -> tuple[FeatureSet, ...]:
        """Those that its features come from."""
        return sets_of(self.tiny.features)

    def measure(self, part: Log) -> Float[np.ndarray, "n_frames n_measures"]:
        """What the model says."""
        rows = np.stack([part[name] for name in self.tiny.features], axis=1)
        return self.tiny.predict(rows).astype(np.float64)[:, np.newaxis]

    def cheap(self, values: Float[np.ndarray, "n_frames n_measures"]) -> Cheap:
        """See `predicted_score`."""
        return predicted_score(values)
