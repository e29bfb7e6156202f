# SPDX-License-Identifier: Apache-2.0
"""Optional dependencies: the extra that installs each, and the command that adds it.

The base installation scores. Tables, LOSO, training, reports and clusters are extras; the command
works for an installed package and for a checkout.
"""

import json
import shlex
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from tinyvmaf.errors import ToolNotFound

EXTRAS: Final[Mapping[str, tuple[str, ...]]] = {
    "research": ("polars", "scipy", "sklearn", "onnx", "jsonschema"),
    "train": ("jax", "optax"),
    "report": ("altair", "jinja2", "vl_convert"),
    "cluster": ("distributed",),
    "cloud": ("upath", "s3fs"),
}
"""Extra -> modules that it installs; `train` and `report` install `research`, too."""

_ON_RESEARCH: Final = ("train", "report")
_ROOT = Path(__file__).resolve().parents[2]


def extra_of(module: str) -> str | None:
    """The extra that installs a module; None if no extra does."""
    top = module.partition(".")[0]
    return next((extra for extra, modules in EXTRAS.items() if top in modules), None)


def require(extra: str, *, what: str) -> None:
    """Refuse `what` if a module of `extra` is not installed.

    Raises:
        ToolNotFound: a module is missing; the message has the command that adds it.
    """
    modules = (*EXTRAS["research"], *EXTRAS[extra]) if extra in _ON_RESEARCH else EXTRAS[extra]
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise missing_extra(extra, what=what, modules=missing)


def missing_extra(extra: str, *, what: str, modules: list[str]) -> ToolNotFound:
    """The error that names the missing extra and the command that adds it."""
    return ToolNotFound(
        f"{what} needs {', '.join(modules)}, not installed; add it with: {install_command(extra)}"
    )


def install_command(extra: str) -> str:
    """The command that adds an extra to this installation."""
    from importlib import metadata
    from urllib.parse import unquote

    try:
        record = metadata.distribution("tinyvmaf").read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        # Not installed: run from a checkout.
        return _pip("-e", f"{_ROOT}[{extra}]")
    if record is None:
        return _pip(f"tinyvmaf[{extra}]")
    origin = json.loads(record)
    if "dir_info" not in origin:
        return _pip(f"tinyvmaf[{extra}] @ {origin['url']}")
    folder = unquote(origin["url"].removeprefix("file://"))
    editable = ("-e",) if origin["dir_info"].get("editable") else ()
    return _pip(*editable, f"{folder}[{extra}]")


def _pip(*arguments: str) -> str:
    return " ".join(("pip install", *map(shlex.quote, arguments)))
