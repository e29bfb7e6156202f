# SPDX-License-Identifier: Apache-2.0
"""Executor on this machine: one thread for each program that runs at once.

Threads, not processes: the time is spent in ffmpeg's process, and threads start at once, share the
results of probing, and leave Ctrl-C to one process.
"""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from tinyvmaf.execution.executor import AbstractExecutor, Work, attempt
from tinyvmaf.process.programs import stop_pool
from tinyvmaf.progress import OnFrame

T = TypeVar("T")


class LocalExecutor(AbstractExecutor):
    """An executor that runs a fixed number of threads."""

    def __init__(self, n_workers: int) -> None:
        self.n_workers = n_workers
        self._pool = ThreadPoolExecutor(self.n_workers)
        self._futures: set[Future[Any]] = set()
        self._stopping = threading.Event()

    def submit(self, work: Work[T], *, on_frame: OnFrame) -> "Future[T]":
        """Submit `work` to the next free thread."""
        future = self._pool.submit(
            attempt, work, on_frame=on_frame, is_stopped=self._stopping.is_set
        )
        self._futures.add(future)
        future.add_done_callback(self._futures.discard)
        return future

    def stop(self) -> None:
        """Cancel pending work, end running programs, and return when all threads are idle."""
        self._stopping.set()
        stop_pool(self._pool, tuple(self._futures))

    def close(self) -> None:
        """Wait for the threads."""
        self._pool.shutdown(wait=True)
