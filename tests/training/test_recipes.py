# SPDX-License-Identifier: Apache-2.0
import json
import tomllib
from dataclasses import asdict
from importlib import resources

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tinyvmaf.errors import UsageError
from tinyvmaf.training.recipes import NAMES, Recipe, load_recipe, parse_recipe, with_epochs

KEYS = (
    "scaling, activation, initialisation, loss, optimiser, schedule, beta2, learning_rate, "
    "batch, steps, epochs"
)


def text_of(name):
    file = resources.files("tinyvmaf.training").joinpath("recipes", f"{name}.toml")
    return file.read_text(encoding="utf-8")


def test_digest_is_the_recipe_of_the_published_study():
    recipe = load_recipe("digest")
    assert recipe.scaling == "none"
    assert recipe.activation == "relu"
    assert recipe.loss == "mse"
    assert (recipe.optimiser, recipe.learning_rate, recipe.beta2) == ("adam", 1e-3, 0.999)
    assert recipe.schedule == "constant"
    assert (recipe.batch, recipe.epochs, recipe.steps) == (256, 30, None)


def test_every_shipped_recipe_is_valid_and_fits_into_a_card():
    for name in NAMES:
        recipe = load_recipe(name)
        assert recipe.name == name
        assert json.loads(json.dumps(asdict(recipe))) == asdict(recipe)


def test_steps_come_from_epochs_and_cover_the_last_rows():
    recipe = load_recipe("digest")
    assert recipe.n_steps(256 * 10) == 300
    # 30 passes over 9999 rows are 1171.8 batches of 256.
    assert recipe.n_steps(9999) == 1172


def test_epochs_replace_steps():
    recipe = with_epochs(load_recipe("default"), 2)
    assert (recipe.steps, recipe.epochs) == (None, 2)
    assert recipe.n_steps(512) == 4


@pytest.mark.parametrize("epochs", [0, -3, 10**9 + 1])
def test_epochs_out_of_range_are_refused(epochs):
    with pytest.raises(UsageError) as caught:
        with_epochs(load_recipe("default"), epochs)
    assert str(caught.value) == (f"epochs {epochs}: expected a whole number from 1 to 1000000000")


def test_a_recipe_is_read_from_a_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(text_of("default").replace("batch = 256", "batch = 64"), encoding="utf-8")
    recipe = load_recipe(str(path))
    assert (recipe.name, recipe.batch) == ("mine", 64)


def test_an_unknown_recipe_is_refused_with_those_there_are():
    with pytest.raises(UsageError) as caught:
        load_recipe("defualt")
    assert str(caught.value) == (
        "unknown recipe 'defualt'; expected one of default, digest, or a TOML file"
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("batch = 256", "batch = 256\nbacth = 1", f"unknown key bacth; known are {KEYS}"),
        ("batch = 256", "", "missing key batch; add it"),
        ("batch = 256", "batch = 0", "batch is 0, expected a whole number from 1 to 1000000000"),
        (
            "batch = 256",
            "batch = true",
            "batch is True, expected a whole number from 1 to 1000000000",
        ),
        (
            "batch = 256",
            "batch = 256\nepochs = 3",
            "expected either steps or epochs, found both",
        ),
        ("steps = ", "# ", "expected either steps or epochs, found neither"),
        ('"silu"', '"gelu"', "activation is 'gelu', expected one of relu, silu, tanh"),
        ('"silu"', '["silu"]', "activation is ['silu'], expected one of relu, silu, tanh"),
        ("beta2 = 0.99", "beta2 = 1.0", "beta2 is 1.0, expected a number from 0.0 to below 1.0"),
        (
            "learning_rate = 1e-2",
            "learning_rate = inf",
            "learning_rate is inf, expected a number above 0.0, written with its decimal point",
        ),
        (
            "learning_rate = 1e-2",
            "learning_rate = 1",
            "learning_rate is 1, expected a number above 0.0, written with its decimal point",
        ),
    ],
)
def test_settings_that_are_not_understood_are_refused_by_name(old, new, message):
    text = text_of("default")
    assert old in text
    with pytest.raises(UsageError) as caught:
        parse_recipe(text.replace(old, new), name="mine")
    assert str(caught.value) == f"recipe mine: {message}"


def test_a_file_that_is_no_toml_is_refused():
    with pytest.raises(UsageError, match=r"^recipe mine: not TOML "):
        parse_recipe("batch: 256", name="mine")


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="cannot be read as text"):
        load_recipe(str(path))


VALUES = st.one_of(
    st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.just([]), st.just({})
)


@given(key=st.sampled_from(sorted(tomllib.loads(text_of("default")))), value=VALUES)
@example(key="batch", value=2**70)
@example(key="loss", value={})
def test_any_value_makes_a_recipe_or_is_refused(key, value):
    settings = tomllib.loads(text_of("default"))
    try:
        text = "\n".join(f"{k} = {toml(value if k == key else v)}" for k, v in settings.items())
        recipe = parse_recipe(text, name="fuzzed")
    except UsageError as error:
        assert str(error).startswith("recipe fuzzed: ")  # noqa: PT017 (either outcome is right)
    else:
        assert isinstance(recipe, Recipe)


def toml(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value)
    return repr(value)


@given(text=st.text(max_size=60))
def test_any_text_makes_a_recipe_or_is_refused(text):
    with pytest.raises(UsageError, match=r"^recipe fuzzed: "):
        parse_recipe(text, name="fuzzed")
