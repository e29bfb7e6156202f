# SPDX-License-Identifier: Apache-2.0
"""How long work reports itself, without knowing who watches.

The lower floors call `progress.task(...)`; the command line shows bars, tests and libraries pass
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
        """Say that `amount` more units are done."""
        ...

    def finish(self) -> None:
        """Say that the work is over, complete or not."""
        ...


@runtime_checkable
class Progress(Protocol):
    """Somebody who may be watching."""

    def task(self, name: str, *, total: float, unit: str) -> Task:
        """Announce work of `total` units (`unit` in the plural: "frames", "steps")."""
        ...

    def note(self, message: str) -> None:
        """Say one line that a user should see, such as a repaired cache entry."""
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
