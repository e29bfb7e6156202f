# SPDX-License-Identifier: Apache-2.0
"""The rows of a feature table, read from existing libvmaf logs.

Logs are read in parallel and yielded in order. An incomplete log is set aside with its error. Logs
of different teachers, versions of libvmaf or arithmetic are refused: a table has one of each.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import partial
from hashlib import sha256
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from tinyvmaf.errors import CorpusError, SchemaError, TinyVmafError
from tinyvmaf.execution.executor import AbstractExecutor, as_they_end
from tinyvmaf.features.log_names import NamedLog
from tinyvmaf.features.schema import check_values
from tinyvmaf.features.table import TableInfo
from tinyvmaf.libvmaf.foreign_logs import ForeignLog, read_foreign_log
from tinyvmaf.libvmaf.logs import Log
from tinyvmaf.libvmaf.sets import ALL, CANONICAL6, TARGET
from tinyvmaf.process.isolation import ask_beside
from tinyvmaf.progress import OnFrame, Task
from tinyvmaf.provenance import file_sha256, versions

if TYPE_CHECKING:
    import polars as pl

UNKNOWN = "unknown"
"""The teacher of logs that do not name their model."""

_BATCH_BYTES = 2**25
# Columns of a log that are scores or their uncertainties.
_SCORES = ("bagging", "stddev", "ci95_low", "ci95_high")
_SCORE_ENDINGS = ("_bagging", "_stddev", "_ci_p95_lo", "_ci_p95_hi")


@dataclass(frozen=True, slots=True)
class FailedLog:
    """A log that could not be used."""

    path: Path
    error: TinyVmafError


@dataclass(frozen=True, slots=True)
class Wanted:
    """The columns to read from a log, and the facts that the user states about it."""

    features: str
    score: str
    teacher: str | None
    libvmaf: str | None

    def columns(self, log: ForeignLog) -> tuple[str, ...]:
        """The feature columns."""
        if self.features == "canonical6":
            return CANONICAL6
        if self.features != ALL:
            return tuple(name.strip() for name in self.features.split(","))
        scores = (self.score, *_SCORES, *_all_scores(log))
        others = sorted(set(log.columns) - set(CANONICAL6) - set(scores))
        return (*(name for name in CANONICAL6 if name in log.columns), *others)


def _all_scores(log: ForeignLog) -> Iterator[str]:
    """The columns that hold a model's score, a bootstrapped score, or its uncertainty."""
    for name in log.columns:
        if name.startswith(TARGET) or name.endswith(_SCORE_ENDINGS):
            yield name


@dataclass(frozen=True, slots=True)
class _Origin:
    """The properties that all logs of a table share."""

    teacher: str
    libvmaf: str | None
    arithmetic: str | None
    features: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Read:
    columns: Log
    origin: _Origin


def _read_all(paths: tuple[Path, ...], wanted: Wanted) -> "list[_Read | TinyVmafError]":
    """Read logs; also called in another process."""
    found: list[_Read | TinyVmafError] = []
    for path in paths:
        try:
            found.append(_read(path, wanted))
        except TinyVmafError as error:
            found.append(error)
    return found


def _read(path: Path, wanted: Wanted) -> _Read:
    log = read_foreign_log(path)
    features = wanted.columns(log)
    columns = log.take((*features, wanted.score))
    origin = _Origin(
        teacher=_agreed(path, "teacher", log.model, wanted.teacher) or UNKNOWN,
        libvmaf=_agreed(path, "libvmaf", log.version, wanted.libvmaf),
        arithmetic=log.arithmetic(features),
        features=features,
    )
    return _Read({**columns, TARGET: columns[wanted.score]}, origin)


def _agreed(path: Path, what: str, said: str | None, named: str | None) -> str | None:
    if said is not None and named is not None and said != named:
        raise SchemaError(f"{path}: the log states {what} {said}, not {named}")
    return said or named


class LogRows:
    """The rows of the table in order, read log by log.

    Attributes:
        failures: Incomplete or unreadable logs so far.
        n_rows: Number of rows read so far.
        clips: Their clips, as `source/clip`.
        sources: Their sources.
    """

    def __init__(self, logs: Sequence[NamedLog], wanted: Wanted, task: Task) -> None:
        self._logs, self._wanted, self._task = logs, wanted, task
        self._first: tuple[NamedLog, _Origin] | None = None
        self._corpus = sha256()
        self.failures: list[FailedLog] = []
        self.n_rows = 0
        self.clips: set[str] = set()
        self.sources: set[str] = set()

    def begin(self, executor: AbstractExecutor) -> "Iterator[pl.DataFrame]":
        """The rows, after the first log was read, since a table's metadata precedes its rows.

        Raises:
            CorpusError: no log could be used.
        """
        for log in self._logs:
            with suppress(OSError):  # reading it raises the error
                self._corpus.update(f"{log.source}/{log.clip}\0{file_sha256(log.path)}\n".encode())
        pieces = self._pieces(executor)
        first = next(pieces, None)
        if first is None:
            failed = self.failures[0]
            more = f" (and {len(self.failures) - 1} more)" if len(self.failures) > 1 else ""
            raise CorpusError(f"no log could be used: {failed.error}{more}")
        return chain([first], pieces)

    def info(self) -> TableInfo:
        """The origin of the rows."""
        assert self._first is not None  # noqa: S101 (set with the first rows)
        origin = self._first[1]
        version = {} if origin.libvmaf is None else {"libvmaf": origin.libvmaf}
        return TableInfo(
            teacher=origin.teacher,
            features=origin.features,
            versions={**versions(), **version},
            corpus=self._corpus.hexdigest(),
            notes=("made from logs of libvmaf",),
            labels=tuple(self._logs[0].labels),
            arithmetic=origin.arithmetic,
        )

    def _pieces(self, executor: AbstractExecutor) -> "Iterator[pl.DataFrame]":
        for log, found in _results(self._logs, self._wanted, executor):
            self._task.advance(1.0)
            try:
                if isinstance(found, TinyVmafError):
                    raise found
                rows = _rows(log, found)
                features, labels = found.origin.features, tuple(log.labels)
                check_values(rows, features, origin=str(log.path), labels=labels)
            except TinyVmafError as error:
                self.failures.append(FailedLog(log.path, error))
                continue
            self._check_origin(log, found.origin)
            self.n_rows += rows.height
            self.clips.add(f"{log.source}/{log.clip}")
            self.sources.add(log.source)
            yield rows

    def _check_origin(self, log: NamedLog, origin: _Origin) -> None:
        if self._first is None:
            self._first = (log, origin)
        first, expected = self._first
        for field in fields(_Origin):
            one, other = getattr(origin, field.name), getattr(expected, field.name)
            if one != other:
                raise SchemaError(
                    f"{log.path}: {field.name} {_text(one)}, but {_text(other)} in {first.path}; "
                    "a table has one: import them apart, or name with `teacher` and `libvmaf` "
                    "what a log does not state"
                )
        if origin.arithmetic == "mixed":
            raise SchemaError(
                f"{log.path}: integer and float features, of which a table has one kind: name the "
                "features with `features`"
            )


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value or "not stated")


def _results(
    logs: Sequence[NamedLog], wanted: Wanted, executor: AbstractExecutor
) -> "Iterator[tuple[NamedLog, _Read | TinyVmafError]]":
    """Yield the content of every log, in order; a few batches are read ahead."""
    batches = _batches(logs)
    # Reading one batch is faster than starting another Python.
    ask = ask_beside if len(batches) > 1 else _here
    waiting: deque[tuple[list[NamedLog], Future[list[_Read | TinyVmafError]]]] = deque()
    coming = iter(batches)
    while True:
        for batch in islice(coming, executor.n_workers + 1 - len(waiting)):
            paths = tuple(log.path for log in batch)
            work = partial(_work, ask, paths, wanted)
            waiting.append((batch, executor.submit(work, on_frame=_ignore)))
        if not waiting:
            return
        batch, future = waiting.popleft()
        for ended in as_they_end([future]):
            yield from zip(batch, ended.result(), strict=True)


def _work(
    ask: "Callable[..., list[_Read | TinyVmafError]]",
    paths: tuple[Path, ...],
    wanted: Wanted,
    on_frame: OnFrame,
) -> "list[_Read | TinyVmafError]":
    del on_frame
    return ask(_read_all, paths, wanted)


def _here(
    function: "Callable[..., list[_Read | TinyVmafError]]", *args: object
) -> "list[_Read | TinyVmafError]":
    return function(*args)


def _ignore(count: int) -> None:
    del count


def _batches(logs: Sequence[NamedLog]) -> list[list[NamedLog]]:
    """Batches of logs, each large enough to be worth a process."""
    batches, n_bytes = list[list[NamedLog]](), _BATCH_BYTES
    for log in logs:
        with suppress(OSError):
            # A compressed log expands about tenfold.
            n_bytes += log.path.stat().st_size * (10 if log.path.suffix == ".gz" else 1)
        if n_bytes >= _BATCH_BYTES:
            batches.append([])
            n_bytes = 0
        batches[-1].append(log)
    return batches


def _rows(log: NamedLog, found: _Read) -> "pl.DataFrame":
    import polars as pl

    n_frames = len(found.columns[TARGET])
    names = (*found.origin.features, TARGET)
    return pl.DataFrame(
        {
            "source": pl.repeat(log.source, n_frames, eager=True),
            "clip": pl.repeat(log.clip, n_frames, eager=True),
            "frame": pl.int_range(n_frames, dtype=pl.UInt32, eager=True),
            **{name: found.columns[name] for name in names},
            **{
                name: pl.repeat(
                    value,
                    n_frames,
                    eager=True,
                    dtype=pl.String if isinstance(value, str) else pl.Float64,
                )
                for name, value in log.labels.items()
            },
        }
    )
