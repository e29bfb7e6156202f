# SPDX-License-Identifier: Apache-2.0
"""What the JSON file beside a model says: a card of ours, or another tool's record of it.

Other tools' files are read for two things only, and only if they are plainly there: the order of
the features and the model's SHA-256. Nothing else in them is believed.
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
    """What is known of a model from the file beside it.

    Attributes:
        card: None if there is none.
        features: The order of the features, None if nothing says it.
        sha256: Of the model that is meant, None if nothing says it.
    """

    card: Card | None = None
    features: tuple[str, ...] | None = None
    sha256: str | None = None


def read_beside(path: Path, *, trusted: bool = False) -> Beside:
    """Read the card, or another tool's JSON, beside the model at `path`.

    Args:
        path: The model.
        trusted: It is a card of the package itself, which the tests have held to its schema.

    Raises:
        CardError: the file is there but is no JSON, or a malformed card.
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
    """Hold a model's hash against what the JSON beside it says.

    A card's hash covers external data; other tools hash the file alone, which is accepted of them.

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
