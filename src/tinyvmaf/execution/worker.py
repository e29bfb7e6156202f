# SPDX-License-Identifier: Apache-2.0
"""What runs in a worker of a Dask cluster; tinyvmaf must be installed there, too."""

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
    """Work on its way to a worker; only the worker itself reads it, not the scheduler.

    Attributes:
        run: Whom programs belong to; also the topic of progress.
        number: Names the work within the run.
        version: Of tinyvmaf where the work comes from.
        work: Pickled.
    """

    run: str
    number: int
    version: str | None
    work: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """An error that is an answer: Dask would log it and think about trying again."""

    error: TinyVmafError


def perform(order: Order) -> object:
    """Do what is ordered; an error of ours becomes a `Refused`."""
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
    """Pieces of the run's work that this worker has in hand."""
    return _busy.get(run, 0)


def dask_setup(worker: object) -> None:
    """Called by Dask when a worker of `--cluster local:N` begins."""
    del worker
    # A terminal sends these to all: the command hears them, and then ends its workers in order.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
