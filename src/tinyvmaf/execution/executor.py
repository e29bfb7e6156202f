# SPDX-License-Identifier: Apache-2.0
"""The interface of executors, modelled on `concurrent.futures`: submit work, wait for its future.

Work is a picklable function of one argument, a callback that takes the number of frames done so
far. It runs ffmpeg, so that a thread is enough to drive it; see `local` and `cluster`.
Leaving the `with` block by an error cancels pending work and ends running programs.
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
    """Runs pieces of work in parallel.

    Attributes:
        n_workers: Number of pieces of work that run at once.
    """

    n_workers: int

    @abstractmethod
    def submit(self, work: Work[T], *, on_frame: OnFrame) -> "Future[T]":
        """Submit `work`; `on_frame` may be called in any thread, and its count never falls."""

    @abstractmethod
    def stop(self) -> None:
        """Cancel pending work, and end every running program with all its children."""

    @abstractmethod
    def close(self) -> None:
        """Release all resources, once all futures are done.

        Raises:
            ClusterLost: the cluster was lost meanwhile.
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
                # Ctrl-C or a bug: no ffmpeg may outlive this process, no pending work may start.
                self.stop()
        finally:
            self.close()


def as_they_end(futures: Iterable[Future[T]]) -> Iterator[Future[T]]:
    """Yield the futures in the order in which they end; signals interrupt the wait.

    Polars, once imported, makes waits resume after Ctrl-C, which would then take effect only when
    the next future ends.
    """
    _hear_interrupts()
    for future in as_completed(futures):
        yield future
        # Polars may have been imported meanwhile.
        _hear_interrupts()


def _hear_interrupts() -> None:
    signal.siginterrupt(signal.SIGINT, True)  # noqa: FBT003 (positional only)


class Share:
    """The share of a progress task that belongs to one piece of work, which may be retried."""

    def __init__(self, task: Task, n_frames: int) -> None:
        self._task = task
        self._n_frames = n_frames
        self._done = 0

    def reach(self, count: int) -> None:
        """Report the number of frames done so far; only the increase is counted."""
        reached = min(count, self._n_frames)
        if reached > self._done:
            self._task.advance(float(reached - self._done))
            self._done = reached

    def complete(self) -> None:
        """Report that the work has ended, successfully or not."""
        self.reach(self._n_frames)


def attempt(work: Work[T], *, on_frame: OnFrame, is_stopped: Callable[[], bool]) -> T:
    """Run `work`, and retry if its program was killed from outside; other errors are final."""
    for _ in range(_TRIES - 1):
        try:
            return work(on_frame)
        except ToolStopped:
            if is_stopped():
                raise
    return work(on_frame)
