# SPDX-License-Identifier: Apache-2.0
"""CPU time of scoring: figures of its parts as measured once, and the time of a run of it.

The figures are in files beside this module: `costs.json`, which `tinyvmaf frontier` writes, and
`deviations.json`, which the benchmarks of coverage write with the origin of each figure. Only the
ratios of CPU times matter, and those depend little on the machine.
"""

import json
import resource
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from tinyvmaf.errors import SchemaError, UsageError
from tinyvmaf.libvmaf.sets import FULL
from tinyvmaf.typed_json import from_json

COSTS_SCHEMA: Final = "tinyvmaf.costs/1"
FULL_HD: Final = 1920 * 1080

DECODING: Final = "decoding"
EXACT_FRAME: Final = "exact frame"
SPARE_FRAME: Final = "spare frame"
START: Final = "start"


@dataclass(frozen=True, slots=True)
class Costs:
    """CPU seconds per 1080p frame, except `start_s`.

    Attributes:
        decoding: Cost of decoding one frame of both videos.
        libvmaf: Cost of libvmaf on every frame, decoding included.
        exact_frame: Cost of one sampled frame, decoding excluded.
        spare_frame: Cost of keeping one frame with its neighbours for a later round.
        passes: Feature set -> its cost, decoding excluded.
        start_s: Cost of starting the program and checking the pair, at any picture size.
        deviations: Method -> the standard deviation of a frame's score that its auxiliary variables
            leave, in VMAF points, before anything is known of a pair.
    """

    decoding: float
    libvmaf: float
    exact_frame: float
    spare_frame: float
    passes: Mapping[str, float]
    start_s: float
    deviations: Mapping[str, float]


def costs_of(cpu_ms: Mapping[str, float]) -> Costs:
    """The figures from CPU milliseconds by part, as `frontier` records them."""
    decoding = cpu_ms[DECODING]
    parts = {DECODING, EXACT_FRAME, SPARE_FRAME, START}
    return Costs(
        decoding=decoding / 1000,
        libvmaf=cpu_ms[FULL.name] / 1000,
        exact_frame=cpu_ms[EXACT_FRAME] / 1000,
        spare_frame=cpu_ms[SPARE_FRAME] / 1000,
        passes={
            name: max(0.0, value - decoding) / 1000
            for name, value in cpu_ms.items()
            if name not in parts
        },
        start_s=cpu_ms[START] / 1000,
        deviations=_packaged("deviations")["deviations"],
    )


def measured_costs() -> Costs:
    """The figures of `costs.json`."""
    return costs_of(_packaged("costs")["cpu_ms"])


@dataclass(frozen=True, slots=True)
class CostsRecord:
    """CPU times of the parts of scoring, and their origin.

    Attributes:
        schema: Name and version of this record.
        cpu_ms: Part of scoring -> CPU time of a 1080p frame; `start` is that of a whole start.
        cpu_pairs: Pairs that were timed, as `source/clip`.
        date: Date of the measurement.
        versions: Package or program -> version.
    """

    schema: str
    cpu_ms: Mapping[str, float]
    cpu_pairs: tuple[str, ...]
    date: str
    versions: Mapping[str, str]


def read_costs(path: Path) -> CostsRecord:
    """The CPU times in a file that `frontier` wrote.

    Raises:
        UsageError: it cannot be read.
        SchemaError: it holds something else.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SchemaError(f"{path}: not readable JSON: {error}") from error
    if not isinstance(found, dict) or found.get("schema") != COSTS_SCHEMA:
        raise SchemaError(f"{path}: expected schema {COSTS_SCHEMA}")
    return from_json(CostsRecord, found, at=str(path))


@cache
def _packaged(name: str) -> dict[str, Any]:
    path = files("tinyvmaf.scoring") / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))


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
