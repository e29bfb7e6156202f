# SPDX-License-Identifier: Apache-2.0
"""Folders in object stores: whenever a command ends, readers get its old files or its new ones."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tinyvmaf import stored_folder
from tinyvmaf.errors import UsageError
from tinyvmaf.files import write_bytes
from tinyvmaf.storage import list_remote
from tinyvmaf.stored_folder import local_folder

OLD = ("a/m.onnx", "b/only_old.onnx", "head.json")
NEW = ("a/m.onnx", "c/only_new.onnx", "head.json")
_STEPS = ("send_remote", "write_remote", "copy_remote", "remove_remote")


def is_ours(path):
    return path.suffix in {".json", ".onnx"}


def write(folder, word, names):
    with local_folder(folder, send=True, head="head.json", is_ours=is_ours) as local:
        for name in names:
            (local / name).parent.mkdir(exist_ok=True)
            (local / name).write_text(word)


def read(folder):
    with local_folder(folder, fetch=True) as local:
        return {
            str(path.relative_to(local)): path.read_text()
            for path in local.rglob("*")
            if path.is_file()
        }


class _Killed(BaseException):
    pass


def killed_after(monkeypatch, n_steps):
    """Make the process stop as if killed, after so many changes of the store."""
    steps = iter(range(n_steps))

    def stopping(change):
        def step(*args):
            if next(steps, None) is None:
                raise _Killed
            change(*args)

        return step

    for name in _STEPS:
        monkeypatch.setattr(stored_folder, name, stopping(getattr(stored_folder, name)))


@pytest.fixture(params=["memory", "s3"])
def folder(request):
    if request.param == "s3":
        return request.getfixturevalue("s3") / "run"
    return Path(f"memory://{os.urandom(4).hex()}") / "run"


def test_a_folder_changes_as_a_whole_and_files_of_others_stay(folder):
    write(folder, "old", OLD)
    write_bytes(folder / "notes.txt", b"mine")
    write(folder, "new", NEW)
    assert read(folder) == {**dict.fromkeys(NEW, "new"), "notes.txt": "mine"}
    assert {str(name) for name in list_remote(folder)} == {*NEW, "notes.txt"}


def test_a_file_with_a_name_like_ours_is_not_removed_where_nothing_was_ours():
    folder = Path(f"memory://{os.urandom(4).hex()}")
    write_bytes(folder / "package.json", b"mine")
    write(folder, "new", NEW)
    assert read(folder)["package.json"] == "mine"


def test_killed_after_any_step_it_leaves_one_state(monkeypatch):
    """3 files stored aside, the list, 3 copies, what is gone, the list, 3 files from aside."""
    states = []
    for n_steps in range(12):
        folder = Path(f"memory://{os.urandom(4).hex()}/run")
        write(folder, "old", OLD)
        with monkeypatch.context() as patch:
            killed_after(patch, n_steps)
            with pytest.raises(_Killed):
                write(folder, "new", NEW)
        found = read(folder)
        states.append("new" if n_steps > 3 else "old")
        assert found == dict.fromkeys(NEW if n_steps > 3 else OLD, states[-1])
        write(folder, "newest", OLD)
        assert read(folder) == dict.fromkeys(OLD, "newest")
    assert set(states) == {"old", "new"}


def test_a_reader_who_meets_a_change_reads_again(monkeypatch):
    folder = Path(f"memory://{os.urandom(4).hex()}/run")
    write(folder, "old", OLD)
    fetch, changes = stored_folder.fetch_remote, iter(["new"])

    def fetch_while_it_changes(place, local):
        fetch(place, local)
        if (word := next(changes, None)) is not None:
            write(folder, word, NEW)

    monkeypatch.setattr(stored_folder, "fetch_remote", fetch_while_it_changes)
    assert read(folder) == dict.fromkeys(NEW, "new")
    changes = iter(map(str, range(20)))
    with pytest.raises(UsageError, match="run: another command is changing it; wait for it"):
        read(folder)


def test_what_killed_commands_stored_aside_is_removed_after_a_day(monkeypatch):
    folder = Path(f"memory://{os.urandom(4).hex()}/run")
    with monkeypatch.context() as patch:
        killed_after(patch, 2)
        with pytest.raises(_Killed):
            write(folder, "half", OLD)
    write(folder, "new", NEW)
    assert len(list_remote(folder)) == len(NEW) + 2
    tomorrow = time.time() + 2 * 24 * 3600
    monkeypatch.setattr(time, "time", lambda: tomorrow)
    write(folder, "new", NEW)
    assert len(list_remote(folder)) == len(NEW)


_WRITES = """
import sys
from pathlib import Path
from tinyvmaf.stored_folder import local_folder
folder, number = Path(sys.argv[1]), int(sys.argv[2])
is_json = lambda path: path.suffix == ".json"
print("ready", flush=True)
while True:
    number += 1
    with local_folder(folder, send=True, head="h.json", is_ours=is_json) as local:
        for name in ("a.json", "h.json", f"only{number % 2}.json"):
            (local / name).write_text(f"{number} " * 500)
"""


@pytest.mark.slow
def test_kill_9_at_any_moment_leaves_one_state(tmp_path):
    """The store is a file system, so that files are begun and not ended, too."""
    folder, number = Path(f"file://{tmp_path}/run"), 0
    rng = random.Random(0)  # noqa: S311 (moments, no secrets)
    for _ in range(int(os.environ.get("TINYVMAF_KILLS", "25"))):
        command = [sys.executable, "-c", _WRITES, str(folder), str(number)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            writer.stdout.readline()
            time.sleep(rng.uniform(0.05, 0.4))
            writer.kill()
        found = read(folder)
        assert len(set(found.values())) <= 1
        assert len(found) in {0, 3}
        words = next(iter(found.values()), "0 ").split()
        assert len(words) in {1, 500}
        assert int(words[0]) >= number
        number = int(words[0])
    assert number
