# SPDX-License-Identifier: Apache-2.0
"""What a terminal shows: progress and messages on stderr, results on stdout.

Results are for programs and people alike, so nothing but them goes to stdout. Progress shows the
rate and the time left; without a terminal it stays silent but for notes.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tinyvmaf.errors import UsageError
from tinyvmaf.progress import SILENT, Task

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID


@dataclass
class _Bar:
    """One bar, with its rate in words."""

    bars: "RichProgress"
    task: "TaskID"
    unit: str

    def advance(self, amount: float) -> None:
        self.bars.advance(self.task, amount)
        speed = next(task.speed for task in self.bars.tasks if task.id == self.task)
        if speed is not None:
            self.bars.update(self.task, rate=f"{speed:,.0f} {self.unit}/s")

    def finish(self) -> None:
        self.bars.remove_task(self.task)
        if not self.bars.tasks:
            self.bars.stop()


class Terminal:
    """Progress bars and notes on stderr."""

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
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
        )

    def task(self, name: str, *, total: float, unit: str) -> Task:
        """Show a bar; its rate is in `unit` a second. Without a terminal there is none."""
        if not sys.stderr.isatty():
            return SILENT.task(name, total=total, unit=unit)  # making bars takes a while
        bars = self._bars
        task = bars.add_task(name, total=total, rate="")
        bars.start()
        return _Bar(bars, task, unit)

    def note(self, message: str) -> None:
        """Print a line above the bars."""
        self.console.print(message, style="yellow", markup=False, soft_wrap=True)

    def fail(self, message: str) -> None:
        """Print why it did not work."""
        self.console.print(message, style="red", markup=False, soft_wrap=True)


TERMINAL = Terminal()


def show(text: str) -> None:
    """Write a result to stdout.

    Raises:
        UsageError: it cannot be written, as on a full disk.
    """
    try:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        raise  # the reader has seen enough, as `head` does; Typer ends quietly
    except OSError as error:
        raise UsageError(f"cannot write to stdout: {error.strerror}") from error


def show_json(record: Mapping[str, Any]) -> None:
    """Write a result to stdout as JSON; a number that is not finite is a bug and raises."""
    show(json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False))


def show_table(columns: Mapping[str, str], rows: list[list[str]]) -> None:
    """Write rows to stdout as aligned columns; `columns` maps a heading to `left` or `right`."""
    cells = [list(columns), *rows]
    widths = [max(len(row[index]) for row in cells) for index in range(len(columns))]
    sides = list(columns.values())
    for row in cells:
        padded = [
            cell.rjust(width) if side == "right" else cell.ljust(width)
            for cell, width, side in zip(row, widths, sides, strict=True)
        ]
        show("  ".join(padded).rstrip())
