# SPDX-License-Identifier: Apache-2.0
"""Every command of the tutorials and how-tos runs, from the page's own text.

The blocks of a page are run in their order, in a folder with real clips. Comments, which a reader
does not see, say what a test needs besides:

    <!-- before: COMMANDS -->    commands that make what a reader has already
    <!-- exit status: N -->      the next block ends with this status
    <!-- file: NAME -->          the next block is the content of this file
    <!-- not run: REASON -->     the next block needs what a test does not have

A block `text` after a block of commands shows what they print; numbers may differ.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from scripts.browser import WITHOUT, is_unwanted

pytestmark = [pytest.mark.slow, pytest.mark.ffmpeg]

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    path for folder in ("start", "how-to") for path in (ROOT / "docs" / folder).glob("*.md")
)
BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>[a-z ]+): (?P<value>[^\n]*?) ?-->\n+)?"
    r"^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
BEFORE = re.compile(r"^<!-- before:\s+(.*?)-->$", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"(?:> )?[-+]?\d+(?:[.,:]\d+)*")
REASONS = {"a cluster", "GitHub", "an installation from the registry"}
MOST_NOT_RUN = 10


@dataclass(frozen=True)
class Block:
    language: str
    text: str
    mark: str
    value: str


def blocks(path):
    """The blocks of a page with their marks."""
    found = BLOCK.finditer(path.read_text(encoding="utf-8"))
    return [
        Block(each["language"], each["text"], each["mark"] or "", each["value"] or "")
        for each in found
    ]


def masked(text):
    """The lines without their numbers and spacing, so that two runs of a command agree."""
    return [" ".join(NUMBER.sub("#", line).split()) for line in text.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def programs(tmp_path_factory, ffmpeg):
    """A folder with the ffmpeg that a reader has."""
    folder = tmp_path_factory.mktemp("programs")
    (folder / "ffmpeg").symlink_to(ffmpeg.path)
    return folder


@pytest.fixture
def run(programs, tmp_path, clips, monkeypatch):
    """Run a program in the page's folder; its output if it ends with the expected status."""
    for clip in clips.values():
        shutil.copy(clip, tmp_path)
    path = [str(programs), str(Path(sys.executable).parent), os.environ["PATH"]]
    environment = {**os.environ, "PATH": os.pathsep.join(path), "COLUMNS": "160"}
    environment.pop("CI", None)

    def run(command, *, status=0):
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == status, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    return run


@pytest.mark.parametrize("path", PAGES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_commands_of_a_page_do_what_it_says(path, run, tmp_path):
    if "npm install" in path.read_text(encoding="utf-8") and is_unwanted():
        pytest.skip(f"{WITHOUT} is set, and this page needs Node")
    for commands in BEFORE.findall(path.read_text(encoding="utf-8")):
        run(["bash", "-euo", "pipefail", "-c", commands])
    printed = ""
    for block in blocks(path):
        if block.mark == "not run":
            printed = None
        elif block.mark == "file":
            file = tmp_path / block.value
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
        elif block.language == "sh":
            status = int(block.value) if block.mark == "exit status" else 0
            printed = run(["bash", "-euo", "pipefail", "-c", block.text], status=status)
        elif block.language == "python":
            printed = run([sys.executable, "-W", "error", "-c", block.text])
        elif printed is not None:
            lines = masked(printed)
            assert [line for line in masked(block.text) if line not in {"...", *lines}] == [], (
                printed
            )


@pytest.mark.parametrize("path", PAGES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_block_is_run_or_says_why_not(path):
    for block in blocks(path):
        assert block.mark in {"", "before", "exit status", "file", "not run"}, block
        assert block.language in {"sh", "python", "text"} or block.mark == "file", block.text
        assert block.mark != "not run" or block.value in REASONS, block.value


def test_few_blocks_are_not_run():
    found = [block for path in PAGES for block in blocks(path) if block.mark == "not run"]
    assert len(found) <= MOST_NOT_RUN


def test_the_steps_of_the_workflow_run(run):
    path = ROOT / "docs" / "how-to" / "quality-gate.md"
    for commands in BEFORE.findall(path.read_text(encoding="utf-8")):
        run(["bash", "-euo", "pipefail", "-c", commands])
    (block,) = (each for each in blocks(path) if each.language == "yaml")
    steps = yaml.safe_load(block.text)["jobs"]["gate"]["steps"]
    install, gate = (step["run"] for step in steps if "run" in step)
    assert install == "pip install tinyvmaf"
    assert run(["bash", "-euo", "pipefail", "-c", gate]).startswith("yes: ")
