# SPDX-License-Identifier: Apache-2.0
"""The models that ship with tinyvmaf: `NAME.onnx` and its card `NAME.json`, beside this file.

A published pair is never changed: other weights get another name. `scripts/` has the commands that
made them; this module only locates them.
"""

from difflib import get_close_matches
from pathlib import Path
from typing import Final

from tinyvmaf.errors import UsageError

ZOO: Final = Path(__file__).parent


def names() -> tuple[str, ...]:
    """The names of the shipped models, sorted."""
    return tuple(sorted(path.stem for path in ZOO.glob("*.onnx")))


def is_shipped(path: Path) -> bool:
    """True if the file is a shipped model with its card."""
    return path.parent == ZOO and path.with_suffix(".json").is_file() and path.stem in names()


def path_of(name: str) -> Path:
    """The ONNX file of a shipped model.

    Raises:
        UsageError: no model of this name is shipped.
    """
    shipped = names()
    if name not in shipped:
        close = get_close_matches(name, shipped, n=1)
        hint = f"did you mean {close[0]}?" if close else f"shipped: {', '.join(shipped) or 'none'}"
        raise UsageError(f"{name}: no such model file and no shipped model; {hint}")
    return ZOO / f"{name}.onnx"
