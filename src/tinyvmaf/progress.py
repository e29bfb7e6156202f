# SPDX-License-Identifier: Apache-2.0
"""Progress reports of long work, independent of their display.

The lower packages call `progress.task(...)`; the command line shows bars, tests and libraries pass
`SILENT`. Nothing here prints.
"""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

OnFrame = Callable[[int], None]
"""Called with the number of frames done so far."""


@runtime_checkable
class Task(Protocol):
    """One piece of long work."""

    def advance(self, amount: float) -> None:
        """Report that `amount` more units are done."""
        ...

    def finish(self) -> None:
        """Report that the work has ended, complete or not."""
        ...


@runtime_checkable
class Progress(Protocol):
    """Receiver of progress reports."""

    def task(self, name: str, *, total: float, unit: str) -> Task:
        """Announce work of `total` units (`unit` in the plural: "frames", "steps")."""
        ...

    def note(self, message: str) -> None:
        """Report one line to the user, such as a repaired cache entry."""
        ...


class _Silent:
    def task(self, name: str, *, total: float, unit: str) -> Task:
        del name, total, unit
        return self

    def note(self, message: str) -> None:
        del message

    def advance(self, amount: float) -> None:
        del amount

    def finish(self) -> None:
        pass


SILENT: Progress = _Silent()
