# SPDX-License-Identifier: Apache-2.0
"""The public interface: what it names, and what it does not load."""

import subprocess
import sys

import pytest

import tinyvmaf as tv
from tinyvmaf.models.model import load_model
from tinyvmaf.scoring.score import score

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


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"^module 'tinyvmaf' has no attribute 'scores'$"):
        tv.scores  # noqa: B018


@pytest.mark.parametrize("code", ["import tinyvmaf", "import tinyvmaf as tv; tv.TinyVmafError"])
def test_importing_loads_nothing_heavy(code):
    assert loaded_by(code) == []


def test_the_error_tree_is_public():
    with pytest.raises(tv.TinyVmafError):
        tv.load("no_such_model")
