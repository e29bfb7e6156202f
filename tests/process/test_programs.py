# SPDX-License-Identifier: Apache-2.0
import os
import pickle
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from tinyvmaf.errors import ToolFailed, ToolNotFound, UsageError
from tinyvmaf.process.programs import n_jobs, run, stop_pool


def python(*lines):
    return [sys.executable, "-c", "\n".join(lines)]


# A program with a child of its own, both of which would run for a minute.
PARENT = (
    "import subprocess, sys, time",
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])",
    "print(child.pid, flush=True)",
)


def gone(pid):
    """Whether the process is no more; a zombie that nobody has waited for counts as gone."""
    for _ in range(6000):
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def test_stdout_goes_to_the_caller_line_by_line_and_stderr_comes_back():
    lines = []
    said = run(
        python("import sys", "print('a\\n b ')", "print('warned', file=sys.stderr)"),
        on_line=lines.append,
    )
    assert lines == ["a", "b"]
    assert said == "warned"


def test_no_shell_sees_the_arguments(tmp_path):
    lines = []
    hostile = ["$HOME", "`id`", "; rm -rf x", "a b", "*", "'", '"', "\\", "é"]
    run([*python("import sys", "print(ascii(sys.argv[1:]))"), *hostile], on_line=lines.append)
    assert lines == [ascii(hostile)]


def test_stdin_is_empty():
    lines = []
    run(python("import sys", "print(repr(sys.stdin.read()))"), on_line=lines.append)
    assert lines == ["''"]


def test_a_failure_tells_the_first_line_of_stderr_and_keeps_the_rest():
    command = python("import sys", "sys.stderr.write('first\\nsecond\\n')", "sys.exit(7)")
    with pytest.raises(ToolFailed) as caught:
        run(command)
    name = os.path.basename(sys.executable)  # noqa: PTH119 (a string in, a string out)
    assert str(caught.value) == f"{name} failed with exit status 7: first"
    assert caught.value.command == tuple(command)
    assert caught.value.returncode == 7
    assert caught.value.stderr_tail == "first\nsecond"


def test_a_failure_survives_the_way_between_processes():
    with pytest.raises(ToolFailed) as caught:
        run(python("raise SystemExit(7)"))
    copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 (made one call before)
    assert (str(copy), copy.command, copy.returncode) == (
        str(caught.value),
        caught.value.command,
        7,
    )


def test_only_the_end_of_a_long_stderr_is_kept():
    said = run(python("import sys", "sys.stderr.write('x' * 200_000 + 'end')"))
    assert len(said) == 32 * 1024
    assert said.endswith("xend")


def test_death_by_a_signal_is_named():
    with pytest.raises(ToolFailed, match="was ended by SIGABRT"):
        run(python("import os", "os.abort()"))


def test_a_program_that_does_not_exist(tmp_path):
    missing = str(tmp_path / "missing")
    with pytest.raises(ToolNotFound) as caught:
        run([missing])
    assert str(caught.value) == f"cannot start {missing}: No such file or directory"


def test_a_stalled_program_is_ended_with_its_children():
    children = []
    started = time.monotonic()
    with pytest.raises(ToolFailed, match=r"made no progress for 3 s and was ended"):
        # A shell: on a busy machine Python may take longer than that to start.
        run(
            ["sh", "-c", "sleep 60 & echo $!; wait"],
            on_line=lambda line: children.append(int(line)),
            stall_s=3.0,
        )
    assert time.monotonic() - started < 45
    assert gone(children[0])


def test_a_program_that_keeps_talking_does_not_stall():
    lines = []
    # A shell: Python may take longer than the limit to start.
    talk = "for i in 1 2 3 4 5 6; do echo $i; sleep 0.5; done"
    run(["sh", "-c", talk], on_line=lines.append, stall_s=2.0)
    assert len(lines) == 6


def test_an_error_in_the_caller_ends_the_program_with_its_children():
    children = []

    def refuse(line):
        children.append(int(line))
        raise ValueError(line)

    with pytest.raises(ValueError):
        run(python(*PARENT, "time.sleep(60)"), on_line=refuse)
    assert gone(children[0])


def test_children_of_a_program_that_failed_end_too():
    """A wrapper script that dies must not leave the encoder that it started."""
    children = []
    detached = (
        "import subprocess, sys",
        "sleep = [sys.executable, '-c', 'import time; time.sleep(60)']",
        "print(subprocess.Popen(sleep, stdout=subprocess.DEVNULL).pid, flush=True)",
        "sys.exit(1)",
    )
    with pytest.raises(ToolFailed):
        run(python(*detached), on_line=lambda line: children.append(int(line)))
    assert gone(children[0])


def test_a_program_that_ignores_the_polite_signal_is_killed():
    seen = []
    stubborn = (
        "import os, signal, time",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        "print(os.getpid(), flush=True)",
        "time.sleep(60)",
    )

    def refuse(line):
        seen.append(int(line))
        raise ValueError(line)

    with pytest.raises(ValueError):
        run(python(*stubborn), on_line=refuse)
    assert gone(seen[0])


def test_stopping_a_pool_ends_programs_that_are_only_about_to_start():
    seen, about_to_start = [], threading.Event()

    def work():
        about_to_start.set()
        time.sleep(0.3)
        run(python(*PARENT, "time.sleep(60)"), on_line=lambda line: seen.append(int(line)))

    pool = ThreadPoolExecutor(1)
    futures = [pool.submit(work) for _ in range(3)]
    about_to_start.wait()
    started = time.monotonic()
    stop_pool(pool, futures)
    assert time.monotonic() - started < 30
    assert isinstance(futures[0].exception(), ToolFailed)
    assert all(future.cancelled() for future in futures[1:])
    assert all(gone(pid) for pid in seen)


def test_no_temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    with pytest.raises(UsageError) as caught:
        run(python("pass"))
    assert str(caught.value) == (
        "cannot make a temporary file: No such file or directory; name another place with TMPDIR"
    )


def test_jobs_default_to_the_cores_that_we_may_use():
    taskset = [sys.executable, "-c"]
    program = (
        "import os; os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:1]);"
        "from tinyvmaf.process.programs import n_jobs; print(n_jobs())"
    )
    done = subprocess.run([*taskset, program], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
    assert n_jobs(3) == 3
    with pytest.raises(UsageError) as caught:
        n_jobs(0)
    assert str(caught.value) == "`jobs=0`: expected 1 or more"
