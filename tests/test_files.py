# SPDX-License-Identifier: Apache-2.0
import os
import stat
import subprocess
import sys

import polars as pl
import pytest

from tinyvmaf import files
from tinyvmaf.errors import UsageError
from tinyvmaf.files import (
    append_text,
    check_writable,
    remove_leftovers,
    working_folder,
    write_bytes,
    write_text,
    written_aside,
)
from tinyvmaf.parquet import write_parquet


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_folders_in_front_are_made(tmp_path):
    write_text(tmp_path / "a" / "b" / "c.txt", "é\n")
    assert (tmp_path / "a" / "b" / "c.txt").read_bytes() == b"\xc3\xa9\n"


def test_a_failure_leaves_what_was_there_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "before")
    with pytest.raises(ZeroDivisionError), written_aside(path) as aside:
        aside.write_text(f"half {1 / 0}")
    assert path.read_text() == "before"
    assert names(tmp_path) == ["a.txt"]


def test_nobody_sees_the_file_before_it_is_whole(tmp_path):
    path = tmp_path / "a.txt"
    with written_aside(path) as aside:
        aside.write_text("half")
        assert not path.exists()
        assert aside.name.startswith(".")
    assert path.read_text() == "half"


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    """As two commands that extract the same corpus at once: the last one's file stays, whole."""
    path = tmp_path / "a.txt"
    with written_aside(path) as first:
        first.write_text("the first ")
        with written_aside(path) as second:
            assert second != first
            second.write_text("the second")
        assert path.read_text() == "the second"
        first.write_text("the first, whole")
    assert path.read_text() == "the first, whole"
    assert names(tmp_path) == ["a.txt"]


def test_a_file_is_as_readable_as_the_user_wants(tmp_path):
    """The temporary file under it is private; what it becomes is not."""
    before = os.umask(0o027)
    try:
        write_bytes(tmp_path / "a", b"")
        write_parquet(pl.DataFrame({"a": [1]}), tmp_path / "b")
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)
    assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in "ab"} == {0o640}


def test_a_write_that_fails_is_one_error(tmp_path):
    path = tmp_path / "a.txt"
    with pytest.raises(UsageError) as caught, written_aside(path):
        raise OSError(28, "No space left on device")
    assert str(caught.value) == (
        f"cannot write {path}: No space left on device; free space or choose another output with -o"
    )
    assert names(tmp_path) == []


@pytest.mark.parametrize("write", [check_writable, lambda path: write_bytes(path, b"")])
def test_what_is_no_file_is_not_replaced(tmp_path, write):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name, kind in (("pipe", "not a regular file"), ("folder", "a folder")):
        with pytest.raises(UsageError) as caught:
            write(tmp_path / name)
        path = tmp_path / name
        assert str(caught.value) == f"cannot write {path}: it is {kind}; name a file with -o"
    assert names(tmp_path) == ["folder", "pipe"]


def test_a_check_leaves_no_file(tmp_path):
    check_writable(tmp_path / "a" / "b.txt")
    assert names(tmp_path) == ["a"]
    assert names(tmp_path / "a") == []


def test_a_working_folder_goes_away(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with working_folder() as folder:
        (folder / "log.csv").touch()
        assert folder.parent == tmp_path
    assert names(tmp_path) == []
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    with pytest.raises(UsageError) as caught, working_folder():
        pass
    assert str(caught.value) == (
        "cannot make a temporary folder: No such file or directory; name another place with TMPDIR"
    )


def test_a_line_that_does_not_fit_on_the_disk_is_taken_back(tmp_path):
    path = tmp_path / "rows.csv"
    append_text(path, "first\n")
    program = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from tinyvmaf.files import append_text\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n"
        f"append_text(Path({str(path)!r}), 'second line\\n')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert b"UsageError: cannot write" in done.stderr
    assert path.read_text() == "first\n"
    append_text(path, "second line\n")
    assert path.read_text() == "first\nsecond line\n"


def test_a_new_file_that_is_taken_for_a_leftover_is_made_again(tmp_path, monkeypatch):
    """Another command sweeps the folder before the new file is locked."""
    lock, swept = files.fcntl.flock, []

    def sweep_first(handle, operation):
        if not swept:
            swept.append(handle)
            remove_leftovers(tmp_path)
        lock(handle, operation)

    monkeypatch.setattr(files.fcntl, "flock", sweep_first)
    with written_aside(tmp_path / "a.txt") as aside:
        remove_leftovers(tmp_path)
        assert aside.exists()
        aside.write_text("whole")
    assert swept
    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "whole"


def test_a_working_folder_that_is_taken_for_a_leftover_is_made_again(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    lock, swept = files.fcntl.flock, []

    def sweep_first(handle, operation):
        if not swept:
            swept.append(handle)
            files._sweep.cache_clear()
            files._sweep(tmp_path)
        lock(handle, operation)

    monkeypatch.setattr(files.fcntl, "flock", sweep_first)
    with working_folder() as folder:
        assert names(tmp_path) == [folder.name]
    assert swept
    assert names(tmp_path) == []


def test_leftovers_of_the_dead_go_and_what_is_being_written_stays(tmp_path):
    dead = tmp_path / ".abc.part"
    dead.write_bytes(b"half")
    (tmp_path / "whole.mp4").write_bytes(b"whole")
    with written_aside(tmp_path / "new.mp4") as aside:
        aside.write_bytes(b"whole")
        remove_leftovers(tmp_path)
        assert aside.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.mp4", "whole.mp4"]


def test_working_folders_of_the_dead_go_and_those_in_use_stay(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    dead = tmp_path / "tinyvmaf-work-dead"
    dead.mkdir()
    (dead / "log.csv").write_text("half")
    strange = tmp_path / "tinyvmaf-work-link"
    (tmp_path / "tinyvmaf-other").mkdir()  # nobody said that it is locked while it is used
    (tmp_path / "other").mkdir()
    strange.symlink_to(tmp_path / "other")
    files._sweep.cache_clear()
    with working_folder() as first:
        files._sweep.cache_clear()  # as a second process does
        with working_folder() as second:
            assert first.is_dir()
            assert first != second
            names = {first.name, second.name, "other", "tinyvmaf-other", strange.name}
            assert {path.name for path in tmp_path.iterdir()} == names
    kept = {"other", "tinyvmaf-other", strange.name}
    assert {path.name for path in tmp_path.iterdir()} == kept
