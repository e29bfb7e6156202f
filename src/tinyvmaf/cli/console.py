# SPDX-License-Identifier: Apache-2.0
"""Terminal output: progress and messages on stderr, results on stdout.

Only results go to stdout, since programs read them, too. Progress shows the
rate and the time left; without a terminal it stays silent but for notes.
"""

import codecs
import os
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from io import TextIOWrapper
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from tinyvmaf.errors import UsageError
from tinyvmaf.progress import SILENT, Task
from tinyvmaf.text import json_text, one_line, unfolded

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

_SIGNS = "tinyvmaf.signs"
# Messages name an argument of a function as `name` or `name=value`.
_ARGUMENT = re.compile(r"`([a-z_]+)(?:=([^`]*))?`")
_SAME_NAME = """
    against allow at_least auxiliary budget cluster costs crop engine exact_frames
    features ffmpeg jobs level libvmaf log_format manifest mode model pattern percentile
    predictions seed seeds sync target teacher threads to within worst
"""
_OPTIONS = {
    **{name: f"--{name.replace('_', '-')}" for name in _SAME_NAME.split()},
    "arch": "--model-arch",
    "distil_on": "--distil",
    "duration_s": "--duration",
    "models": "--model",
    "n_frames": "--frames",
    "output": "-o",
    "raw": "--size WxH",
    "reference_start_s": "--reference-start",
    "stall_s": "--timeout",
    "timed": "--cpu",
    "start_s": "--start",
}
_LONGEST_NAME = 25
_ASCII = {
    "\N{PLUS-MINUS SIGN}": "+/-",
    "\N{MULTIPLICATION SIGN}": "x",
    "\N{MIDDLE DOT}": "-",
    "\N{EN DASH}": "-",
}


@dataclass
class _Bar:
    """One bar, with its rate in words."""

    bars: "RichProgress"
    task: "TaskID"
    unit: str
    lock: Lock

    def advance(self, amount: float) -> None:
        self.bars.advance(self.task, amount)
        speed = next(task.speed for task in self.bars.tasks if task.id == self.task)
        if speed is not None:
            self.bars.update(self.task, rate=f"{speed:,.0f} {self.unit}/s")

    def finish(self) -> None:
        with self.lock:
            self.bars.remove_task(self.task)
            if not self.bars.tasks:
                self.bars.stop()


class Terminal:
    """Progress bars and notes on stderr."""

    def __init__(self) -> None:
        self._lock = Lock()

    @cached_property
    def console(self) -> "Console":
        """Stderr, through Rich."""
        from rich.console import Console

        return Console(stderr=True, highlight=False, emoji=False)

    @cached_property
    def _bars(self) -> "RichProgress":
        from rich.progress import (
            BarColumn,
            Progress,
            TaskProgressColumn,
            TextColumn,
            TimeRemainingColumn,
        )

        return Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TextColumn("{task.fields[rate]}", markup=False),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
        )

    def task(self, name: str, *, total: float, unit: str) -> Task:
        """Show a bar; its rate is in `unit` a second. Without a terminal there is none."""
        if not sys.stderr.isatty():
            return SILENT.task(name, total=total, unit=unit)  # making bars takes a while
        # Files are read in several threads.
        with self._lock:
            bars = self._bars
            task = bars.add_task(_short(one_line(name)), total=total, rate="")
            bars.start()
        return _Bar(bars, task, unit, self._lock)

    def note(self, message: str) -> None:
        """Print a line above the bars."""
        self._say(message, "yellow")

    def fail(self, message: str) -> None:
        """Print the reason of a failure."""
        self._say(message, "red")

    def _say(self, message: str, style: str) -> None:
        words = one_line(unfolded(with_options(message)))
        # A closed stderr, or a full disk, cannot be reported anywhere.
        with suppress(OSError):
            self.console.print(words, style=style, markup=False, soft_wrap=True)


def _short(name: str) -> str:
    """A name that leaves room for the bar beside it: its beginning and its end."""
    if len(name) <= _LONGEST_NAME:
        return name
    half = (_LONGEST_NAME - 3) // 2
    return f"{name[:half]}...{name[-half:]}"


TERMINAL = Terminal()


def with_options(message: str) -> str:
    """The message with options of the command in the place of arguments of a function."""
    return _ARGUMENT.sub(_option, message)


def _option(match: re.Match[str]) -> str:
    name, value = match[1], match[2]
    if name not in _OPTIONS:
        return match[0]
    if size := re.fullmatch(r"RawFormat\((\d+), (\d+)\)", value or ""):
        return f"--size {size[1]}x{size[2]}"
    value = (value or "").removeprefix("[").removesuffix("]").strip("'")
    return f"{_OPTIONS[name]} {value}" if value not in {"", "True"} else _OPTIONS[name]


def open_streams() -> None:
    """Make stdout and stderr take any text, and stay what they are if they are closed."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # Otherwise the next file that is opened would receive the output of libraries.
            os.open(os.devnull, os.O_RDWR)
    codecs.register_error(_SIGNS, _in_other_signs)
    if sys.stderr is None:  # pyright: ignore[reportUnnecessaryComparison] (its type is too narrow)
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 (to the end)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=_SIGNS)


def _in_other_signs(error: UnicodeError) -> tuple[str, int]:
    """Replace characters that the encoding of a terminal, such as ASCII, does not have."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    known = (_ASCII.get(sign) or ascii(sign)[1:-1] for sign in signs)
    return "".join(known), error.end


def show(line: str) -> None:
    """Write a result, one line, to stdout.

    Raises:
        UsageError: it cannot be written, as on a full disk.
    """
    _write(one_line(unfolded(line)) + "\n")


def _write(text: str) -> None:
    if sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison] (as above)
        raise UsageError("cannot write to stdout: it is closed")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise  # the reader has seen enough, as `head` does; Typer ends quietly
    except OSError as error:
        raise UsageError(f"cannot write to stdout: {error.strerror}") from error


def show_json(record: Mapping[str, Any]) -> None:
    """Write a result to stdout as JSON; a number that is not finite is a bug and raises."""
    _write(json_text(record, indent=2) + "\n")


def show_table(columns: Mapping[str, str], rows: list[list[str]]) -> None:
    """Write rows to stdout as aligned columns; `columns` maps a heading to `left` or `right`."""
    cells = [list(columns), *([one_line(cell) for cell in row] for row in rows)]
    widths = [max(len(row[index]) for row in cells) for index in range(len(columns))]
    sides = list(columns.values())
    for row in cells:
        padded = [
            cell.rjust(width) if side == "right" else cell.ljust(width)
            for cell, width, side in zip(row, widths, sides, strict=True)
        ]
        show("  ".join(padded).rstrip())
