# SPDX-License-Identifier: Apache-2.0
"""Recipes: everything that training needs besides data, a shape and a seed.

A recipe is a TOML file, one of those that come with the package or the user's own. It is checked
before anything is trained: unknown keys, missing keys and values out of range are refused by name,
so that a misspelt setting is never replaced by a default. Nothing here needs JAX.
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any, Literal, get_args

from tinyvmaf.errors import UsageError
from tinyvmaf.models.network import Activation
from tinyvmaf.training.archs import check_arch

Scaling = Literal["none", "standard"]
Initialisation = Literal["lecun_normal", "uniform_fan_in"]
Loss = Literal["mse", "saturated_mse"]
Optimiser = Literal["adam"]
Schedule = Literal["constant", "cosine"]

NAMES = ("default", "digest")
"""The recipes that come with the package."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """The settings of training.

    Attributes:
        name: Name of the file, without its ending.
        scaling: `standard`: features and target get mean 0 and deviation 1 over the training rows;
            `none`: they stay as they are.
        activation: After every layer but the last.
        initialisation: `lecun_normal`: weights normal with variance 1 / fan-in, no bias;
            `uniform_fan_in`: weights and biases uniform within ±1 / sqrt(fan-in).
        loss: `mse`; or `saturated_mse`, where a prediction beyond the end of the scale has
            no loss if the target lies at that end, because the teacher was clipped there.
        optimiser: The rule of the step.
        beta2: Decay rate of Adam's second moment, in [0, 1).
        learning_rate: At the start of the schedule.
        schedule: `constant`, or `cosine` from the learning rate down to 0.
        batch: Rows a step; rows come in shuffled passes over the training rows.
        steps: Length in steps; None if it is given in epochs.
        epochs: Length in passes over the training rows; None if it is given in steps.
    """

    name: str
    scaling: Scaling
    activation: Activation
    initialisation: Initialisation
    loss: Loss
    optimiser: Optimiser
    beta2: float
    learning_rate: float
    schedule: Schedule
    batch: int
    steps: int | None = None
    epochs: int | None = None

    def n_steps(self, n_rows: int) -> int:
        """Number of steps on this many training rows."""
        if self.steps is not None:
            return self.steps
        return -(-(self.epochs or 0) * n_rows // self.batch)


_WORDS: Mapping[str, tuple[str, ...]] = {
    "scaling": get_args(Scaling),
    "activation": get_args(Activation),
    "initialisation": get_args(Initialisation),
    "loss": get_args(Loss),
    "optimiser": get_args(Optimiser),
    "schedule": get_args(Schedule),
}
_COUNTS = ("batch", "steps", "epochs")
_KEYS = (*_WORDS, "beta2", "learning_rate", *_COUNTS)
_MOST = 10**9
"""Largest count: row numbers and steps are 32-bit integers in the compiled program."""


def as_recipe(recipe: "str | Path | Recipe") -> Recipe:
    """Return the recipe itself, or the one of a name or a file.

    Raises:
        UsageError: as `load_recipe`.
    """
    return recipe if isinstance(recipe, Recipe) else load_recipe(str(recipe))


def load_recipe(name_or_path: str) -> Recipe:
    """Read a recipe of the package by its name, or any recipe by its file's path.

    Raises:
        UsageError: no such recipe or file, no TOML, or a setting that is not understood.
    """
    if name_or_path in NAMES:
        file = resources.files("tinyvmaf.training").joinpath("recipes", f"{name_or_path}.toml")
        return parse_recipe(file.read_text(encoding="utf-8"), name=name_or_path)
    path = Path(name_or_path)
    if not path.is_file():
        raise UsageError(
            f"unknown recipe {name_or_path!r}; expected one of {', '.join(NAMES)}, or a TOML file"
        )
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"recipe {name_or_path}: cannot be read as text ({error})") from error
    return parse_recipe(text, name=path.stem)


def parse_recipe(text: str, *, name: str) -> Recipe:
    """Check the TOML text of a recipe and make it one.

    Raises:
        UsageError: no TOML, an unknown or missing key, or a value that is not understood.
    """
    try:
        settings = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"recipe {name}: not TOML ({error})") from error
    unknown = [key for key in settings if key not in _KEYS]
    if unknown:
        raise UsageError(
            f"recipe {name}: unknown key {', '.join(unknown)}; known are {', '.join(_KEYS)}"
        )
    missing = [key for key in _KEYS if key not in settings and key not in ("steps", "epochs")]
    if missing:
        raise UsageError(f"recipe {name}: missing key {', '.join(missing)}; add it")
    if ("steps" in settings) == ("epochs" in settings):
        found = "both" if "steps" in settings else "neither"
        raise UsageError(f"recipe {name}: expected either steps or epochs, found {found}")
    for key, value in settings.items():
        _check_value(name, key, value)
    return Recipe(name=name, **settings)


def with_epochs(recipe: Recipe, epochs: int) -> Recipe:
    """The recipe with its length in passes over the training rows.

    Raises:
        UsageError: fewer than one.
    """
    if not 1 <= epochs <= _MOST:
        raise UsageError(f"epochs {epochs}: expected a whole number from 1 to {_MOST}")
    return replace(recipe, epochs=epochs, steps=None)


def check_training(arch: str, recipe: "str | Recipe", *, epochs: int | None = None) -> Recipe:
    """The recipe, after making sure that arch and recipe exist.

    Raises:
        UsageError: one of them does not, or fewer than one epoch.
    """
    check_arch(arch)
    settings = as_recipe(recipe)
    return settings if epochs is None else with_epochs(settings, epochs)


def _check_value(name: str, key: str, value: Any) -> None:  # noqa: ANN401 (TOML holds anything)
    if key in _WORDS:
        fine = value in _WORDS[key]
        expected = f"one of {', '.join(_WORDS[key])}"
    elif key in _COUNTS:
        fine = type(value) is int and 1 <= value <= _MOST
        expected = f"a whole number from 1 to {_MOST}"
    elif key == "beta2":
        fine = type(value) is float and 0 <= value < 1
        expected = "a number from 0.0 to below 1.0"
    else:
        fine = type(value) is float and math.isfinite(value) and value > 0
        expected = "a number above 0.0, written with its decimal point"
    if not fine:
        raise UsageError(f"recipe {name}: {key} is {value!r}, expected {expected}")
