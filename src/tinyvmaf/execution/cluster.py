# SPDX-License-Identifier: Apache-2.0
"""Work on a Dask cluster: a scheduler somewhere, or worker processes of our own on this machine.

Dask gives the work of a worker that died to another one; only when that happens again and again is
the work given up. Errors that a file causes come back as results and are never tried again. When
the scheduler is gone, everything that waits fails at once: it would not be known again.
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
    """Every thread of every worker does one piece of work at a time."""

    def __init__(self, client: "Client", *, name: str, resources: ExitStack) -> None:
        self._client = client
        self._name = name
        self._resources = resources
        # Others may use the same cluster: what is ours carries this name.
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
        """Workers of the scheduler at `address`.

        Raises:
            ToolNotFound: Dask is not installed.
            WorkerLost: nobody answers there.
        """
        resources = ExitStack()
        client = _connect(address, resources, name=address)
        return cls(client, name=address, resources=resources)

    @classmethod
    def here(cls, n_workers: int) -> "DaskExecutor":
        """Processes of this machine, which end with us.

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
                    # Frames stay in ffmpeg: what a worker of ours holds is small.
                    memory_limit=0,
                    # Nobody else's machine can reach any of it, and two commands at once do not
                    # quarrel about a port.
                    host=_LOOPBACK,
                    dashboard_address=f"{_LOOPBACK}:0",
                    local_directory=str(folder),
                    silence_logs=logging.CRITICAL,
                    preload=[worker.__name__],
                )
            except (RuntimeError, OSError, TimeoutError) as error:
                raise WorkerLost(
                    f"--cluster {name}: its workers did not start ({error}); run it again, with "
                    "fewer of them where memory is short, or use --jobs"
                ) from error
            resources.enter_context(cluster)
            client = _connect(cluster, resources, name=name)
            return cls(client, name=name, resources=resources.pop_all())

    def submit(self, work: Work[T], *, on_frame: OnFrame) -> "Future[T]":
        """Have `work` done by the next free worker; it must be picklable."""
        self._number += 1
        number = self._number
        self._listeners[number] = on_frame
        order = Order(self._run, number, version(), pickle.dumps(work))
        outer: Future[T] = Future()
        self._waiting[outer] = None
        # Not by Dask's own executor: a result that is on its way when the scheduler ends is never
        # heard of again there, and whoever waits for it waits for ever.
        self._loop.add_callback(self._follow, order, outer)
        return outer

    def stop(self) -> None:
        """Cancel what waits, end our programs on every worker, and wait until all are idle."""
        self._stopping = True
        for future in tuple(self._waiting):
            future.cancel()
        # A worker that dies meanwhile takes its programs with it; a scheduler that does is silent.
        with contextlib.suppress(Exception):
            self._client.sync(self._stop_ours, callback_timeout=_STOP_S)

    def close(self) -> None:
        """Leave the cluster; one of our own ends.

        Raises:
            ClusterLost: its scheduler went away meanwhile, so that work was lost.
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
        """Have the work done and hand over what becomes of it, in Dask's thread as all below."""
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
        # The loss of the scheduler settles everything; whatever is heard afterwards is too late.
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
                f"cluster {self._name}: several workers died with this in hand; look at their "
                "logs (too little memory is a usual reason), then run it again"
            )
        return error


def _answers(found: object) -> dict[str, int]:
    """What every worker said; Dask's own annotation also knows clients that run in a coroutine."""
    return cast("dict[str, int]", found)


def _require() -> None:
    if find_spec("distributed") is None:
        raise ToolNotFound(
            "--cluster needs Dask; install it with `pip install 'tinyvmaf[cluster]'`"
        )


def _connect(where: "str | LocalCluster", resources: ExitStack, *, name: str) -> "Client":
    """A client of the scheduler; workers may come later, as where a batch system starts them."""
    _require()
    from distributed import Client

    resources.enter_context(_quiet())
    try:
        client = Client(where, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        resources.close()
        raise WorkerLost(
            f"--cluster {name}: no scheduler answers there ({error}); expected an "
            "address such as tcp://HOST:8786, or local:N"
        ) from error
    resources.callback(_leave, client)
    return client


@contextlib.contextmanager
def _quiet() -> Generator[None]:
    """Keep tracebacks of Dask's out of our output: what is lost is done again, or named by us."""
    logger = logging.getLogger("distributed.client")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _leave(client: "Client") -> None:
    # A scheduler that is gone cannot say goodbye, and nothing is left to do then.
    with contextlib.suppress(Exception):
        client.close(timeout=_STOP_S)
