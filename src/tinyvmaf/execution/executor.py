# SPDX-License-Identifier: Apache-2.0
"""One way to hand out work, shaped like `concurrent.futures`: submit, get a future, wait for it.

Work is a picklable function of one argument: a function that it calls with the number of frames
done so far. It runs ffmpeg, so that a thread is enough to drive it; see `local` and `cluster`.
Leaving the `with` block by an error cancels what waits and ends what runs.
"""

import signal
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, as_completed
from types import TracebackType
from typing import TypeVar

from tinyvmaf.errors import ToolStopped
from tinyvmaf.progress import OnFrame, Task

T = TypeVar("T")

Work = Callable[[OnFrame], T]

_TRIES = 3


class AbstractExecutor(ABC):
    """Runs work side by side.

    Attributes:
        n_workers: Pieces of work at once.
    """

    n_workers: int

    @abstractmethod
    def submit(self, work: Work[T], *, on_frame: OnFrame) -> "Future[T]":
        """Have `work` done; `on_frame` is called in whatever thread, and never for less."""

    @abstractmethod
    def stop(self) -> None:
        """Cancel what waits, and end every program that runs, with all its children."""

    @abstractmethod
    def close(self) -> None:
        """Give back what was used, when all futures are done.

        Raises:
            ClusterLost: there was a cluster, which went away meanwhile.
        """

    def __enter__(self) -> "AbstractExecutor":  # noqa: PYI034 (beartype knows no Self in methods)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if error is not None:
                # Ctrl-C or a bug: no ffmpeg may outlive us, and nothing waiting may start.
                self.stop()
        finally:
            self.close()


def as_they_end(futures: Iterable[Future[T]]) -> Iterator[Future[T]]:
    """The futures in the order in which they end; a signal is heard while it waits.

    Polars, once imported, has Ctrl-C resume an interrupted wait: it would be heard only when the
    next future ends.
    """
    _hear_interrupts()
    for future in as_completed(futures):
        yield future
        # It may have been imported meanwhile.
        _hear_interrupts()


def _hear_interrupts() -> None:
    signal.siginterrupt(signal.SIGINT, True)  # noqa: FBT003 (positional only)


class Share:
    """The part of a task that one piece of work has; it may be tried more than once."""

    def __init__(self, task: Task, n_frames: int) -> None:
        self._task = task
        self._n_frames = n_frames
        self._done = 0

    def reach(self, count: int) -> None:
        """Say that so many frames are done; what was said before is not counted again."""
        reached = min(count, self._n_frames)
        if reached > self._done:
            self._task.advance(float(reached - self._done))
            self._done = reached

    def complete(self) -> None:
        """Say that it is over, whether it worked or not."""
        self.reach(self._n_frames)


def attempt(work: Work[T], *, on_frame: OnFrame, is_stopped: Callable[[], bool]) -> T:
    """Do `work`, again if its program was ended from outside; a broken file fails at once."""
    for _ in range(_TRIES - 1):
        try:
            return work(on_frame)
        except ToolStopped:
            if is_stopped():
                raise
    return work(on_frame)
