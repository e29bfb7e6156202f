# SPDX-License-Identifier: Apache-2.0
import json
import os
import pty
import subprocess

import pytest

from tinyvmaf.cli.console import show_json, show_table


def test_json_refuses_what_is_no_number():
    with pytest.raises(ValueError, match="not JSON compliant"):
        show_json({"a": float("nan")})


def test_json_keeps_names_readable(capsys):
    show_json({"source": "Café", "n": 1})
    said = capsys.readouterr().out
    assert "Café" in said
    assert json.loads(said) == {"source": "Café", "n": 1}


def test_a_table_is_aligned(capsys):
    show_table({"source": "left", "frames": "right"}, [["Bird", "5"], ["a", "1000"]])
    assert capsys.readouterr().out == "source  frames\nBird         5\na         1000\n"


@pytest.mark.ffmpeg
def test_a_terminal_shows_progress_and_is_left_clean(program, tiny_corpus, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYVMAF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    ours, theirs = pty.openpty()
    command = [*program.command, "extract", str(tiny_corpus), "-o", str(tmp_path / "t.parquet")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, text=True)
    os.close(theirs)
    said = b""
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:
            break
        if not chunk:
            break
        said += chunk
    os.close(ours)
    out = process.communicate()[0]
    assert process.returncode == 0
    assert out.count("\n") == 1
    text = said.decode()
    assert "extract" in text
    assert "frames/s" in text
    # The cursor is shown again, and the last thing done is to erase the bar.
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")
    assert "Traceback" not in text
