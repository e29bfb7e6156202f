# SPDX-License-Identifier: Apache-2.0
"""The verbs of the program, each loaded on demand, so that a call imports only its own modules."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command

from tinyvmaf.text import one_line

VERBS: Final = (
    "extract",
    "loso",
    "train",
    "evaluate",
    "compare",
    "report",
    "demo",
    "score",
    "frontier",
    "doctor",
    "corpus",
    "models",
    "table",
)
"""In the order of `--help`. The module `tinyvmaf.cli.VERB` has a function VERB, or an `app`."""

EXTRA_OF: Final[Mapping[str, str]] = {
    **dict.fromkeys(("extract", "evaluate", "compare", "report", "frontier", "table"), "research"),
    **dict.fromkeys(("loso", "train", "demo"), "train"),
}
"""Verb -> the extra without which it cannot begin."""


class _Commands(Mapping[str, Any]):
    """Verb -> command, made when it is looked up."""

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 (Typer has its own copy of Click)
        if name not in VERBS:
            raise KeyError(name)
        module = import_module(f"tinyvmaf.cli.{name}")
        app = getattr(module, "app", None)
        if app is None:
            app = typer.Typer(add_completion=False, rich_markup_mode=None)
            app.command(name)(getattr(module, name))
        command = get_command(app)
        command.name = name
        return command

    def __iter__(self) -> Iterator[str]:
        return iter(VERBS)

    def __len__(self) -> int:
        return len(VERBS)


class VerbGroup(TyperGroup):
    """The program's commands."""

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 (whatever Typer passes on)
        super().__init__(**attributes)
        self.commands = _Commands()  # pyright: ignore[reportAttributeAccessIssue] (is only read)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 (as above)
        """Run the verb; an error in its call may quote names that a shell put there."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            if isinstance(message := getattr(error, "message", None), str):
                error.message = one_line(message)  # pyright: ignore[reportAttributeAccessIssue]
            raise
