# SPDX-License-Identifier: Apache-2.0
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tinyvmaf
from tinyvmaf.cli import app
from tinyvmaf.cli.app import VERBS
from tinyvmaf.errors import MediaError, ToolFailed

HEAVY = (
    *("jax", "optax", "onnx", "onnxruntime", "polars", "scipy", "sklearn", "altair", "av"),
    *("numpy", "jaxtyping"),
)


def modules_after(program):
    """Which heavy libraries are loaded when a Python program has run."""
    code = f"{program}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = json.loads(done.stderr.splitlines()[-1])
    return [name for name in HEAVY if name in loaded]


def test_importing_the_package_loads_nothing_heavy():
    assert modules_after("import tinyvmaf") == []


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["extract", "--help"], ["corpus", "build", "--help"]],
    ids=" ".join,
)
def test_asking_for_help_loads_nothing_heavy(arguments):
    program = (
        f"import sys; sys.argv = ['tinyvmaf', *{arguments!r}]\n"
        "from tinyvmaf.cli.app import main\n"
        "try: main()\nexcept SystemExit as left: assert left.code == 0, left.code"
    )
    assert modules_after(program) == []


def test_the_installed_program_and_the_module_are_the_same(program):
    script = Path(sys.executable).parent / "tinyvmaf"
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == program.run("--version").stdout == f"tinyvmaf {tinyvmaf.__version__}\n"


def test_no_verb_shows_the_verbs(program):
    done = program.run()
    assert "extract" in done.stdout + done.stderr


@pytest.mark.parametrize("arguments", [["--nonsense"], ["nonsense"], ["extract"], ["corpus", "x"]])
def test_a_call_that_cannot_be_parsed(program, arguments):
    done = program.run(*arguments)
    assert (done.status, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [("score", "r.mkv", ""), ("train", "t.parquet", "--output=")])
def test_a_variable_of_the_shell_that_is_not_set(tinyvmaf, words):
    """An empty path is the folder that the program stands in: all its videos would be scored."""
    done = tinyvmaf(*words)
    (line,) = done.lines
    assert done.status == 2
    assert line.endswith(" has no value: is a variable of the shell not set?")


def raising(error):
    def fail():
        raise error

    return fail


def test_debug_adds_the_traceback_and_the_command(tinyvmaf, monkeypatch):
    error = ToolFailed("it broke", command=["ffmpeg", "-i", "a b.mp4"], stderr_tail="first\nlast")
    monkeypatch.setattr(app, "app", raising(error))
    assert tinyvmaf("extract").lines == ["tinyvmaf: it broke"]
    done = tinyvmaf("--debug", "extract")
    assert done.status == 1
    assert "Traceback" in done.stderr
    assert "command: ffmpeg -i 'a b.mp4'" in done.lines
    assert done.lines[-3:] == ["first", "last", "tinyvmaf: it broke"]


def test_a_message_is_one_line_however_long_and_shown_as_it_is(tinyvmaf, monkeypatch):
    """Brackets in a file's name are not markup, and no line is wrapped."""
    message = "[bold]it's[/bold] :smile: " + "x" * 500
    monkeypatch.setattr(app, "app", raising(MediaError(message)))
    done = tinyvmaf("extract")
    assert (done.status, done.lines) == (2, [f"tinyvmaf: {message}"])


def test_an_error_that_nobody_foresaw_is_one_line_too(tinyvmaf, monkeypatch):
    monkeypatch.setattr(app, "app", raising(ZeroDivisionError("bug")))
    done = tinyvmaf("extract")
    assert (done.status, len(done.lines)) == (1, 1)
    assert "internal error: ZeroDivisionError('bug')" in done.stderr


def test_stdout_that_cannot_be_written(program, tmp_path):
    """A file whose every write fails, as on a full disk."""
    (tmp_path / "ref").mkdir()
    (tmp_path / "dis").mkdir()
    for name in ("ref/A_25fps.yuv", "dis/A_1_16_10.yuv"):
        (tmp_path / name).write_bytes(bytes(384))
    command = [*program.command, "corpus", "scan", str(tmp_path), "--size", "16x16"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=-1, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "tinyvmaf: cannot write to stdout: No space left on device\n"


def test_a_reader_that_has_seen_enough(program, tmp_path):
    """As `tinyvmaf corpus scan ... | head -0` does."""
    (tmp_path / "ref").mkdir()
    (tmp_path / "dis").mkdir()
    for name in ("ref/A_25fps.yuv", "dis/A_1_16_10.yuv"):
        (tmp_path / name).write_bytes(bytes(384))
    command = [*program.command, "corpus", "scan", str(tmp_path), "--size", "16x16"]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command, stdout=writing, stderr=-1, text=True, check=False)
    os.close(writing)
    assert done.returncode == 1
    assert done.stderr == ""


def test_a_verb_loads_no_other(program):
    code = (
        "import sys; sys.argv = ['tinyvmaf', 'score', '--help']\n"
        "from tinyvmaf.cli.app import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print(*(name for name in sys.modules if name.startswith('tinyvmaf.cli.')), sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {line.removeprefix("tinyvmaf.cli.") for line in done.stdout.splitlines()}
    assert loaded & {f"{verb}_command" for verb in VERBS} == {"score_command"}


def test_a_misspelt_verb_is_put_right(program):
    assert "Did you mean 'extract'?" in program.run("extractt").stderr


def test_help_lists_every_verb_with_its_help(program):
    lines = program.run("--help").stdout.partition("Commands:")[2].splitlines()
    listed = [line.split(maxsplit=1) for line in lines if line.strip()]
    assert [name for name, _ in listed] == list(VERBS)
    assert all(len(words) > 10 for _, words in listed)


@pytest.mark.parametrize(("own", "expected"), [(None, "1"), ("7", "7")])
def test_numpy_starts_no_threads_unless_told_to(own, expected):
    """Ours would spin for longer than their products take."""
    environment = {name: value for name, value in os.environ.items() if "OPENBLAS" not in name}
    code = (
        "import os, sys; sys.argv = ['tinyvmaf', '--version']\n"
        "from tinyvmaf.cli.app import main\n"
        "assert 'numpy' not in sys.modules\n"
        "try: main()\n"
        "finally: print(os.environ['OPENBLAS_NUM_THREADS'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment if own is None else {**environment, "OPENBLAS_NUM_THREADS": own},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == expected
