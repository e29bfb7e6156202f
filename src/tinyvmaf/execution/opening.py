# SPDX-License-Identifier: Apache-2.0
"""Choice of the executor, threads of this machine unless a cluster is given, and those threads.

Threads, not processes: the time is spent in ffmpeg's process, and threads start at once, share the
results of probing, and leave Ctrl-C to one process.
"""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from tinyvmaf.errors import UsageError
from tinyvmaf.execution.executor import AbstractExecutor, Work, attempt
from tinyvmaf.process.programs import n_jobs, stop_pool
from tinyvmaf.progress import OnFrame

_LOCAL = "local:"


def open_executor(*, jobs: int | None = None, cluster: str | None = None) -> AbstractExecutor:
    """The executor for the options of a command, for use in a `with` block.

    Args:
        jobs: Pieces of work at once on this machine; all cores by default.
        cluster: Address of a Dask scheduler, such as `tcp://HOST:8786`, or `local:N` for a cluster
            of N worker processes that lives as long as the command.

    Raises:
        UsageError: fewer than one job or worker, or both `jobs` and `cluster`.
        ToolError: Dask is not installed, or there is no such cluster.
    """
    n_workers = check_workers(jobs=jobs, cluster=cluster)
    if cluster is None:
        return LocalExecutor(n_workers)
    from tinyvmaf.execution.cluster import DaskExecutor

    return DaskExecutor.here(n_workers) if n_workers else DaskExecutor.at(cluster)


def check_workers(*, jobs: int | None, cluster: str | None) -> int:
    """The number of workers requested, 0 if the cluster decides; checked before any work.

    Raises:
        UsageError: as `open_executor`.
    """
    if cluster is None:
        return n_jobs(jobs)
    if jobs is not None:
        raise UsageError("`jobs` is for this machine; a cluster runs one task per worker thread")
    if not cluster.startswith(_LOCAL):
        return 0
    number = cluster.removeprefix(_LOCAL)
    if not number.isdecimal() or int(number) < 1:
        raise UsageError(f"`cluster='{cluster}'`: expected local:N with N workers, such as local:2")
    return int(number)


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
