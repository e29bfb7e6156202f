# SPDX-License-Identifier: Apache-2.0
import ast
import json
import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

import tinyvmaf
from tinyvmaf.cli.console import show_json, show_table, with_options


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


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("`within` and `exact_frames` contradict", "--within and --exact-frames contradict"),
        ("`allow=['frame-count']` compares", "--allow frame-count compares"),
        ("`sync=True` leaves out", "--sync leaves out"),
        ("`start_s=-1`: expected", "--start -1: expected"),
        ("say `raw=RawFormat(640, 360)`", "say --size 640x360"),
        ("raw YUV needs `raw`", "raw YUV needs --size WxH"),
        (
            "no program `vmaf` on PATH, `pip install x`",
            "no program `vmaf` on PATH, `pip install x`",
        ),
    ],
)
def test_arguments_of_functions_are_shown_as_options(message, shown):
    assert with_options(message) == shown


def test_messages_of_functions_name_no_option():
    """Below `cli/`, options stand alone in argument lists; messages name arguments."""
    package = Path(tinyvmaf.__file__).parent
    trees = [
        ast.parse(path.read_text(encoding="utf-8"))
        for path in package.rglob("*.py")
        if path.parent.name != "cli"
    ]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    documentation = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    found = [
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if id(node) not in documentation and " " in node.value
        if re.search(r"(?<![\w-])--[a-z]", node.value)
    ]
    others = ("tinyvmaf ", "pip ", "--enable-libvmaf")
    assert [text for text in found if not any(word in text for word in others)] == []
