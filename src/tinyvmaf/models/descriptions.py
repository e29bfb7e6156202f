# SPDX-License-Identifier: Apache-2.0
"""Descriptions of models as typed records: the list of those that are shipped, and one by one."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tinyvmaf.models import zoo
from tinyvmaf.models.card import Card, read_card
from tinyvmaf.models.model import Model, load_model

LIST_SCHEMA = "tinyvmaf.models/1"
MODEL_SCHEMA = "tinyvmaf.model/1"


@dataclass(frozen=True, slots=True)
class ShippedModel:
    """A model that comes with the package.

    Attributes:
        name: Its name.
        arch: Name of the network's shape.
        n_params: Weights and biases.
        loso_rmse: Mean RMSE on held-out sources; None if it was not measured.
        teacher: The model that it was trained on.
        n_training_sources: Sources that it was trained on.
        sha256: Hash of its file.
        path: Its file.
    """

    name: str
    arch: str
    n_params: int
    loso_rmse: float | None
    teacher: str
    n_training_sources: int
    sha256: str
    path: str


@dataclass(frozen=True, slots=True)
class ModelList:
    """The models that come with the package.

    Attributes:
        schema: Name and version of this record.
        models: The models, by name.
    """

    schema: str
    models: tuple[ShippedModel, ...]


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """A model with its card.

    Attributes:
        schema: Name and version of this record.
        name: Its name.
        features: Names of its inputs, in order.
        sha256: Hash of its file, followed by its external data if it has any.
        path: Its file.
        card: The card, `tinyvmaf.card/1`; None for a model without one.
    """

    schema: str
    name: str
    features: tuple[str, ...]
    sha256: str
    path: str
    card: Mapping[str, Any] | None


def list_models() -> ModelList:
    """The models that come with the package, with the error that their cards state."""
    cards = [
        read_card(zoo.path_of(name).with_suffix(".json"), trusted=True) for name in zoo.names()
    ]
    return ModelList(LIST_SCHEMA, tuple(map(_shipped, cards)))


def _shipped(card: Card) -> ShippedModel:
    return ShippedModel(
        name=card.name,
        arch=card.arch,
        n_params=card.n_params,
        loso_rmse=card.loso.rmse if card.loso is not None else None,
        teacher=card.teacher,
        n_training_sources=len(card.training_sources),
        sha256=card.sha256,
        path=str(zoo.path_of(card.name)),
    )


def describe_model(model: Model | Path | str) -> ModelDescription:
    """A model's inputs, hash and card.

    Args:
        model: A loaded model, a shipped model's name, or an ONNX file.

    Raises:
        UsageError: there is no such file and no shipped model of that name.
        ModelError: the file or its card is invalid.
    """
    loaded = model if isinstance(model, Model) else load_model(model)
    return ModelDescription(
        schema=MODEL_SCHEMA,
        name=loaded.name,
        features=loaded.features,
        sha256=loaded.sha256,
        path=str(loaded.path),
        card=asdict(loaded.card) if loaded.card is not None else None,
    )
