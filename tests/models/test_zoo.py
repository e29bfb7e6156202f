# SPDX-License-Identifier: Apache-2.0
import re
from dataclasses import replace
from pathlib import Path

from tinyvmaf.models import zoo
from tinyvmaf.models.card import read_card
from tinyvmaf.models.model import load_model
from tinyvmaf.models.safety import SHIPPED_VALUES, check_file
from tinyvmaf.models.verify import verify


def test_every_shipped_model_is_what_its_card_says():
    for name in zoo.names():
        found = verify(name)
        assert found.passed, found.checks
        card = read_card(zoo.path_of(name).with_suffix(".json"))
        assert card.name == name
        assert card.loso is not None
        assert card.calibration


def test_names_carry_their_version_and_nothing_else_lies_in_the_zoo():
    files = {path.name for path in zoo.ZOO.iterdir() if path.name != "__pycache__"}
    expected = {f"{name}.{suffix}" for name in zoo.names() for suffix in ("onnx", "json")}
    assert files == {"__init__.py", *expected}
    assert all(re.fullmatch(r"tinyvmaf_[a-z0-9_]+_v\d+", name) for name in zoo.names())


def test_what_is_taken_for_granted_of_shipped_models_is_true():
    for name in zoo.names():
        path = zoo.path_of(name)
        checked = check_file(path)
        trusted = load_model(name).checked
        assert checked.n_values <= SHIPPED_VALUES
        assert replace(trusted, data=b"", n_values=0) == replace(checked, data=b"", n_values=0)
        assert read_card(path.with_suffix(".json"), trusted=True) == read_card(
            path.with_suffix(".json")
        )
    assert not zoo.is_shipped(Path("tinyvmaf_small_v1.onnx"))
