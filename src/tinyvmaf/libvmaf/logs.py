# SPDX-License-Identifier: Apache-2.0
"""Reading libvmaf's logs, and checking that they are complete.

libvmaf and ffmpeg may exit with status 0 although frames are missing, so that a run has succeeded
only if its log has consecutive frames from 0 on, as many as the videos have, every value finite.
"""

import json
from collections.abc import Generator, Mapping, Sequence
from itertools import count, islice
from pathlib import Path

import numpy as np
from jaxtyping import Float

from tinyvmaf.errors import SchemaError

Log = Mapping[str, Float[np.ndarray, " n_frames"]]
"""Columns of a log: our name -> one value a frame, float64 as libvmaf printed it."""

_Columns = tuple[Sequence[float], dict[str, Float[np.ndarray, " n_frames"]]]

# Errors that arbitrary bytes can cause: deeply nested JSON, numbers of any length.
_UNREADABLE = (
    *(OSError, ValueError, KeyError, TypeError, AttributeError),
    *(RecursionError, OverflowError),
)

PREFIXES = ("VMAF_integer_feature_", "integer_")
"""Prefix of the feature names of libvmaf's integer extractors."""


def read_log(path: Path, *, n_frames: int | None = None, every: int = 1) -> Log:
    """Read a CSV or JSON log of libvmaf.

    Args:
        path: The file; its suffix decides the format.
        n_frames: Frames that it must have, if that is known.
        every: The distance of its frames, libvmaf's `n_subsample`.

    Raises:
        SchemaError: it is no such log, a frame or value is missing, not finite or out of order.
    """
    try:
        frames, columns = _read_json(path) if path.suffix == ".json" else _read_csv(path)
    except _UNREADABLE as error:
        if isinstance(error, SchemaError):
            raise
        raise SchemaError(f"{path.name}: not a readable libvmaf log: {error}") from error
    _check(path, frames, columns, n_frames=n_frames, every=every)
    return dict(zip(our_names(list(columns)), columns.values(), strict=True))


def read_log_parts(path: Path, *, part_frames: int = 16_384) -> Generator[Log]:
    """Read a CSV log of libvmaf in parts, so that a video of any length takes little memory.

    Args:
        path: The file.
        part_frames: Frames that a part has; the last one may have fewer.

    Raises:
        SchemaError: as `read_log`, when the part that is wrong is reached.
    """
    done = 0
    try:
        with path.open(encoding="utf-8") as file:
            names = _csv_names(path, file.readline())
            while lines := list(islice(file, part_frames)):
                frames, columns = _parse_csv(names, lines)
                _check(path, frames, columns, first=done)
                done += len(frames)
                yield dict(zip(our_names(names[1:]), columns.values(), strict=True))
    except (OSError, ValueError) as error:
        if isinstance(error, SchemaError):
            raise
        raise SchemaError(f"{path.name}: not a readable libvmaf log: {error}") from error
    if not done:
        _check(path, [], {})


def _read_csv(path: Path) -> _Columns:
    with path.open(encoding="utf-8") as file:
        return _parse_csv(_csv_names(path, file.readline()), list(file))


def _csv_names(path: Path, line: str) -> list[str]:
    names, end = line.split(",")[:-1], line.rpartition(",")[2]
    if end != "\n" or names[:1] != ["Frame"] or "" in names:
        raise SchemaError(
            f"{path.name}: not a libvmaf log: its first line is not a list of columns"
        )
    _refuse_twins(path, names)
    return names


def _parse_csv(names: Sequence[str], lines: Sequence[str]) -> _Columns:
    # libvmaf ends every line with a comma. A line that was cut could still look like a number.
    n_values = len(names)
    for line in lines:
        if not line.endswith(",\n") or line.count(",") != n_values:
            found = line.count(",")
            raise ValueError(
                f"expected {n_values} values in a line, found {found}: {line.strip()[:60]!r}"
            )
    if not lines:
        return [], {name: np.zeros(0) for name in names[1:]}
    # `#` starts no comment here.
    values = np.loadtxt(lines, delimiter=",", usecols=range(n_values), ndmin=2, comments=None)
    columns = {name: values[:, index].copy() for index, name in enumerate(names) if index}
    return values[:, 0].tolist(), columns


def _read_json(path: Path) -> _Columns:
    frames = json.loads(path.read_text(encoding="utf-8"))["frames"]
    names = list(frames[0]["metrics"]) if frames else []
    if frames and not names:
        raise SchemaError(f"{path.name}: not a libvmaf log: its frames have no values")
    _refuse_twins(path, names)
    columns = {name: _numbers([frame["metrics"][name] for frame in frames]) for name in names}
    return _numbers([frame["frameNum"] for frame in frames]).tolist(), columns


def _numbers(values: Sequence[object]) -> Float[np.ndarray, " n_frames"]:
    for value in values:
        if type(value) not in (int, float):  # true is an int, too
            raise TypeError(f"{value!r} is not a number")
    return np.array(values, dtype=np.float64)


def _refuse_twins(path: Path, names: Sequence[str]) -> None:
    ours = our_names(names)
    for name in ours:
        if ours.count(name) > 1:
            raise SchemaError(f"{path.name}: two columns are called {name}")


def _check(
    path: Path,
    frames: Sequence[float],
    columns: Mapping[str, Float[np.ndarray, " n_frames"]],
    *,
    n_frames: int | None = None,
    first: int = 0,
    every: int = 1,
) -> None:
    for position, number in zip(count(first, every), frames, strict=False):
        if number != position:
            raise SchemaError(
                f"{path.name}: frame {number:g} was found where frame {position} was expected"
            )
    if not frames or (n_frames is not None and len(frames) != n_frames):
        raise SchemaError(
            f"{path.name}: libvmaf scored {len(frames)} frames, expected {n_frames or 'some'}; "
            "a video ends early or is damaged"
        )
    for name, values in columns.items():
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            raise SchemaError(f"{path.name}: {name} of frame {first + bad[0]} is {values[bad[0]]}")


def our_names(names: Sequence[str]) -> list[str]:
    """Drop libvmaf's prefixes; a float feature whose integer twin is there gets `float_`."""
    bare = [_bare(name) for name in names]
    integer = {_bare(name) for name in names if name.startswith(PREFIXES)}
    return [
        f"float_{name}" if name in integer and not original.startswith(PREFIXES) else name
        for name, original in zip(bare, names, strict=True)
    ]


def _bare(name: str) -> str:
    for prefix in PREFIXES:
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return name
