# SPDX-License-Identifier: Apache-2.0
import os
import stat

import polars as pl
import pytest

from tinyvmaf.errors import UsageError
from tinyvmaf.files import (
    check_writable,
    seal_is_broken,
    working_folder,
    write_bytes,
    write_parquet,
    write_text,
    written_aside,
)

_MARK = b"tinyvmaf.sha256:"


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
    for name, kind in (("pipe", "no regular file"), ("folder", "a folder")):
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


def test_a_seal_fits_its_file_and_no_changed_one(tmp_path):
    path = tmp_path / "t.parquet"
    write_parquet(pl.DataFrame({"a": [1.0, 2.0, 3.0]}), path, metadata={"who": "me"})
    assert not seal_is_broken(path)
    whole = path.read_bytes()
    for position in range(len(whole)):
        changed = bytearray(whole)
        changed[position] ^= 1
        path.write_bytes(changed)
        # Without its mark a file is one of another program: the reader has to judge it.
        start = whole.rindex(_MARK)
        assert seal_is_broken(path) != (start <= position < start + len(_MARK))


def test_a_file_of_another_program_has_no_seal(tmp_path):
    path = tmp_path / "t.parquet"
    pl.DataFrame({"a": [1.0]}).write_parquet(path)
    assert not seal_is_broken(path)
