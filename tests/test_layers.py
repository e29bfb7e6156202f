# SPDX-License-Identifier: Apache-2.0
"""What holds for every file: who may import whom, its licence, and nothing of one machine."""

import ast
import re
import subprocess
import sys
from importlib import import_module
from inspect import isfunction
from pathlib import Path

import tinyvmaf as tv

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


# Where the command line takes more than public functions and types from: texts, records, files.
PRINTING = {"errors", "extras", "progress", "provenance", "storage", "text", "typed_json", "files"}
# Functions that it calls besides: what stands before slow work, beside it, or is drawn of it.
BESIDE = {
    "corpus.sample.sample_path",
    "features.parts.is_parts",
    "media.video.as_video",
    "scoring.batch.in_ladders",
    "scoring.warming.warm_up_ffmpeg",
    "scoring.warming.warm_up_videos",
    "stored_folder.local_folder",
    "training.recipes.check_training",
    "training.train.check_target",
}


def imported_functions(path):
    """Functions of other rooms that a module imports, as `module.name` below `tinyvmaf`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        module = getattr(node, "module", None) or ""
        if not isinstance(node, ast.ImportFrom) or not module.startswith("tinyvmaf."):
            continue
        for name in node.names:
            if isfunction(getattr(import_module(module), name.name, None)):
                yield f"{module.removeprefix('tinyvmaf.')}.{name.name}"


def test_the_command_line_calls_public_functions_and_prints():
    public = {f"{module}.{name}" for module, name in tv._HOMES.values()}
    modules = sorted((ROOT / "src" / "tinyvmaf" / "cli").glob("*.py"))
    found = {name for path in modules for name in imported_functions(path)}
    assert {"scoring.score.make_scorer", "evaluation.loso.loso"} <= found
    rooms = {"cli", "report"} | PRINTING
    others = {name for name in found - public if name.partition(".")[0] not in rooms}
    assert others <= BESIDE


def names(paths):
    return [str(path.relative_to(ROOT)) for path in paths]


def test_imports_go_only_downwards():
    """The contracts stand in pyproject.toml."""
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", program, "--no-cache"]
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
