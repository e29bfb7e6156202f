# SPDX-License-Identifier: Apache-2.0
"""What holds for every file: who may import whom, its licence, and nothing of one machine."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("src", "tests", "benchmarks", "scripts", "docs", ".ci")
# Files that people write and that have comments.
WRITTEN = {".py", ".toml", ".css", ".js", ".jinja", ".md"}
FILES = sorted(
    path
    for folder in FOLDERS
    for path in (ROOT / folder).rglob("*")
    if path.suffix in WRITTEN and "__pycache__" not in path.parts
)
LICENCE = "SPDX-License-Identifier: Apache-2.0"
# Folders of somebody's machine; a test may name a path that cannot be.
SOMEBODYS = re.compile(r"(?<![\w.])/(?:home|root|work|Users|mnt|private)/\w")


def names(paths):
    return [str(path.relative_to(ROOT)) for path in paths]


def test_imports_go_only_downwards():
    """The contracts stand in pyproject.toml."""
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", program, "--no-cache", "--no-logo"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"[1-9]\d* kept, 0 broken", done.stdout)


def test_every_file_begins_with_its_licence():
    assert len(FILES) > 100
    bare = [
        path
        for path in FILES
        if ".md" not in path.suffixes
        and LICENCE not in path.read_text(encoding="utf-8").partition("\n")[0]
    ]
    assert names(bare) == []


def test_no_file_names_a_folder_of_one_machine():
    found = [path for path in FILES if SOMEBODYS.search(path.read_text(encoding="utf-8"))]
    assert names(found) == []
