# SPDX-License-Identifier: Apache-2.0
"""Object stores: a real S3 server of this machine, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tinyvmaf.errors import ToolNotFound
from tinyvmaf.extras import install_command
from tinyvmaf.files import (
    check_writable,
    is_file,
    local_copy,
    read_bytes,
    write_bytes,
    written_aside,
)
from tinyvmaf.storage import absolute, address, is_remote


@pytest.mark.parametrize(
    ("text", "remote"),
    [
        ("s3://bucket/a/b", True),
        ("memory://x", True),
        ("file:///a/b", True),
        ("gs://b", True),
        ("a/b", False),
        ("/a/b:c/d", False),
        ("c:/x", False),
        ("clip:1.mp4", False),
    ],
)
def test_an_address_survives_in_a_path(text, remote, monkeypatch):
    assert is_remote(Path(text)) is remote
    assert address(Path(text)) == text
    assert address(Path(text) / "c.mp4") == f"{text}/c.mp4"
    assert absolute(Path(text)) == (Path(text) if remote else Path(text).absolute())


@pytest.mark.parametrize("scheme", ["s3", "memory", "file"])
def test_what_is_written_is_read(scheme, request, tmp_path):
    root = {
        "s3": lambda: request.getfixturevalue("s3"),
        "memory": lambda: Path(f"memory://{os.urandom(4).hex()}"),
        "file": lambda: Path(f"file://{tmp_path}/made"),
    }[scheme]()
    path = root / "folder" / "data.bin"
    assert not is_file(path)
    with pytest.raises(FileNotFoundError):
        read_bytes(path)
    with pytest.raises(FileNotFoundError), local_copy(path):
        pass
    check_writable(path)
    assert not is_file(path)
    write_bytes(path, b"first")
    write_bytes(path, b"second")
    assert is_file(path)
    assert read_bytes(path) == b"second"
    with written_aside(path) as aside:
        aside.write_bytes(b"third")
        assert read_bytes(path) == b"second"
    assert not aside.exists()
    with local_copy(path) as copy:
        assert copy.read_bytes() == b"third"
        assert copy.name == "data.bin"
    assert not copy.parent.exists()
    with pytest.raises(KeyError), written_aside(path) as aside:  # noqa: PT012 (broken off inside)
        aside.write_bytes(b"half")
        raise KeyError
    assert read_bytes(path) == b"third"


def test_without_the_package_one_line_tells_how_to_get_it(monkeypatch):
    monkeypatch.setattr("tinyvmaf.storage.find_spec", lambda name: None)
    with pytest.raises(ToolNotFound) as caught:
        read_bytes(Path("s3://bucket/x"))
    assert str(caught.value) == (
        "s3://bucket/x: an object store needs upath, not installed; add it with: "
        f"{install_command('cloud')}"
    )


def test_nothing_is_imported_for_a_local_path(tmp_path):
    program = (
        "import sys; from pathlib import Path; from tinyvmaf.files import read_bytes, write_bytes\n"
        f"path = Path({str(tmp_path / 'x')!r}); write_bytes(path, b'x'); read_bytes(path)\n"
        "print('upath' in sys.modules or 'fsspec' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout == b"False\n"
