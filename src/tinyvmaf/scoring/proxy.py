# SPDX-License-Identifier: Apache-2.0
"""What scores every frame cheaply: a tiny model, or libvmaf itself, on reduced pictures.

A proxy need only go up and down with the teacher; how far off it is, sampled frames tell. Libvmaf's
own v0.6.1 at half or quarter size needs no training and is far off on its own, but steadily so.
"""

from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from tinyvmaf.errors import UsageError
from tinyvmaf.features.log import Log
from tinyvmaf.features.sets import FULL, HALF, QUARTER, TARGET, FeatureSet, sets_of
from tinyvmaf.models.model import Model
from tinyvmaf.scoring.mode import ModelName

REDUCED: Final = {item.name: item for item in (HALF, QUARTER)}
"""Proxies that need no model file, by the word for `--model`."""


@runtime_checkable
class Proxy(Protocol):
    """Scores every frame from reduced passes."""

    @property
    def name(self) -> ModelName:
        """What makes the scores."""
        ...

    @property
    def origin(self) -> str:
        """The word for `--model` that gives it again."""
        ...

    @property
    def sets(self) -> tuple[FeatureSet, ...]:
        """The passes that it reads; none is at full size."""
        ...

    def predict(self, part: Log) -> Float[np.ndarray, " n_frames"]:
        """The score of every frame, from the columns of all sets."""
        ...


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

    def predict(self, part: Log) -> Float[np.ndarray, " n_frames"]:
        """The score in the log."""
        return part[self.feature_set.prefix + TARGET]


@dataclass(frozen=True, slots=True)
class TinyProxy:
    """A tiny model on reduced features.

    Attributes:
        tiny: The model.
        origin: The shipped name or the file that it was loaded from.
    """

    tiny: Model
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

    def predict(self, part: Log) -> Float[np.ndarray, " n_frames"]:
        """What the model says."""
        rows = np.stack([part[name] for name in self.tiny.features], axis=1)
        return self.tiny.predict(rows).astype(np.float64)
