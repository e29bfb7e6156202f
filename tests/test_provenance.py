# SPDX-License-Identifier: Apache-2.0
import hashlib
import platform
import shlex

from tinyvmaf.provenance import command_line, file_sha256, sha256, version, versions


def test_versions_of_what_is_installed():
    found = versions("numpy", "no-such-package")
    assert set(found) == {"tinyvmaf", "numpy", "python"}
    assert found["python"] == platform.python_version()
    assert version("no-such-package") is None


def test_hashes(tmp_path):
    (tmp_path / "a").write_bytes(b"content")
    expected = hashlib.sha256(b"content").hexdigest()
    assert sha256(b"content") == file_sha256(tmp_path / "a") == expected


def test_a_command_can_be_pasted(monkeypatch):
    argv = ["tinyvmaf", "extract", "it's here", "-o", "a b.parquet"]
    assert shlex.split(command_line(argv)) == argv
    monkeypatch.setattr("sys.argv", ["/somewhere/bin/tinyvmaf", "--version"])
    assert command_line() == "tinyvmaf --version"
