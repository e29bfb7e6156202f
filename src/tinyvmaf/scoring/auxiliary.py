# SPDX-License-Identifier: Apache-2.0
"""Auxiliary variables of every frame: plain signals, a reduced score, or packet sizes.

An auxiliary variable need only correlate with the score; its slope is fitted on sampled frames.
`signal` (PSNR, and change of the reference) needs no training. A tiny model, or libvmaf's own
v0.6.1, on reduced pictures predicts the score itself. `packets` needs no decoding at all.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from tinyvmaf.errors import UsageError
from tinyvmaf.libvmaf.logs import Log
from tinyvmaf.libvmaf.sets import FULL, HALF, QUARTER, SIGNAL, TARGET, FeatureSet, sets_of
from tinyvmaf.media.index import FrameIndex
from tinyvmaf.scoring.mode import ModelName
from tinyvmaf.stats.outliers import limited
from tinyvmaf.stats.survey import Auxiliary, no_auxiliary

if TYPE_CHECKING:
    from tinyvmaf.models.model import Model

REDUCED: Final = {item.name: item for item in (HALF, QUARTER)}
"""Value of `--auxiliary` -> feature set of libvmaf on reduced pictures."""

PACKETS: Final = "packets"
NONE: Final = "none"
_WINDOW: Final = 25
"""Frames around one whose packet sizes are averaged."""

WORDS: Final = (SIGNAL.name, PACKETS, *REDUCED, NONE)
"""The values of `--auxiliary`."""


@runtime_checkable
class AbstractVariables(Protocol):
    """Auxiliary variables of every frame, and the passes that they come from."""

    @property
    def name(self) -> ModelName:
        """The name in records."""
        ...

    @property
    def options(self) -> tuple[str, ...]:
        """The command's options that select these variables."""
        ...

    @property
    def sets(self) -> tuple[FeatureSet, ...]:
        """The passes over all frames; libvmaf at full size is not among them."""
        ...

    def columns(self, part: Log) -> Float[np.ndarray, "n_frames n_variables"]:
        """The variables of every frame, from the columns of all sets."""
        ...

    def auxiliary(self, values: Float[np.ndarray, "n_frames n_variables"]) -> Auxiliary:
        """The variables of all frames with the prior of their slopes."""
        ...


def signal_variables(values: Float[np.ndarray, "n_frames 2"]) -> Auxiliary:
    """The columns of the set `signal`, in decibels; their slopes come from the sample.

    The prior deviations were chosen on the clips of docs/results/sampled-scoring.md, among (2, 1),
    (3, 1.5), (4, 2) and (6, 3): larger ones give intervals that are 5 % narrower, and more bias
    with five exact frames.
    """
    values = np.stack([values[:, 0], limited(values[:, 1])], axis=1)
    return Auxiliary(values, slopes=(0.0, 0.0), deviations=(3.0, 1.5), outlier_column=0)


def predicted_score(values: Float[np.ndarray, "n_frames 1"]) -> Auxiliary:
    """A prediction of the score itself, with a prior slope of one.

    The deviation was chosen likewise among 0, 0.25, 0.5, 1 and 2; widths hardly differ above 0.5.
    """
    return Auxiliary(values, slopes=(1.0,), deviations=(0.5,))


def packet_sizes(index: FrameIndex) -> Float[np.ndarray, "n_frames 2"]:
    """Mean packet sizes, in bytes, around every frame: of its group of pictures, and of a second.

    Groups of pictures may hold several scenes, and the frames of one second seldom do.
    """
    of_groups = np.bincount(index.group, weights=index.size)
    of_groups /= np.maximum(np.bincount(index.group), 1)
    window = min(_WINDOW, len(index.size))
    around = np.convolve(index.size, np.ones(window), "same")
    around /= np.convolve(np.ones(len(index.size)), np.ones(window), "same")
    return np.stack([of_groups[index.group], around], axis=1)


def packet_variables(sizes: Float[np.ndarray, "n_frames n_variables"]) -> Auxiliary:
    """The logarithms of packet sizes, in bytes; their slopes come from the sample."""
    n_variables = sizes.shape[1]
    return Auxiliary(
        np.log(np.maximum(sizes, 1.0)),
        slopes=(0.0,) * n_variables,
        deviations=(10.0,) * n_variables,
    )


@dataclass(frozen=True, slots=True)
class SignalVariables:
    """PSNR, and the change between frames of the reference."""

    @property
    def name(self) -> ModelName:
        """The set's name."""
        return ModelName(SIGNAL.name, None)

    @property
    def options(self) -> tuple[str, ...]:
        """The set's name."""
        return ("--auxiliary", SIGNAL.name)

    @property
    def sets(self) -> tuple[FeatureSet, ...]:
        """The only one."""
        return (SIGNAL,)

    def columns(self, part: Log) -> Float[np.ndarray, "n_frames n_variables"]:
        """Its columns."""
        return np.stack([part[name] for name in SIGNAL.columns], axis=1)

    def auxiliary(self, values: Float[np.ndarray, "n_frames n_variables"]) -> Auxiliary:
        """See `signal_variables`."""
        return signal_variables(values)


@dataclass(frozen=True, slots=True)
class ReducedVmaf:
    """Libvmaf's v0.6.1 on reduced pictures."""

    feature_set: FeatureSet

    @property
    def name(self) -> ModelName:
        """The reduced set's name."""
        return ModelName(self.feature_set.name, None)

    @property
    def options(self) -> tuple[str, ...]:
        """The set's name."""
        return ("--auxiliary", self.feature_set.name)

    @property
    def sets(self) -> tuple[FeatureSet, ...]:
        """The only one."""
        return (self.feature_set,)

    def columns(self, part: Log) -> Float[np.ndarray, "n_frames n_variables"]:
        """The score in the log."""
        return part[self.feature_set.prefix + TARGET][:, np.newaxis]

    def auxiliary(self, values: Float[np.ndarray, "n_frames n_variables"]) -> Auxiliary:
        """See `predicted_score`."""
        return predicted_score(values)


@dataclass(frozen=True, slots=True)
class TinyModel:
    """A tiny model on features of reduced sets.

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
        """The model's name."""
        return ModelName(self.tiny.name, self.tiny.sha256)

    @property
    def options(self) -> tuple[str, ...]:
        """The option `--model`."""
        return ("--model", self.origin)

    @property
    def sets(self) -> tuple[FeatureSet, ...]:
        """The feature sets that hold the model's features."""
        return sets_of(self.tiny.features)

    def columns(self, part: Log) -> Float[np.ndarray, "n_frames n_variables"]:
        """The scores that the model predicts."""
        rows = np.stack([part[name] for name in self.tiny.features], axis=1)
        return self.tiny.predict(rows).astype(np.float64)[:, np.newaxis]

    def auxiliary(self, values: Float[np.ndarray, "n_frames n_variables"]) -> Auxiliary:
        """See `predicted_score`."""
        return predicted_score(values)


@dataclass(frozen=True, slots=True)
class NoVariables:
    """Variables that need no pass: none at all, or packet sizes."""

    word: str = NONE

    @property
    def name(self) -> ModelName:
        """The word."""
        return ModelName(self.word, None)

    @property
    def options(self) -> tuple[str, ...]:
        """The word."""
        return ("--auxiliary", self.word)

    @property
    def sets(self) -> tuple[FeatureSet, ...]:
        """There is no pass."""
        return ()

    def columns(self, part: Log) -> Float[np.ndarray, "n_frames n_variables"]:
        """There is no column."""
        n_frames = len(next(iter(part.values()), np.empty(0)))
        return np.empty((n_frames, 0))

    def auxiliary(self, values: Float[np.ndarray, "n_frames n_variables"]) -> Auxiliary:
        """No variable of any frame."""
        return no_auxiliary(len(values))
