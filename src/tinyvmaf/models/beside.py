# SPDX-License-Identifier: Apache-2.0
"""The JSON file beside a model: a card, or another tool's record of the model.

Only two entries of other tools' files are used: the order of the features and the model's SHA-256.
Everything else in them is ignored.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from tinyvmaf.errors import CardError, HashMismatch
from tinyvmaf.models.card import Card, parse_card, read_json
from tinyvmaf.models.external import shown
from tinyvmaf.models.safety import CheckedModel


@dataclass(frozen=True, slots=True)
class Beside:
    """The contents of the file beside a model.

    Attributes:
        card: None if there is none.
        features: The order of the features, None if unknown.
        sha256: Hash of the model that the file describes, None if unknown.
    """

    card: Card | None = None
    features: tuple[str, ...] | None = None
    sha256: str | None = None


def read_beside(path: Path, *, trusted: bool = False) -> Beside:
    """Read the card, or another tool's JSON, beside the model at `path`.

    Args:
        path: The model.
        trusted: True for a card of the package, which the tests check against its schema.

    Raises:
        CardError: the file is there but is not JSON, or a malformed card.
    """
    beside = path.with_suffix(".json")
    if not beside.is_file():
        return Beside()
    record = read_json(beside)
    if not isinstance(record, dict):
        raise CardError(f"{beside}: expected a JSON object that describes {path.name}")
    fields = cast("dict[str, Any]", record)
    if str(fields.get("schema", "")).startswith("tinyvmaf."):
        card = parse_card(fields, origin=str(beside), trusted=trusted)
        return Beside(card=card, features=card.features, sha256=card.sha256)
    names = fields.get("features")
    sha256 = fields.get("sha256")
    usable = isinstance(names, list) and all(isinstance(name, str) for name in names)
    return Beside(
        features=tuple(cast("list[str]", names)) if usable else None,
        sha256=sha256 if isinstance(sha256, str) else None,
    )


def check_hash(beside: Beside, checked: CheckedModel, *, path: Path) -> None:
    """Compare a model's hash with the one in the JSON beside it.

    A card's hash covers external data; that of another tool may cover the file alone.

    Raises:
        HashMismatch: they differ.
    """
    right = {checked.sha256} if beside.card is not None else {checked.sha256, checked.file_sha256}
    if beside.sha256 is not None and beside.sha256 not in right:
        raise HashMismatch(
            f"{path}: its SHA-256 is {checked.sha256}, {path.with_suffix('.json').name} says "
            f"{shown(beside.sha256, longest=64)}; the two files do not belong together, "
            "get both again"
        )
