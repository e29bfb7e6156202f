# SPDX-License-Identifier: Apache-2.0
"""Executor on a Dask cluster: a remote scheduler, or worker processes on this machine.

Dask reassigns the work of a worker that died, and gives it up after repeated deaths. Errors that a
file causes are returned as results and never retried. When the scheduler is lost, all pending work
fails at once, since a new scheduler would not know it.
"""

import asyncio
import contextlib
import logging
import pickle
import uuid
from collections.abc import Generator
from concurrent.futures import Future
from contextlib import ExitStack
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeVar, cast

from tinyvmaf.errors import ClusterLost, ToolNotFound, WorkerLost
from tinyvmaf.execution import worker
from tinyvmaf.execution.executor import AbstractExecutor, Work
from tinyvmaf.execution.worker import Order, Refused, n_busy, perform
from tinyvmaf.files import working_folder
from tinyvmaf.process.programs import stop_programs_of
from tinyvmaf.progress import OnFrame
from tinyvmaf.provenance import version

if TYPE_CHECKING:
    from distributed import Client, LocalCluster
    from distributed import Future as DaskFuture
    from tornado.ioloop import IOLoop

T = TypeVar("T")

_CONNECT_S = 15
_LOOPBACK = "127.0.0.1"
_STOP_S = 5.0
_INTERVAL_S = 0.05


class DaskExecutor(AbstractExecutor):
    """An executor on which every thread of every worker runs one task at a time."""

    def __init__(self, client: "Client", *, name: str, resources: ExitStack) -> None:
        self._client = client
        self._name = name
        self._resources = resources
        # Identifies this command's work on a cluster that others may use, too.
        self._run = f"tinyvmaf-{uuid.uuid4().hex}"
        self._loop = cast("IOLoop", client.loop)
        self._waiting: dict[Future[Any], DaskFuture[Any] | None] = {}
        self._listeners: dict[int, OnFrame] = {}
        self._stopping = False
        self._lost: Exception | None = None
        self._number = 0
        self.n_workers = max(1, sum(_answers(client.nthreads()).values()))
        client.subscribe_topic(self._run, self._hear)

    @classmethod
    def at(cls, address: str) -> "DaskExecutor":
        """An executor on the workers of the scheduler at `address`.

        Raises:
            ToolNotFound: Dask is not installed.
            WorkerLost: no scheduler answers there.
        """
        resources = ExitStack()
        client = _connect(address, resources, name=address)
        return cls(client, name=address, resources=resources)

    @classmethod
    def here(cls, n_workers: int) -> "DaskExecutor":
        """An executor on worker processes of this machine, which end with this one.

        Raises:
            ToolNotFound: Dask is not installed.
            WorkerLost: a worker ended while it started.
        """
        _require()
        import dask.config
        from distributed import LocalCluster

        with ExitStack() as resources:
            folder = resources.enter_context(working_folder())
            resources.enter_context(dask.config.set({"temporary-directory": str(folder)}))
            name = f"local:{n_workers}"
            try:
                cluster = LocalCluster(
                    n_workers=n_workers,
                    threads_per_worker=1,
                    processes=True,
                    # Frames stay in ffmpeg: a worker holds little memory.
                    memory_limit=0,
                    # No other machine can connect, and two commands at once do not
                    # compete for a port.
                    host=_LOOPBACK,
                    dashboard_address=f"{_LOOPBACK}:0",
                    local_directory=str(folder),
                    silence_logs=logging.CRITICAL,
                    preload=[worker.__name__],
                )
            except (RuntimeError, OSError, TimeoutError) as error:
                raise WorkerLost(
                    f"`cluster='{name}'`: its workers did not start ({error}); run it again, with "
                    "fewer of them where memory is short, or use `jobs`"
                ) from error
            resources.enter_context(cluster)
            client = _connect(cluster, resources, name=name)
            return cls(client, name=name, resources=resources.pop_all())

    def submit(self, work: Work[T], *, on_frame: OnFrame) -> "Future[T]":
        """Submit `work`, which must be picklable, to the next free worker."""
        self._number += 1
        number = self._number
        self._listeners[number] = on_frame
        order = Order(self._run, number, version(), pickle.dumps(work))
        outer: Future[T] = Future()
        self._waiting[outer] = None
        # Dask's own executor loses a result that is in transit when the scheduler ends: its
        # future would never be done.
        self._loop.add_callback(self._follow, order, outer)
        return outer

    def stop(self) -> None:
        """Cancel pending work, end our programs on every worker, and wait until all are idle."""
        self._stopping = True
        for future in tuple(self._waiting):
            future.cancel()
        # A worker that dies meanwhile ends its programs, too; a lost scheduler gives no answer.
        with contextlib.suppress(Exception):
            self._client.sync(self._stop_ours, callback_timeout=_STOP_S)

    def close(self) -> None:
        """Disconnect from the cluster; a local one ends.

        Raises:
            ClusterLost: the scheduler was lost, and work with it.
        """
        self._resources.close()
        if self._lost and not self._stopping:
            raise self._loss()

    async def _stop_ours(self) -> None:
        client = self._client
        await client.cancel([inner for inner in self._waiting.values() if inner is not None])
        await client.run(stop_programs_of, self._run, on_error="ignore")
        while True:
            busy = _answers(await client.run(n_busy, self._run, on_error="ignore"))
            if not any(busy.values()):
                return
            await asyncio.sleep(_INTERVAL_S)

    async def _follow(self, order: Order, outer: "Future[Any]") -> None:
        """Run the work and pass on its result; like all below, this runs in Dask's thread."""
        if self._stopping:
            return
        inner: DaskFuture[Any] | None = None
        try:
            inner = self._client.submit(perform, order, pure=False)
            self._waiting[outer] = inner
            outcome: object = await inner
        except Exception as error:  # noqa: BLE001 (work may raise anything, a lost connection too)
            if inner is None or inner.status != "error":
                self._lose(error)
                return
            outcome = self._explain(error)
        finally:
            self._listeners.pop(order.number, None)
        self._settle(outer, outcome)

    def _lose(self, error: Exception) -> None:
        self._lost = error
        for outer in tuple(self._waiting):
            self._settle(outer, self._loss())

    def _loss(self) -> ClusterLost:
        lost = ClusterLost(
            f"cluster {self._name}: its scheduler is gone; what was finished is kept: "
            "start a cluster and run the same command again"
        )
        lost.__cause__ = self._lost
        return lost

    def _hear(self, event: tuple[float, tuple[int, int]]) -> None:
        _, (number, count) = event
        listener = self._listeners.get(number)
        if listener is not None:
            listener(count)

    def _settle(self, outer: "Future[Any]", outcome: object) -> None:
        # The loss of the scheduler has already failed this future; later messages are ignored.
        known = outer in self._waiting
        self._waiting.pop(outer, None)
        if not known or not outer.set_running_or_notify_cancel():
            return
        if isinstance(outcome, Refused):
            outcome = outcome.error
        if isinstance(outcome, BaseException):
            outer.set_exception(outcome)
        else:
            outer.set_result(outcome)

    def _explain(self, error: BaseException) -> BaseException:
        from distributed import KilledWorker

        if isinstance(error, KilledWorker):
            return WorkerLost(
                f"cluster {self._name}: this killed several workers; read their logs (too "
                "little memory is the usual reason), then run it again"
            )
        return error


def _answers(found: object) -> dict[str, int]:
    """The answer of every worker; Dask's annotation also covers asynchronous clients."""
    return cast("dict[str, int]", found)


def _require() -> None:
    if find_spec("distributed") is None:
        raise ToolNotFound(
            "`cluster` needs Dask; install it with `pip install 'tinyvmaf[cluster]'`"
        )


def _connect(where: "str | LocalCluster", resources: ExitStack, *, name: str) -> "Client":
    """A client of the scheduler; workers may join later, such as from a batch system."""
    _require()
    from distributed import Client

    resources.enter_context(_quiet())
    try:
        client = Client(where, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        resources.close()
        raise WorkerLost(
            f"`cluster='{name}'`: no scheduler answers there ({error}); expected an "
            "address such as tcp://HOST:8786, or local:N"
        ) from error
    resources.callback(_leave, client)
    return client


@contextlib.contextmanager
def _quiet() -> Generator[None]:
    """Suppress Dask's tracebacks: lost work is repeated, or reported by this module."""
    logger = logging.getLogger("distributed.client")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _leave(client: "Client") -> None:
    # A lost scheduler cannot confirm the disconnection, and nothing is left to do.
    with contextlib.suppress(Exception):
        client.close(timeout=_STOP_S)
