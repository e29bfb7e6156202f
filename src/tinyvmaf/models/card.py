# SPDX-License-Identifier: Apache-2.0
"""The card: the JSON beside a model with its inputs, training and measured error.

`NAME.json` beside `NAME.onnx`, held by the published schema `schemas/card.json`, which also gives
every field its meaning and unit. A card that breaks the schema or contradicts itself is refused;
no field is optional, so that nothing can be left out by accident: unknown values are null.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from jaxtyping import Float

from tinyvmaf.errors import CardError
from tinyvmaf.models.external import shown
from tinyvmaf.models.support_vectors import Regressor
from tinyvmaf.text import json_text

SCHEMA: Final = "tinyvmaf.card/1"
MAX_BYTES: Final = 4 * 2**20
_SCHEMA_FILE = Path(__file__).parents[1] / "schemas" / "card.json"
_N_GOLDEN = 16
# Hidden layers of all rows at once would take many times their memory.
_ROWS_AT_ONCE = 2**14


@dataclass(frozen=True, slots=True)
class Range:
    """The range of a feature's values over the training frames."""

    minimum: float
    p1: float
    p99: float
    maximum: float


@dataclass(frozen=True, slots=True)
class Loso:
    """The error on held-out sources, in VMAF points; the schema defines each figure."""

    protocol: str
    run: str
    n_sources: int
    n_clips: int
    n_frames: int
    rmse: float
    rmse_std: float
    plcc: float | None
    srocc: float | None
    worst_source: str
    worst_rmse: float
    clip_rmse: float | None


@dataclass(frozen=True, slots=True)
class Residuals:
    """The clip residuals of a held-out source: predicted minus target."""

    source: str
    residuals: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Golden:
    """Rows of features and the scores that the model must give them."""

    features: tuple[tuple[float, ...], ...]
    vmaf: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The description of a model; `schemas/card.json` defines each field."""

    name: str
    sha256: str
    arch: str
    n_params: int
    feature_set: str | None
    features: tuple[str, ...]
    teacher: str
    training_sources: tuple[str, ...]
    training_rmse: float | None
    table_sha256: str | None
    recipe: Mapping[str, Any]
    seeds: tuple[int, ...]
    loso: Loso | None
    loso_absent: str | None
    domain: Mapping[str, Range]
    calibration: tuple[Residuals, ...] = ()
    golden: Golden
    licence: str
    command: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict[str, str])
    notes: tuple[str, ...] = ()

    def to_json(self) -> str:
        """The card as a file's content, equal for equal cards.

        Raises:
            CardError: the card breaks the schema or contradicts itself.
        """
        record = json.loads(json.dumps({"schema": SCHEMA, **asdict(self)}))
        _validate(record)
        return json_text(record, indent=2) + "\n"


def read_card(path: Path, *, trusted: bool = False) -> Card:
    """Read and, unless it is trusted, check the card at `path`.

    Raises:
        CardError: there is no such file, it is not a card, or it contradicts itself.
    """
    return parse_card(read_json(path), origin=str(path), trusted=trusted)


def parse_card(record: object, *, origin: str, trusted: bool = False) -> Card:
    """A card from its decoded JSON; `origin` names it in errors, `trusted` means no check.

    Raises:
        CardError: it breaks the schema or contradicts itself.
    """
    try:
        if not trusted:
            _validate(record)
    except CardError as error:
        raise CardError(f"{origin}: {error}") from error
    values = cast("dict[str, Any]", record)
    rows, scores = values["golden"]["features"], values["golden"]["vmaf"]
    parsed: dict[str, Any] = {
        **_numbers(values),
        "seeds": tuple(int(seed) for seed in values["seeds"]),
        "loso": Loso(**_numbers(values["loso"])) if values["loso"] is not None else None,
        "domain": {name: Range(**_numbers(limits)) for name, limits in values["domain"].items()},
        "calibration": tuple(
            Residuals(source=entry["source"], residuals=_floats(entry["residuals"]))
            for entry in values["calibration"]
        ),
        "golden": Golden(features=tuple(map(_floats, rows)), vmaf=_floats(scores)),
    }
    for name in ("features", "training_sources", "notes"):
        parsed[name] = tuple(parsed[name])
    del parsed["schema"]
    return Card(**parsed)


def read_json(path: Path) -> object:
    """The JSON in a file beside a model.

    Raises:
        CardError: there is no such file, it is too large, or it is not JSON of finite numbers.
    """
    if not path.is_file():
        raise CardError(f"{path}: there is no such card")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise CardError(f"{path}: cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise CardError(f"{path}: larger than {MAX_BYTES} bytes; a card has a few thousand")
    try:
        return json.loads(data, parse_constant=_finite, parse_float=_finite, parse_int=_whole)
    except (ValueError, RecursionError) as error:
        raise CardError(f"{path}: not JSON of finite numbers; write the card again") from error


@cache
def schema() -> dict[str, Any]:
    """The published JSON Schema of a card."""
    return json.loads(_SCHEMA_FILE.read_text(encoding="utf-8"))


def domain(
    features: Float[np.ndarray, "n n_features"], *, names: tuple[str, ...]
) -> dict[str, Range]:
    """The range of every column of the training features."""
    levels = (0, 1, 99, 100)
    # One column at a time, since sorting copies.
    return {
        name: Range(*(float(level) for level in np.percentile(column, levels)))
        for name, column in zip(names, features.T, strict=True)
    }


def golden(network: Regressor, features: Float[np.ndarray, "n n_features"]) -> Golden:
    """Golden vectors from training features: the extremes, and rows from the low to the high score.

    The scores come from NumPy, as an independent check of ONNX Runtime.
    """
    parts = range(0, len(features), _ROWS_AT_ONCE)
    scores = [network.predict(features[start : start + _ROWS_AT_ONCE]) for start in parts]
    order = np.argsort(np.concatenate(scores), kind="stable")
    rows = features[order[np.linspace(0, len(order) - 1, _N_GOLDEN).astype(int)]]
    chosen = np.vstack([features.min(axis=0), features.max(axis=0), rows]).astype(np.float32)
    vmaf = network.predict(chosen)
    return Golden(features=tuple(map(tuple, chosen.tolist())), vmaf=tuple(vmaf.tolist()))


def _numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    """A copy with counts (`n_...`) as int and other numbers as float: JSON writes 1 and 1.0."""
    return {
        name: (int if name.startswith("n_") else float)(value)
        if isinstance(value, int | float)
        else value
        for name, value in values.items()
    }


def _floats(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _whole(text: str) -> int:
    _finite(text)
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _validate(record: Any) -> None:  # noqa: ANN401 (decoded JSON)
    from jsonschema import Draft202012Validator

    found = record.get("schema") if isinstance(record, dict) else None
    if found != SCHEMA:
        raise CardError(f"no card: its schema is {shown(str(found))}, expected {SCHEMA}")
    try:
        broken = next(Draft202012Validator(schema()).iter_errors(record), None)
    except RecursionError as error:
        raise CardError("nested too deeply for a card") from error
    if broken is not None:
        longest = 120
        said = " ".join(broken.message.split())
        said = said if len(said) <= longest else f"{said[:longest]}..."
        raise CardError(f"it does not match its schema {SCHEMA}: at {broken.json_path}: {said}")
    n_features = len(record["features"])
    if list(record["domain"]) != record["features"]:
        raise CardError("its domain does not name the features in their order")
    if any(
        not limits["minimum"] <= limits["p1"] <= limits["p99"] <= limits["maximum"]
        for limits in record["domain"].values()
    ):
        raise CardError("its domain has limits out of order")
    rows = record["golden"]["features"]
    if len(rows) != len(record["golden"]["vmaf"]) or any(len(row) != n_features for row in rows):
        raise CardError(
            f"its golden vectors are not rows of {n_features} features with a score each"
        )
    if (record["loso"] is None) == (record["loso_absent"] is None):
        raise CardError("it needs a LOSO error or the reason why there is none, not both")
    names = {
        "features": record["features"],
        "training_sources": record["training_sources"],
        "calibration": [entry["source"] for entry in record["calibration"]],
    }
    # Not in the schema: its validator compares every pair, and a hostile card has a million names.
    for field_name, listed in names.items():
        if len(listed) != len(set(listed)):
            raise CardError(f"its {field_name} has a name twice")
