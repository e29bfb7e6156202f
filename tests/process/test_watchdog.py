# SPDX-License-Identifier: Apache-2.0
import signal
import subprocess
import sys
import time

import psutil
import pytest

# Runs a program that has a child, as a wrapper script around ffmpeg has, for a minute.
PARENT = """
import sys
from tinyvmaf.process.programs import run
child = "import time; time.sleep(60)"
wrapper = (
    "import os, subprocess, sys; "
    f"child = subprocess.Popen([sys.executable, '-c', {child!r}]); "
    "print(os.getpid(), child.pid, flush=True); child.wait()"
)
run([sys.executable, "-c", "pass"])
run([sys.executable, "-c", wrapper], on_line=lambda line: print(line, flush=True))
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_programs_and_their_children_end_with_us_however_we_end(number):
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    running = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
    watchdogs = [
        child for child in psutil.Process(parent.pid).children() if child.name() in ("sh", "dash")
    ]
    assert len(running) == 2
    parent.send_signal(number)
    parent.communicate()
    assert psutil.wait_procs([*running, *watchdogs], timeout=30)[1] == []


def test_without_a_watchdog_programs_run_all_the_same():
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    parent.stdout.readline()
    (watchdog,) = [
        child for child in psutil.Process(parent.pid).children() if child.name() in ("sh", "dash")
    ]
    watchdog.kill()
    time.sleep(0.1)
    assert parent.poll() is None
    parent.terminate()
    parent.communicate()
