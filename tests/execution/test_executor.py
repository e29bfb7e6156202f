# SPDX-License-Identifier: Apache-2.0
"""What holds for both engines."""

import signal
import subprocess
import sys
import time
from concurrent.futures import as_completed
from subprocess import PIPE

import psutil
import pytest

from tests.execution.work import Count, Fail, Program
from tinyvmaf.errors import MediaError, ToolFailed, ToolStopped
from tinyvmaf.execution.executor import Share


def ignore(count):
    pass


def n_tries(path):
    return len(path.read_text().split())


def wait_for(path, lines):
    for _ in range(500):
        if path.exists() and n_tries(path) >= lines:
            return [int(pid) for pid in path.read_text().split()]
        time.sleep(0.02)
    raise AssertionError(f"{path}: fewer than {lines} programs were started")


def gone(pid):
    for _ in range(200):
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def test_results_come_as_they_are_done_and_progress_on_the_way(make_executor):
    heard = {3: [], 5: []}
    with make_executor() as executor:
        assert executor.n_workers == 2
        futures = {executor.submit(Count(n), on_frame=heard[n].append): n for n in heard}
        found = {futures[future]: future.result()[0] for future in as_completed(futures)}
    assert found == {3: 3, 5: 5}
    # What is said last may come when the result is there already.
    assert all(counts == list(range(1, len(counts) + 1)) for counts in heard.values())
    assert all(counts for counts in heard.values())


def test_a_broken_file_is_not_tried_again_and_harms_nobody(make_executor, tmp_path):
    with make_executor() as executor:
        broken = executor.submit(Fail(tmp_path / "tries"), on_frame=ignore)
        good = executor.submit(Count(1), on_frame=ignore)
        error = broken.exception()
        assert good.result()[0] == 1
    assert isinstance(error, MediaError)
    assert str(error) == "broken"
    assert n_tries(tmp_path / "tries") == 1


def test_a_program_that_was_ended_from_outside_is_started_again(make_executor, tmp_path):
    work = Program(tmp_path / "tries", "if n == 1: os.kill(os.getpid(), signal.SIGKILL)")
    with make_executor() as executor:
        assert executor.submit(work, on_frame=ignore).result() == 2


def test_but_not_for_ever(make_executor, tmp_path):
    work = Program(tmp_path / "tries", "os.kill(os.getpid(), signal.SIGTERM)")
    with make_executor() as executor:
        error = executor.submit(work, on_frame=ignore).exception()
    assert isinstance(error, ToolStopped)
    assert str(error).endswith("was ended by SIGTERM")
    assert n_tries(tmp_path / "tries") == 3


def test_a_crash_is_no_end_from_outside(make_executor, tmp_path):
    work = Program(tmp_path / "tries", "os.abort()")
    with make_executor() as executor:
        error = executor.submit(work, on_frame=ignore).exception()
    assert isinstance(error, ToolFailed)
    assert n_tries(tmp_path / "tries") == 1


def test_leaving_by_an_error_ends_what_runs_and_starts_nothing_more(make_executor, tmp_path):
    started = []
    work = Program(tmp_path / "tries", "time.sleep(60)")
    with pytest.raises(KeyError), make_executor() as executor:  # noqa: PT012
        futures = [executor.submit(work, on_frame=ignore) for _ in range(6)]
        wait_for(tmp_path / "tries", 2)
        started.append(time.monotonic())
        raise KeyError
    assert time.monotonic() - started[0] < 45
    assert all(future.done() for future in futures)
    assert all(gone(pid) for pid in wait_for(tmp_path / "tries", 2))
    assert n_tries(tmp_path / "tries") == 2


def test_progress_never_counts_a_second_try():
    class Task:
        done = 0.0

        def advance(self, amount):
            assert amount > 0
            self.done += amount

        def finish(self):
            pass

    task = Task()
    share = Share(task, 10)
    for count in (2, 5, 1, 3, 6, 99):
        share.reach(count)
    assert task.done == 10
    share.complete()
    assert task.done == 10


WAITING = """
from concurrent.futures import Future

import polars

from tinyvmaf.execution.executor import as_they_end

polars.select(1)
print("waiting", flush=True)
list(as_they_end([Future()]))
"""


def test_an_interrupt_is_heard_at_once_by_who_waits_and_has_used_polars():
    command = [sys.executable, "-c", WAITING]
    with subprocess.Popen(command, stdout=PIPE, stderr=PIPE, text=True) as process:
        assert process.stdout.readline() == "waiting\n"
        try:
            time.sleep(0.3)  # until it waits
            process.send_signal(signal.SIGINT)
            # Unheard it waits for ever; a busy machine takes its time to print the traceback.
            assert "KeyboardInterrupt" in process.communicate(timeout=60)[1]
        finally:
            process.kill()
