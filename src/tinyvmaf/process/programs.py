# SPDX-License-Identifier: Apache-2.0
"""Starting programs: argument lists only, each in a process group of its own.

Whatever ends the wait (an error, Ctrl-C, a sister job's failure, even `kill -9` of this process)
ends the whole group, so that no encoder or ffmpeg outlives the command that wanted it. This is the
only module that starts one.
"""

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Generator, Sequence
from concurrent.futures import Executor, Future, wait
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from tinyvmaf.errors import ToolFailed, ToolNotFound, ToolStopped, UsageError
from tinyvmaf.process.environment import environment
from tinyvmaf.process.watchdog import forget_group, watch_group

_TAIL_BYTES = 32 * 1024
_GRACE_S = 2.0
_STOP_INTERVAL_S = 0.05

# Signals from a batch system, an administrator or a system short of memory; no crash has them.
_FROM_OUTSIDE = frozenset(
    {signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGKILL, signal.SIGTERM}
)
# Ffmpeg obeys SIGTERM silently, with this status.
_FFMPEG_STOPPED = 255
_SHELL_SIGNAL = 128

_running: dict[subprocess.Popen[bytes], str | None] = {}
_stopped: set[str] = set()
_stoppers: dict[Callable[[], None], str | None] = {}
_running_lock = threading.Lock()
_owner = threading.local()


def run(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    on_line: Callable[[str], None] | None = None,
    stall_s: float | None = None,
    is_news: Callable[[str], bool] | None = None,
    hear: Callable[[str], str | None] | None = None,
) -> str:
    """Run `command` to its end and return what it wrote to stderr (the last 32 kB).

    Args:
        command: Program and arguments; no shell ever sees them.
        cwd: The folder that it runs in.
        on_line: Called with every line of its stdout, stripped.
        stall_s: End it when it has written no line to stdout for this many seconds; None waits
            for ever.
        is_news: Which lines show that it goes on; all of them by default.
        hear: Called with every line of stderr when the program has ended; what it returns stands
            for the line, None for nothing.

    Raises:
        ToolNotFound: the program cannot be started.
        ToolStopped: something else ended it.
        ToolFailed: its exit status is not 0, or it stalled.
    """
    with _scratch_file() as stderr:
        process = _start(command, cwd=cwd, stderr=stderr)
        watch = _StallWatch(process, stall_s)
        try:
            assert process.stdout is not None  # noqa: S101 (a pipe was asked for)
            for raw in process.stdout:
                line = raw.decode(errors="replace").strip()
                if is_news is None or is_news(line):
                    watch.alive()
                if on_line is not None:
                    on_line(line)
            returncode = process.wait()
        finally:
            watch.stop()
            _end(process)
        tail = _tail(stderr) if hear is None else _heard(stderr, hear)
    if returncode != 0:
        stopped = not watch.stalled and _ended_from_outside(returncode, tail)
        raise (ToolStopped if stopped else ToolFailed)(
            _failure(command, returncode, tail, stalled_s=stall_s if watch.stalled else None),
            command=command,
            returncode=returncode,
            stderr_tail=tail,
        )
    return tail


def n_jobs(wanted: int | None = None) -> int:
    """Number of programs to run at once: as many as wanted, by default one per available core.

    Raises:
        UsageError: fewer than one is wanted.
    """
    if wanted is None:
        # A batch system may allow fewer cores than the machine has.
        allowed = getattr(os, "sched_getaffinity", None)
        return len(allowed(0)) if allowed else os.cpu_count() or 1
    if wanted < 1:
        raise UsageError(f"`jobs={wanted}`: expected 1 or more")
    return wanted


def check_timeout(seconds: float | None) -> None:
    """Refuse a limit that `run` could not keep; None is no limit.

    Raises:
        UsageError: it is not above 0.
    """
    if seconds is not None and not seconds > 0:
        raise UsageError(f"`stall_s={seconds:g}`: expected more than 0 seconds")


@contextmanager
def owned_by(owner: str) -> Generator[None]:
    """Programs that this thread starts meanwhile belong to `owner`, for `stop_programs_of`."""
    before = getattr(_owner, "name", None)
    _owner.name = owner
    try:
        yield
    finally:
        _owner.name = before


@contextmanager
def stopped_with_programs(stop: Callable[[], None]) -> Generator[None]:
    """Inside the block, ending the programs of this thread's owner also calls `stop`.

    For work that is done in threads of our own process; `stop` may be called more than once.
    """
    with _running_lock:
        _stoppers[stop] = getattr(_owner, "name", None)
    try:
        yield
    finally:
        with _running_lock:
            _stoppers.pop(stop, None)


def stop_programs_of(owner: str) -> None:
    """End every program of `owner`, and those that it is about to start."""
    with _running_lock:
        _stopped.add(owner)
        processes = [process for process, name in _running.items() if name == owner]
        stoppers = [stop for stop, name in _stoppers.items() if name == owner]
    for stop in stoppers:
        stop()
    for process in processes:
        _signal_group(process, signal.SIGKILL)


def is_stopped(owner: str) -> bool:
    """True if the programs of `owner` were stopped for good."""
    return owner in _stopped


def stop_pool(pool: Executor, futures: Collection[Future[Any]]) -> None:
    """Cancel what waits in `pool`, and end every program that its threads run, with all children.

    Returns when all threads are idle; a program that one of them was about to start ends too.
    """
    pool.shutdown(wait=False, cancel_futures=True)
    while not all(future.done() for future in futures):
        _stop_all()
        wait(futures, timeout=_STOP_INTERVAL_S)


def stop_threads(threads: Collection[threading.Thread]) -> None:
    """As `stop_pool`, for threads that belong to no pool."""
    while any(thread.is_alive() for thread in threads):
        _stop_all()
        time.sleep(_STOP_INTERVAL_S)


@contextmanager
def stopped_when_interrupted(pool: Executor, futures: Collection[Future[Any]]) -> Generator[None]:
    """End the work of `futures` when Ctrl-C or the like ends what happens inside."""
    try:
        yield
    except BaseException as error:
        if not isinstance(error, Exception):
            stop_pool(pool, futures)
        raise


def _stop_all() -> None:
    with _running_lock:
        processes, stoppers = tuple(_running), tuple(_stoppers)
    for stop in stoppers:
        stop()
    for process in processes:
        _signal_group(process, signal.SIGKILL)


def _start(
    command: Sequence[str], *, cwd: Path | None, stderr: IO[bytes]
) -> subprocess.Popen[bytes]:
    try:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )
    except OSError as error:
        raise ToolNotFound(f"cannot start {command[0]}: {error.strerror}") from error
    watch_group(process.pid)
    owner = getattr(_owner, "name", None)
    with _running_lock:
        _running[process] = owner
        stopped = owner in _stopped
    if stopped:
        _signal_group(process, signal.SIGKILL)
    return process


def _scratch_file() -> IO[bytes]:
    try:
        return tempfile.TemporaryFile()
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(
            f"cannot make a temporary file: {reason}; name another place with TMPDIR"
        ) from error


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        _signal_group(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_S)
    # The rest of the group: a program that ignores signals, or children of a wrapper.
    _signal_group(process, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
    forget_group(process.pid)
    with _running_lock:
        _running.pop(process, None)


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    # The group's id is the process's own: it was started as the leader of a new session.
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        return  # the group is empty; macOS reports the second when only zombies are


def _ended_from_outside(returncode: int, tail: str) -> bool:
    if returncode == _FFMPEG_STOPPED:
        return not tail
    number = -returncode if returncode < 0 else returncode - _SHELL_SIGNAL
    return number in _FROM_OUTSIDE


def _tail(stderr: IO[bytes]) -> str:
    size = stderr.seek(0, os.SEEK_END)
    stderr.seek(max(0, size - _TAIL_BYTES))
    return stderr.read().decode(errors="replace").strip()


def _heard(stderr: IO[bytes], hear: Callable[[str], str | None]) -> str:
    """The last part of every line that was kept."""
    stderr.seek(0)
    kept: deque[str] = deque()
    n_characters = 0
    for raw in stderr:
        # Counters that overwrite themselves end in a carriage return.
        for line in raw.decode(errors="replace").rstrip("\r\n").split("\r"):
            if (heard := hear(line)) is None:
                continue
            kept.append(heard)
            n_characters += len(heard)
            while n_characters > _TAIL_BYTES and len(kept) > 1:
                n_characters -= len(kept.popleft())
    return "\n".join(kept).strip()


def _failure(command: Sequence[str], returncode: int, tail: str, *, stalled_s: float | None) -> str:
    name = Path(command[0]).name
    if stalled_s is not None:
        return f"{name} made no progress for {stalled_s:g} s and was ended"
    if returncode < 0:
        return f"{name} was ended by {signal.Signals(-returncode).name}"
    reason = _reason(tail)
    return f"{name} failed with exit status {returncode}" + (f": {reason}" if reason else "")


def _reason(tail: str) -> str:
    """The most useful line of stderr: the first, since later ones follow from it."""
    lines = [line for line in tail.splitlines() if line.strip()]
    return lines[0].strip() if lines else ""


class _StallWatch:
    """Ends a process that was silent for too long, by a monotonic clock."""

    def __init__(self, process: subprocess.Popen[bytes], limit_s: float | None) -> None:
        self.stalled = False
        self._process = process
        self._last = time.monotonic()
        self._over = threading.Event()
        if limit_s is not None:
            threading.Thread(target=self._watch, args=(limit_s,), daemon=True).start()

    def alive(self) -> None:
        self._last = time.monotonic()

    def stop(self) -> None:
        self._over.set()

    def _watch(self, limit_s: float) -> None:
        while not self._over.wait(min(1.0, limit_s / 4)):
            if time.monotonic() - self._last > limit_s:
                self.stalled = True
                _signal_group(self._process, signal.SIGKILL)
                return
