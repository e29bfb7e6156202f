# SPDX-License-Identifier: Apache-2.0
"""The public interface: what it names, and what it does not load."""

import subprocess
import sys
from inspect import Parameter, signature

import pytest
from typer.main import get_command

import tinyvmaf as tv
from tinyvmaf.cli.app import app
from tinyvmaf.models.model import load_model
from tinyvmaf.scoring.score import score

# Every verb of the program -> its public function.
FUNCTION_OF = {
    "compare": "compare",
    "corpus build": "build_corpus",
    "corpus scan": "scan_corpus",
    "demo": "demo",
    "doctor": "doctor",
    "evaluate": "evaluate",
    "extract": "extract",
    "frontier": "frontier",
    "loso": "loso",
    "models export": "export_model",
    "models list": "list_models",
    "models path": "model_path",
    "models repair": "repair_model",
    "models show": "describe_model",
    "models verify": "verify",
    "report": "report",
    "score": "score",
    "table compact": "compact_table",
    "table import": "read_logs",
    "table join": "join_opinions",
    "train": "train",
}
HEAVY = ("jax", "onnx", "onnxruntime", "polars", "scipy", "sklearn", "altair", "av", "rich")


def loaded_by(code):
    probe = f"{code}\nimport sys; print(*[n for n in {HEAVY} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_every_public_name_is_there_and_nothing_else():
    assert sorted(tv.__all__) == dir(tv)
    for name in tv.__all__:
        assert getattr(tv, name) is not None


def test_names_are_the_functions_themselves():
    assert tv.score is score
    assert tv.load is load_model


def verbs():
    """Every verb of the program, with those of its groups."""
    for name, command in get_command(app).commands.items():
        inner = getattr(command, "commands", None)
        yield from [name] if inner is None else (f"{name} {verb}" for verb in inner)


def test_every_verb_has_a_public_function():
    """That it gives the command's record is shown in tests/cli/test_public_functions.py."""
    assert sorted(verbs()) == sorted(FUNCTION_OF)
    for name in FUNCTION_OF.values():
        function = getattr(tv, name)
        assert function.__doc__
        kinds = [parameter.kind for parameter in signature(function).parameters.values()]
        assert Parameter.VAR_KEYWORD not in kinds


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"^module 'tinyvmaf' has no attribute 'scores'$"):
        tv.scores  # noqa: B018


@pytest.mark.parametrize("code", ["import tinyvmaf", "import tinyvmaf as tv; tv.TinyVmafError"])
def test_importing_loads_nothing_heavy(code):
    assert loaded_by(code) == []


def test_the_error_tree_is_public():
    with pytest.raises(tv.TinyVmafError):
        tv.load("no_such_model")
