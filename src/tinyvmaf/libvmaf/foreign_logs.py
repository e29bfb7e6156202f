# SPDX-License-Identifier: Apache-2.0
"""Logs of libvmaf from other programs' runs: JSON, XML or CSV, of version 1.3 or later.

The format is recognised by the content, and a log may be compressed with gzip. Memory holds the
text of one log and its numbers. A log is believed whole or not at all: frames that are missing,
doubled or out of order, values that are missing or not finite, and a text that was cut are refused
in one line.
"""

import gzip
import io
import json
import math
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from tinyvmaf.errors import SchemaError
from tinyvmaf.libvmaf.logs import PREFIXES, Log, our_names

SUFFIXES = (".json", ".xml", ".csv")
"""Suffixes of logs; each may have `.gz` behind it."""

_GZIP = b"\x1f\x8b"
_MAX_BYTES = 2**31
_FRAMES = re.compile(r'"frames"\s*:\s*\[')
_SPACE = re.compile(r"\s*")
_FRAME_COLUMNS = ("Frame", "frame", "frameNum")
# Version 1.5 put the size of the pictures into its CSV.
_NO_VALUES = frozenset({"Width", "Height"})
# The extractors that exist in integer and in float arithmetic.
_TWO_KINDS = re.compile(r"(adm|vif|motion|aim)")
# Errors that a file of arbitrary bytes can cause.
_UNREADABLE = (
    *(OSError, EOFError, ValueError, KeyError, IndexError, TypeError, AttributeError),
    *(RecursionError, OverflowError, zlib.error),
)


@dataclass(frozen=True, slots=True)
class ForeignLog:
    """A log, and the facts that it records about its run.

    Attributes:
        path: The file.
        columns: Our name -> one value a frame, NaN where the log has none.
        version: Version of libvmaf; None if the log does not state it (CSV).
        model: The model's name; None if the log does not state it (version 2 and later).
        integer: Names of the columns whose extractor worked in integers.
    """

    path: Path
    columns: Log
    version: str | None
    model: str | None
    integer: frozenset[str]

    def take(self, names: Sequence[str]) -> Log:
        """The columns `names`.

        Raises:
            SchemaError: one is not there, or a frame has no finite value of it.
        """
        missing = [name for name in names if name not in self.columns]
        if missing:
            raise SchemaError(
                f"{self.path}: no {', '.join(missing)}; the log has {', '.join(self.columns)}"
            )
        taken = {name: self.columns[name] for name in names}
        for name, values in taken.items():
            bad = np.flatnonzero(~np.isfinite(values))
            if bad.size:
                found = "missing" if np.isnan(values[bad[0]]) else f"{values[bad[0]]}"
                raise SchemaError(f"{self.path}: {name} of frame {bad[0]} is {found}")
        return taken

    def arithmetic(self, names: Sequence[str]) -> str | None:
        """Arithmetic of the features `names`: `integer`, `float`, `mixed` or None if all alike."""
        kinds = {name in self.integer for name in names if _TWO_KINDS.match(name)}
        if len(kinds) > 1:
            return "mixed"
        return next(("integer" if kind else "float" for kind in kinds), None)


def read_foreign_log(path: Path) -> ForeignLog:
    """Read the log at `path`.

    Raises:
        SchemaError: it is not a log of libvmaf, or not a whole one.
    """
    try:
        text = _text(path)
        read = {"{": _read_json, "<": _read_xml}.get(text.lstrip()[:1], _read_csv)
        frames, names, values, head = read(text)
    except _UNREADABLE as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise SchemaError(f"{path}: not a whole log of libvmaf: {reason}") from error
    ours = our_names(names)
    twins = {name for name in ours if ours.count(name) > 1}
    if twins:
        raise SchemaError(f"{path}: two columns are called {min(twins)}")
    _check_frames(path, frames)
    prefixed = zip(names, ours, strict=True)
    return ForeignLog(
        path=path,
        columns=dict(zip(ours, values.T.copy(), strict=True)),
        version=head.get("version"),
        model=_model(head.get("model")),
        integer=frozenset(name for raw, name in prefixed if raw.startswith(PREFIXES)),
    )


_Parsed = tuple[list[float], list[str], Float[np.ndarray, "n_frames n_columns"], dict[str, str]]


def _check_frames(path: Path, frames: Sequence[float]) -> None:
    if not frames:
        raise SchemaError(f"{path}: the log has no frames")
    every = frames[1] - frames[0] if len(frames) > 1 else 1
    if every > 1 and list(frames) == [number * every for number in range(len(frames))]:
        raise SchemaError(
            f"{path}: the log has one frame in {every:g} (n_subsample); a table needs all frames"
        )
    for position, number in enumerate(frames):
        if number != position:
            raise SchemaError(
                f"{path}: frame {number:g} was found where frame {position} was expected"
            )


def _text(path: Path) -> str:
    with path.open("rb") as file:
        packed = file.read(len(_GZIP)) == _GZIP
        file.seek(0)
        with gzip.open(file) if packed else file as data:
            content = data.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise ValueError(f"more than {_MAX_BYTES // 2**30} GiB of text")
    return content.decode("utf-8-sig")


def _read_json(text: str) -> _Parsed:
    """Frame by frame: the objects of all frames at once would take ten times the text."""
    found = _FRAMES.search(text)
    if found is None:
        raise ValueError("it has no frames")
    head = json.loads(text[: found.start()] + '"frames": []}')
    place, decode = found.end(), json.JSONDecoder().raw_decode
    frames, names, rows = list[float](), list[str](), list[Any]()
    while text[place := _skip(text, place)] != "]":
        frame, place = decode(text, place)
        number, metrics = frame["frameNum"], frame["metrics"]
        names = names or list(metrics)
        row = [metrics.get(name) for name in names]
        if not {*map(type, row), type(number)} <= {int, float}:
            row = [_number(value, name, number) for name, value in zip(names, row, strict=True)]
        frames.append(float(number))
        rows.append(row)
        place = _skip(text, place)
        if text[place] == ",":
            place += 1
        elif text[place] != "]":
            raise ValueError(f"{text[place : place + 10]!r} was found where , or ] was expected")
    json.loads('{"frames": []' + text[place + 1 :])
    model = head.get("params", {}).get("model")
    return frames, names, _array(rows, names), _known(version=head.get("version"), model=model)


def _array(rows: list[Any], names: list[str]) -> Float[np.ndarray, "n_frames n_columns"]:
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(names))


def _skip(text: str, place: int) -> int:
    """The place of the next character that is no space."""
    found = _SPACE.match(text, place)
    if found is None or found.end() == len(text):
        raise ValueError("it was cut short")
    return found.end()


def _number(value: object, name: str, frame: object) -> float:
    """The value, NaN for null, which libvmaf writes instead of NaN and infinity."""
    if type(frame) not in (int, float):
        raise TypeError(f"frame number {frame!r} is not a number")
    if value is None:
        return math.nan
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    raise TypeError(f"{name} of frame {frame} is {value!r}, which is not a number")


def _read_xml(text: str) -> _Parsed:
    from xml.parsers import expat

    frames, names, rows, head = list[float](), list[str](), list[Any](), dict[str, str]()

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag == "frame":
            frames.append(float(attributes.pop("frameNum")))
            if not names:
                names.extend(attributes)
            rows.append([float(attributes.get(name, math.nan)) for name in names])
        elif tag == "VMAF" and "version" in attributes:
            head["version"] = attributes["version"]
        elif tag == "params" and "model" in attributes:
            head["model"] = attributes["model"]

    def refuse(*_: object) -> None:
        raise ValueError("a document type, which libvmaf does not write")

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(text.encode(), True)  # noqa: FBT003 (positional only)
    except expat.ExpatError as error:
        raise ValueError(f"broken XML: {error}") from error
    return frames, names, _array(rows, names), head


def _read_csv(text: str) -> _Parsed:
    lines = io.StringIO(text)
    header = lines.readline().rstrip("\r\n")
    # Libvmaf ends every line with a comma, a program that wrote its log again may not.
    end = "," if header.endswith(",") else ""
    names = header.removesuffix(end).split(",") if header else []
    if names[:1] == [] or names[0] not in _FRAME_COLUMNS or "" in names:
        raise ValueError(
            f"neither JSON nor XML, and no list of columns with commas between: {header[:60]!r}"
        )
    if not text.endswith("\n"):
        raise ValueError("it was cut short")
    whole = _checked(lines, len(names), end)
    used = range(len(names))
    values = np.loadtxt(whole, delimiter=",", ndmin=2, comments=None, usecols=used)
    kept = [index for index, name in enumerate(names) if index and name not in _NO_VALUES]
    if not values.size:
        raise ValueError("it has no frames")
    return values[:, 0].tolist(), [names[index] for index in kept], values[:, kept], {}


def _checked(lines: Iterator[str], n_values: int, end: str) -> Iterator[str]:
    """The lines, checked for their number of values; one that was cut could look like a number."""
    some = False
    for line in lines:
        bare = line.rstrip("\r\n")
        if not bare.endswith(end) or bare.count(",") != n_values - (not end):
            found = bare.removesuffix(end).count(",") + 1
            raise ValueError(f"expected {n_values} values, found {found}: {bare[:60]!r}")
        some = True
        yield bare
    if not some:
        raise ValueError("it has no frames")


def _known(**said: object) -> dict[str, str]:
    return {name: value for name, value in said.items() if isinstance(value, str)}


def _model(name: str | None) -> str | None:
    """The model's name without folder and suffix."""
    if not name:
        return None
    return re.sub(r"\.(pkl|json)$", "", name.replace("\\", "/").rpartition("/")[2])
