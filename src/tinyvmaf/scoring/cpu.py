# SPDX-License-Identifier: Apache-2.0
"""CPU time of scoring: of this process and of the programs that it ran."""

import resource
import threading
from collections.abc import Generator
from contextlib import contextmanager

_lock = threading.Lock()
_running: list["Spent"] = []


class Spent:
    """CPU time of a stretch of work.

    Attributes:
        seconds: User and system time once the work has ended; None if other work ran meanwhile,
            since the system counts by process and not by pair.
    """

    def __init__(self) -> None:
        self.seconds: float | None = None
        self.alone = True


@contextmanager
def cpu_time() -> Generator[Spent]:
    """Measure the CPU time of the `with` block."""
    spent, before = Spent(), _cpu_s()
    with _lock:
        _running.append(spent)
        for each in _running:
            each.alone = each.alone and len(_running) == 1
    try:
        yield spent
    finally:
        with _lock:
            _running.remove(spent)
            spent.seconds = _cpu_s() - before if spent.alone else None


def _cpu_s() -> float:
    both = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)
