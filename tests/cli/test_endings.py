# SPDX-License-Identifier: Apache-2.0
"""Where words go when the way out is shut, full, or knows few characters."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress

import psutil
import pytest

from tests.cli.conftest import COMMAND

LIST = (*COMMAND, "models", "list")
# What a clip's summary has, and no ASCII.
SIGNS = "from tinyvmaf.cli import console; console.open_streams(); console.show('1 ± 2 · ü')"


def shell(words, redirection, **options):
    """Run a command with a redirection of a shell's."""
    done = subprocess.run(
        ["/bin/sh", "-c", f'"$@" {redirection}', "sh", *words],
        capture_output=True,
        text=True,
        check=False,
        **options,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_full_disk_behind_stdout():
    line = "tinyvmaf: cannot write to stdout: No space left on device\n"
    for words in (LIST, (*LIST, "--json")):
        assert shell(words, "> /dev/full") == (2, "", line)


def test_stdout_that_is_closed():
    line = "tinyvmaf: cannot write to stdout: it is closed\n"
    assert shell(LIST, ">&-") == (2, "", line)


@pytest.mark.parametrize("redirection", ["2>&-", "2> /dev/full"])
def test_stderr_that_takes_nothing_changes_no_result(redirection):
    status, listed, _ = shell(LIST, redirection)
    assert status == 0
    assert listed.startswith("model")
    assert shell((*COMMAND, "models", "show", "none"), redirection) == (2, "", "")


@pytest.mark.parametrize(
    ("encoding", "shown"), [("ascii", "1 +/- 2 - \\xfc\n"), ("utf-8", "1 ± 2 · ü\n")]
)
def test_a_terminal_of_few_characters(encoding, shown):
    env = {**os.environ, "PYTHONIOENCODING": encoding, "LC_ALL": "C.UTF-8"}
    command = [sys.executable, "-c", SIGNS]
    done = subprocess.run(command, capture_output=True, check=False, env=env)
    assert (done.returncode, done.stdout.decode("utf-8")) == (0, shown)


def test_a_link_to_nothing_is_named(tinyvmaf, tmp_path, moving):
    reference = moving(tmp_path / "r.mkv", "-c:v", "ffv1", frames=3)
    (tmp_path / "encodes").mkdir()
    (tmp_path / "encodes" / "gone.mkv").symlink_to("nowhere.mkv")
    done = tinyvmaf("score", reference, tmp_path / "encodes")
    assert done.status != 0
    assert "gone.mkv" in done.stderr


@pytest.fixture
def silent_store(monkeypatch):
    """A store that takes every connection and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{listening.getsockname()[1]}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        yield


@pytest.mark.slow
def test_a_store_that_never_answers_is_given_up(silent_store, program):
    started = time.monotonic()
    done = program.run("corpus", "scan", "s3://bucket/corpus", timeout=120)
    assert done.status == 2
    (line,) = done.lines
    assert line.startswith("tinyvmaf: s3://bucket/corpus/corpus.csv: cannot be read: Read timeout")
    assert time.monotonic() - started < 60


@pytest.mark.slow
def test_ctrl_c_while_a_store_does_not_answer(silent_store, program):
    process = program.start("corpus", "scan", "s3://bucket/corpus")
    port = int(os.environ["AWS_ENDPOINT_URL"].rpartition(":")[2])
    for _ in range(600):
        peers = psutil.Process(process.pid).net_connections("inet")
        if any(each.raddr and each.raddr.port == port for each in peers):
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    _, said = process.communicate(timeout=60)
    assert time.monotonic() - started < 15
    assert (process.returncode, said) == (
        130,
        "tinyvmaf: interrupted; what was finished is kept\n",
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ("corpus", "scan", "s3://none/corpus"),
        ("loso", "--sample", "-o", "s3://none/run"),
        ("report", "s3://none/run"),
        ("evaluate", "s3://none/t.parquet", "tinyvmaf_small_v1"),
    ],
)
def test_a_bucket_that_is_not_there(s3, program, words):
    done = program.run(*words)
    assert done.status == 2
    (line,) = done.lines
    assert line.startswith("tinyvmaf: s3://none/")
    assert "s3:/none" not in line


@pytest.mark.slow
@pytest.mark.ffmpeg
def test_a_worker_that_is_killed_while_it_starts(program, tiny_corpus, tmp_path):
    words = ("extract", tiny_corpus, "-o", tmp_path / "t.parquet", "--cluster", "local:2")
    process = program.start(*words)
    until = time.monotonic() + 60
    killed = False
    while not killed and time.monotonic() < until:
        for child in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.Error):
                if "spawn_main" in " ".join(child.cmdline()):
                    child.kill()
                    killed = True
                    break
    _, said = process.communicate(timeout=120)
    assert process.returncode == 1
    assert said.startswith("tinyvmaf: --cluster local:2: its workers did not start (")
    assert len(said.splitlines()) == 1
