# SPDX-License-Identifier: Apache-2.0
import os
import sys
from contextlib import contextmanager
from threading import Event, Thread

from tinyvmaf.process.environment import environment
from tinyvmaf.process.programs import run


@contextmanager
def changed_all_the_time(change):
    """Another thread calls `change` until the block ends."""
    over = Event()

    def keep_changing():
        while not over.is_set():
            change()

    thread = Thread(target=keep_changing)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def as_numpy_does():
    os.putenv("OPENBLAS_MAIN_FREE", "1")
    os.unsetenv("OPENBLAS_MAIN_FREE")


def test_programs_start_while_the_environment_is_changed():
    # Without a copy 5 to 20 of 100 starts failed: "Bad address".
    with changed_all_the_time(as_numpy_does):
        for _ in range(200):
            run(["/bin/true"])


def test_programs_get_a_copy_that_nobody_changes():
    # What is set past Python is in the environment that the system reads, but not in the copy.
    os.putenv("TINYVMAF_PAST_PYTHON", "1")
    lines = []
    try:
        run(
            [sys.executable, "-c", "import os; print('TINYVMAF_PAST_PYTHON' in os.environ)"],
            on_line=lines.append,
        )
    finally:
        os.unsetenv("TINYVMAF_PAST_PYTHON")
    assert lines == ["False"]


def test_a_copy_is_made_while_variables_come_and_go(monkeypatch):
    monkeypatch.setenv("TINYVMAF_STAYS", "é")

    def change():
        for number in range(50):
            os.environ[f"TINYVMAF_{number}"] = "1"
        for number in range(50):
            del os.environ[f"TINYVMAF_{number}"]

    with changed_all_the_time(change):
        assert {environment()["TINYVMAF_STAYS"] for _ in range(500)} == {"é"}


def test_programs_get_the_environment(monkeypatch):
    monkeypatch.setenv("TINYVMAF_SEEN", "yes")
    lines = []
    run(
        [sys.executable, "-c", "import os; print(os.environ['TINYVMAF_SEEN'])"],
        on_line=lines.append,
    )
    assert lines == ["yes"]
