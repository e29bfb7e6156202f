# SPDX-License-Identifier: Apache-2.0
"""Loaded models: a checked ONNX file, and the card beside it.

A `Model` is loaded by shipped name or path, and scores rows of features. The file is checked by
`safety` first; then its hash and golden vectors are compared with the card. The order of the
features must be known: from the card, the file itself or the caller; it is never guessed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Float32

from tinyvmaf.errors import CardError, ModelError, SchemaError, UsageError
from tinyvmaf.models import zoo
from tinyvmaf.models.beside import Beside, check_hash, read_beside
from tinyvmaf.models.card import SCHEMA, Card
from tinyvmaf.models.external import shown
from tinyvmaf.models.runtime import Runtime, start
from tinyvmaf.models.safety import FEATURES_KEY, CheckedModel, check_file, read_file, shipped
from tinyvmaf.swap import complete

GOLDEN_TOLERANCE: Final = 1e-3
"""Largest accepted difference of a golden score from the card's, in VMAF points."""


@runtime_checkable
class Columns(Protocol):
    """A data frame with named columns, such as Polars' or pandas'."""

    @property
    def columns(self) -> Any:  # noqa: ANN401 (a list here, an index there)
        """The names."""
        ...

    def __getitem__(self, name: str, /) -> Any:  # noqa: ANN401 (a series of the frame's library)
        """A column by name."""
        ...


@dataclass(frozen=True, slots=True)
class Model:
    """A checked model.

    Attributes:
        name: Name in the card, else the file's.
        path: The file.
        features: Names of the input's columns, in order.
        sha256: Hash of the file, followed by its external data if it has any.
        card: The card, None for a model without one.
    """

    name: str
    path: Path
    features: tuple[str, ...]
    sha256: str
    card: Card | None
    _runtime: Runtime = field(repr=False)

    @property
    def checked(self) -> CheckedModel:
        """The file as it was checked."""
        return self._runtime.checked

    def predict(self, features: Float[np.ndarray, "..."] | Columns) -> Float32[np.ndarray, " n"]:
        """Score rows of features, in VMAF points; any number of rows in bounded memory.

        Args:
            features: [N, F] in the order of `self.features`, or a data frame that has them.

        Raises:
            UsageError: the number of columns is wrong, or a column is missing.
            SchemaError: a feature is not finite in float32.
            ModelError: a score of the model is not finite.
        """
        rows = features if isinstance(features, np.ndarray) else self._select(features)
        if rows.shape[1:] != (len(self.features),):
            raise UsageError(
                f"{self.name} reads {len(self.features)} features ({', '.join(self.features)}), "
                f"got an array of shape {rows.shape}; one row a frame, one column a feature"
            )
        scores = np.empty(len(rows), dtype=np.float32)
        size = self._runtime.chunk_rows
        for first in range(0, len(rows), size):
            scores[first : first + size] = self._predict_chunk(rows[first : first + size], first)
        return scores

    def _predict_chunk(
        self, rows: Float[np.ndarray, "n n_features"], first_row: int
    ) -> Float32[np.ndarray, " n"]:
        # Relu and Clip hide NaN, so a bad row must be found before the run. The sum of finite
        # values can overflow, so it only triggers a closer check.
        with np.errstate(over="ignore", invalid="ignore"):
            rows = np.ascontiguousarray(rows, dtype=np.float32)
            suspect = not np.isfinite(rows.sum())
        if suspect:
            self._refuse_not_finite(rows, first_row)
        try:
            return self._runtime.run(rows, first_row=first_row)
        except ModelError as error:
            raise ModelError(f"{self.name}: {error}") from error

    def _select(self, frame: Columns) -> Float32[np.ndarray, "n n_features"]:
        missing = [name for name in self.features if name not in frame.columns]
        if missing:
            raise UsageError(
                f"{self.name} reads the column {', '.join(missing)}, which is not there; "
                f"found {', '.join(map(str, frame.columns))}"
            )
        columns = [np.asarray(frame[name], dtype=np.float32) for name in self.features]
        return np.stack(columns, axis=1)

    def _refuse_not_finite(self, rows: Float32[np.ndarray, "n n_features"], first_row: int) -> None:
        bad = np.argwhere(~np.isfinite(rows))
        if len(bad):
            row, column = map(int, bad[0])
            raise SchemaError(
                f"feature {self.features[column]} of row {first_row + row} is {rows[row, column]}, "
                "expected a finite number; leave such rows out, or extract them again"
            )


def load_model(path_or_name: Path | str, *, features: Sequence[str] | None = None) -> Model:
    """Check and load a model.

    Args:
        path_or_name: An ONNX file, or the name of a shipped model.
        features: The order of the input's columns, for a file that does not say it.

    Raises:
        UsageError: there is no such file and no shipped model of that name.
        UnsafeModelError: the file holds something that is not allowed.
        HashMismatch: it is not the file that its card describes.
        CardError: the card is malformed, or the golden vectors are missed.
        ModelError: it is not usable, or the order of its features is unknown or contradictory.
    """
    model = open_model(find_model(path_or_name), features=features)
    if model.card is not None:
        check_golden(model, model.card)
    return model


def open_model(path: Path, *, features: Sequence[str] | None = None) -> Model:
    """Load the model at `path` without scoring its golden vectors; else as `load_model`."""
    if zoo.is_shipped(path):
        beside = read_beside(path, trusted=True)
        checked = shipped(read_file(path), features=beside.features or ())
    else:
        checked = check_file(path)
        beside = read_beside(path)
    check_hash(beside, checked, path=path)
    return Model(
        name=beside.card.name if beside.card is not None else path.stem,
        path=path,
        features=_order(path, checked, beside, features),
        sha256=checked.sha256,
        card=beside.card,
        _runtime=_start(checked, path),
    )


def check_golden(model: Model, card: Card) -> float:
    """Score the card's golden rows; return the largest difference, in VMAF points.

    Raises:
        CardError: a score is off by more than `GOLDEN_TOLERANCE`.
    """
    rows = np.asarray(card.golden.features, dtype=np.float32)
    wrong = np.abs(model.predict(rows) - np.asarray(card.golden.vmaf))
    largest = float(wrong.max())
    if largest > GOLDEN_TOLERANCE:
        raise CardError(
            f"{model.name}: golden vector {int(wrong.argmax())} is off by {largest:.4f} VMAF, "
            f"allowed is {GOLDEN_TOLERANCE}; the card or this ONNX Runtime is wrong"
        )
    return largest


def find_model(path_or_name: Path | str) -> Path:
    """The file of a model given by path or shipped name.

    Raises:
        UsageError: there is no such file or shipped model.
    """
    path = Path(path_or_name)
    complete(path)
    # A file in the working folder never shadows a shipped name.
    if str(path) in zoo.names():
        return zoo.path_of(str(path))
    if path.is_file() or path.suffix == ".onnx" or path.parent != Path():
        return path
    return zoo.path_of(str(path))


def model_path(model: Path | str) -> Path:
    """The absolute path of a model's file, for other programs; its card is beside it.

    Args:
        model: A shipped model's name, or an ONNX file.

    Raises:
        UsageError: there is no such file or shipped model.
        ModelError: the file cannot be a model.
    """
    path = find_model(model)
    read_file(path)
    return path.absolute()


def _order(
    path: Path, checked: CheckedModel, beside: Beside, given: Sequence[str] | None
) -> tuple[str, ...]:
    """The order of the features; all sources that state one must agree."""
    inside = checked.metadata.get(FEATURES_KEY)
    said = {
        "the caller": tuple(given) if given is not None else None,
        path.with_suffix(".json").name: beside.features,
        "the file itself": tuple(inside.split(",")) if inside is not None else None,
    }
    known = {who: names for who, names in said.items() if names is not None}
    if not known:
        raise ModelError(
            f"{path}: the order of its {checked.n_features} features is not known; "
            f"give it with `features`, or put a card of schema {SCHEMA} "
            "beside it"
        )
    if len(set(known.values())) > 1:
        words = "; ".join(
            f"{who}: {shown(', '.join(names), longest=200)}" for who, names in known.items()
        )
        raise ModelError(f"{path}: the order of its features is contradictory: {words}")
    names = next(iter(known.values()))
    if len(names) != checked.n_features or len(set(names)) != len(names):
        raise ModelError(
            f"{path}: reads {checked.n_features} features, but {len(set(names))} are named: "
            f"{shown(', '.join(names), longest=200)}"
        )
    return names


def _start(checked: CheckedModel, path: Path) -> Runtime:
    try:
        return start(checked)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
