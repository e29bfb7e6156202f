# SPDX-License-Identifier: Apache-2.0
"""Logs of frame scores in libvmaf's own layouts, for programs that read those.

A JSON, XML or CSV log with libvmaf's names, order and precision is made from libvmaf's CSV log of
the pass and the scores of the mode. If the mode is not libvmaf itself, the column `vmaf` holds the
mode's scores and the other columns libvmaf's values. Memory does not grow with the video.
"""

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Final

import numpy as np
from jaxtyping import Float

from tinyvmaf.errors import UsageError
from tinyvmaf.files import written_aside
from tinyvmaf.libvmaf.sets import TARGET

FORMATS: Final = ("json", "xml", "csv")

_PART_FRAMES: Final = 1024

Row = Sequence[str]


@dataclass(frozen=True, slots=True)
class LogHead:
    """The facts about a run in the head of a log.

    Attributes:
        libvmaf: Version of libvmaf.
        fps: Frames scored per second.
        width, height: Size of the compared pictures.
    """

    libvmaf: str
    fps: float
    width: int
    height: int


def log_format(path: Path, named: str | None) -> str:
    """The format that was named, else that of the file's suffix; JSON without a suffix.

    Raises:
        UsageError: there is no such format.
    """
    chosen = named or path.suffix.removeprefix(".").lower()
    if chosen in FORMATS:
        return chosen
    if named is None and not chosen:
        return "json"
    if named is None:
        raise UsageError(
            f"{path}: no log format has the suffix {path.suffix!r}; expected one of "
            f"{', '.join(FORMATS)}, or `log_format`"
        )
    raise UsageError(f"unknown log format {named!r}; expected one of {', '.join(FORMATS)}")


def write_log(
    path: Path,
    *,
    layout: str,
    head: LogHead,
    scores: Float[np.ndarray, " n_frames"],
    measured: Path | None,
) -> None:
    """Write a log of `scores` to `path` atomically.

    Args:
        path: The file.
        layout: One of `FORMATS`.
        head: Facts about the run.
        scores: Score of every frame, for the column `vmaf`.
        measured: Libvmaf's CSV log of the same frames, whose other columns are copied.

    Raises:
        UsageError: the file cannot be written.
    """
    write = _WRITERS[layout]
    with (
        written_aside(path) as aside,
        aside.open("w", encoding="utf-8") as file,
        closing(_rows(scores, measured)) as rows,
    ):
        names = next(rows)
        write(file, head, _Pooling(names, rows))


class _Pooling:
    """An iterator over rows that pools every column."""

    def __init__(self, names: Row, rows: Iterable[Row]) -> None:
        self.names = names
        self._rows = rows
        self._n_frames = 0
        self._lowest = np.full(len(names), np.inf)
        self._highest = np.full(len(names), -np.inf)
        self._sum = np.zeros(len(names))
        self._reciprocals = np.zeros(len(names))

    def rows(self) -> Generator[Row]:
        while part := list(islice(self._rows, _PART_FRAMES)):
            values = np.array(part, dtype=np.float64)
            self._n_frames += len(part)
            self._lowest = np.minimum(self._lowest, values.min(axis=0))
            self._highest = np.maximum(self._highest, values.max(axis=0))
            self._sum += values.sum(axis=0)
            self._reciprocals += (1 / (values + 1)).sum(axis=0)
            yield from part

    def pooled(self) -> Generator[tuple[str, dict[str, str]]]:
        """Yield libvmaf's pooled values, under its names, after the last row."""
        columns = zip(
            self.names,
            self._lowest,
            self._highest,
            self._sum / self._n_frames,
            self._n_frames / self._reciprocals - 1,
            strict=True,
        )
        for name, *values in columns:
            words = ("min", "max", "mean", "harmonic_mean")
            yield (
                name,
                {word: f"{value:.6f}" for word, value in zip(words, values, strict=True)},
            )


def _rows(scores: Float[np.ndarray, " n_frames"], measured: Path | None) -> Generator[Row]:
    """Yield the columns' names, then one row per frame, as text with libvmaf's six digits."""
    if measured is None:
        yield (TARGET,)
        yield from ((f"{score:.6f}",) for score in scores)
        return
    with measured.open(encoding="utf-8") as file:
        names = file.readline().rstrip(",\n").split(",")[1:]
        place = names.index(TARGET)
        yield names
        for score, line in zip(scores, file, strict=True):
            row = line.rstrip(",\n").split(",")[1:]
            row[place] = f"{score:.6f}"
            yield row


def _write_csv(file: IO[str], head: LogHead, table: _Pooling) -> None:
    del head  # this layout has no field for it
    file.write(f"Frame,{','.join(table.names)},\n")
    file.writelines(f"{number},{','.join(row)},\n" for number, row in enumerate(table.rows()))


def _write_json(file: IO[str], head: LogHead, table: _Pooling) -> None:
    file.write(f'{{\n  "version": "{head.libvmaf}",\n  "fps": {head.fps:.2f},\n  "frames": [')
    for number, row in enumerate(table.rows()):
        metrics = ",\n".join(
            f'        "{name}": {value}' for name, value in zip(table.names, row, strict=True)
        )
        file.write("," if number else "")
        file.write(f'\n    {{\n      "frameNum": {number},\n      "metrics": {{\n{metrics}\n')
        file.write("      }\n    }")
    pooled = ",\n".join(
        f'    "{name}": {{\n'
        + ",\n".join(f'      "{w}": {v}' for w, v in found.items())
        + "\n    }"
        for name, found in table.pooled()
    )
    file.write(f'\n  ],\n  "pooled_metrics": {{\n{pooled}\n  }},\n  "aggregate_metrics": {{\n  }}')
    file.write("\n}\n")


def _write_xml(file: IO[str], head: LogHead, table: _Pooling) -> None:
    # Rarely needed, and slow to import, since it loads urllib.
    from xml.sax.saxutils import quoteattr

    file.write(f"<VMAF version={quoteattr(head.libvmaf)}>\n")
    file.write(f'  <params qualityWidth="{head.width}" qualityHeight="{head.height}" />\n')
    file.write(f'  <fyi fps="{head.fps:.2f}" />\n  <frames>\n')
    for number, row in enumerate(table.rows()):
        metrics = " ".join(
            f'{name}="{value}"' for name, value in zip(table.names, row, strict=True)
        )
        file.write(f'    <frame frameNum="{number}" {metrics} />\n')
    file.write("  </frames>\n  <pooled_metrics>\n")
    for name, found in table.pooled():
        values = " ".join(f'{word}="{value}"' for word, value in found.items())
        file.write(f'    <metric name="{name}" {values} />\n')
    file.write("  </pooled_metrics>\n  <aggregate_metrics />\n</VMAF>\n")


_WRITERS: Final[dict[str, Callable[[IO[str], LogHead, _Pooling], None]]] = {
    "json": _write_json,
    "xml": _write_xml,
    "csv": _write_csv,
}
