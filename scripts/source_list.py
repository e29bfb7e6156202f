# SPDX-License-Identifier: Apache-2.0
"""The list of sources, `corpora/sources.toml`, read and checked.

Every source gets a name, an origin (a file of known hash inside a package), the frames that are
used, and whether it is held out. A list that could leak, such as one file in two sources or a
photograph that judges, is refused.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from tinyvmaf.errors import UsageError

SOURCES = Path(__file__).resolve().parent.parent / "corpora" / "sources.toml"

Kind = Literal["clip", "photograph", "synthetic"]


@dataclass(frozen=True, slots=True)
class Origin:
    """A file inside a package of a public registry.

    Attributes:
        registry: `pypi` or `debian`.
        package: Its name there.
        version: The version in which the file was found.
        file: Path inside the package; with `%` a sequence of pictures.
        sha256: Of the file, or of the pictures used, one after the other.
        licence: The package's, and the content's where one is named.
    """

    registry: Literal["pypi", "debian"]
    package: str
    version: str
    file: str
    sha256: str
    licence: str

    @property
    def is_sequence(self) -> bool:
        """Whether `file` names many pictures."""
        return "%" in self.file


@dataclass(frozen=True, slots=True)
class Motion:
    """A camera's way over a photograph, from its first frame to its last.

    Attributes:
        zoom: Width of the photograph over that of the picture.
        pan: Centre (x, y) at the start and the end; -1 and 1 touch the photograph's edges.
        rotate: Degrees.
        shake: Amplitude of a trembling hand, in pixels.
        grain: Strength of the noise added to every frame.
        seed: Of noise and trembling.
    """

    zoom: tuple[float, float]
    pan: tuple[float, float, float, float]
    rotate: tuple[float, float]
    shake: float
    grain: int
    seed: int


@dataclass(frozen=True, slots=True)
class Source:
    """One entry of the list.

    Attributes:
        name: Unique; the file that is made is named after it.
        kind: `clip`, `photograph` (in motion) or `synthetic`.
        frames: How many frames are used.
        fps: Their rate.
        hold_out: Whether it is kept from training, tuning and selection.
        origin: Where it comes from; None if it is synthetic.
        start: First frame used.
        size: Width and height of a moving photograph.
        motion: How a photograph moves.
        graph: What draws a synthetic source.
    """

    name: str
    kind: Kind
    frames: int
    fps: Fraction
    hold_out: bool
    origin: Origin | None = None
    start: int = 0
    size: tuple[int, int] | None = None
    motion: Motion | None = None
    graph: str | None = None

    @property
    def folder(self) -> str:
        """Where it belongs: a folder for each kind, and one for the hold-out."""
        if self.hold_out:
            return "hold_out"
        return {"clip": "clips", "photograph": "photographs", "synthetic": "synthetic"}[self.kind]


def read_sources(path: Path = SOURCES) -> tuple[Source, ...]:
    """Read the list at `path`.

    Raises:
        UsageError: an entry cannot be understood, or the list could leak.
    """
    with path.open("rb") as file:
        entries: list[dict[str, Any]] = tomllib.load(file)["source"]
    sources: list[Source] = []
    for entry in entries:
        try:
            sources.append(_parse(entry))
        except (KeyError, TypeError, ValueError) as error:
            name = entry.get("name", f"number {len(sources) + 1}")
            raise UsageError(f"{path}: source {name}: {error!r}") from error
    _check(sources, path)
    return tuple(sources)


def _parse(entry: Mapping[str, Any]) -> Source:
    kind = entry["kind"]
    motion = entry["motion"] if kind == "photograph" else None
    return Source(
        name=entry["name"],
        kind=kind,
        frames=int(entry["frames"]),
        fps=Fraction(entry["fps"]),
        hold_out=bool(entry["hold_out"]),
        origin=None if kind == "synthetic" else _origin(entry),
        start=int(entry.get("start", 0)),
        size=_size(entry["size"]) if motion else None,
        motion=_motion(motion) if motion else None,
        graph=entry["graph"] if kind == "synthetic" else None,
    )


def _origin(entry: Mapping[str, Any]) -> Origin:
    keys = ("registry", "package", "version", "file", "sha256", "licence")
    return Origin(**{key: entry[key] for key in keys})


def _size(text: str) -> tuple[int, int]:
    width, height = text.split("x")
    return int(width), int(height)


def _motion(entry: Mapping[str, Any]) -> Motion:
    return Motion(
        zoom=tuple(entry["zoom"]),
        pan=tuple(entry["pan"]),
        rotate=tuple(entry["rotate"]),
        shake=float(entry["shake"]),
        grain=int(entry["grain"]),
        seed=int(entry["seed"]),
    )


def _check(sources: list[Source], path: Path) -> None:
    seen: dict[str, str] = {}
    for source in sources:
        keys = [source.name.lower()]
        if source.origin is not None:
            keys.append(source.origin.sha256)
        for key in keys:
            if key in seen:
                raise UsageError(f"{path}: {source.name} and {seen[key]} are one source")
            seen[key] = source.name
        if source.hold_out and source.kind != "clip":
            raise UsageError(f"{path}: {source.name} is not a real clip, so it cannot be held out")
