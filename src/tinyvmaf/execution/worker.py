# SPDX-License-Identifier: Apache-2.0
"""Code that runs in a worker of a Dask cluster, where tinyvmaf must be installed, too."""

import pickle
import signal
from dataclasses import dataclass

from tinyvmaf.errors import TinyVmafError, ToolNotFound
from tinyvmaf.execution.executor import Work, attempt
from tinyvmaf.process.programs import is_stopped, owned_by
from tinyvmaf.provenance import version

_busy: dict[str, int] = {}


@dataclass(frozen=True, slots=True)
class Order:
    """Work sent to a worker; the scheduler does not unpickle it.

    Attributes:
        run: Name of the run that owns the programs; also the topic of its progress.
        number: Number of the work within the run.
        version: Version of tinyvmaf in the sending process.
        work: The pickled work.
    """

    run: str
    number: int
    version: str | None
    work: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """An error returned as a result, so that Dask neither logs nor retries it."""

    error: TinyVmafError


def perform(order: Order) -> object:
    """Run the work and return its result; a `TinyVmafError` becomes a `Refused`."""
    from distributed import get_worker

    worker = get_worker()

    def on_frame(count: int) -> None:
        worker.log_event(order.run, (order.number, count))

    _busy[order.run] = _busy.get(order.run, 0) + 1
    try:
        if version() != order.version:
            raise ToolNotFound(
                f"worker {worker.address} has tinyvmaf {version()}, expected {order.version}; "
                "install the same version everywhere"
            )
        with owned_by(order.run):
            work: Work[object] = pickle.loads(order.work)  # noqa: S301 (it comes from `submit`)
            return attempt(work, on_frame=on_frame, is_stopped=lambda: is_stopped(order.run))
    except TinyVmafError as error:
        return Refused(error)
    finally:
        _busy[order.run] -= 1


def n_busy(run: str) -> int:
    """Number of the run's pieces of work that this worker is running."""
    return _busy.get(run, 0)


def dask_setup(worker: object) -> None:
    """Ignore terminal signals; Dask calls this when a worker of `--cluster local:N` starts."""
    del worker
    # A terminal signals all processes; the command handles the signal and ends its workers.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
