# SPDX-License-Identifier: Apache-2.0
"""The program `tinyvmaf`: its verbs and the form of its errors.

Each verb is loaded on demand, so that a call imports only its own modules.
A user sees one line for anything that a call or a file can cause, and the exit status of the
error: 2 wrong call or input, 1 failed, 3 done in part. `--debug` before the verb adds the
traceback and the commands that were run.
"""

import gc
import os
import shlex
import signal
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any, Final, NoReturn

import typer
from typer.core import TyperGroup
from typer.main import get_command

from tinyvmaf.cli.console import TERMINAL, open_streams, show
from tinyvmaf.errors import TinyVmafError, ToolFailed, UsageError
from tinyvmaf.extras import extra_of, missing_extra, require
from tinyvmaf.provenance import version
from tinyvmaf.text import one_line

# Ctrl-C, SIGTERM from a batch system or `kill`, and a closed terminal.
_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

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
"""In the order of `--help`. Module `tinyvmaf.cli.VERB_command` has a function VERB or an `app`."""

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
        module = import_module(f"tinyvmaf.cli.{name}_command")
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


app = typer.Typer(
    name="tinyvmaf",
    cls=VerbGroup,
    help="Tiny video-quality models that you can trust on content they have never seen.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def options(
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks and the commands that failed.")
    ] = False,
) -> None:
    """Options that stand before the verb."""
    del debug  # read by `main`, which handles the errors
    if show_version:
        show(f"tinyvmaf {version()}")
        raise typer.Exit


def main() -> NoReturn:
    """Run the program and leave with its exit status."""
    # Read when NumPy and SciPy are imported: the OpenBLAS of either starts a thread for every core,
    # which spins a while. That costs 0.2 s, more than all their small products.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for number in _ENDS:
        if signal.getsignal(number) != signal.SIG_IGN:  # as `nohup` leaves it
            signal.signal(number, _interrupt)
    # Imports make hundreds of thousands of objects that stay. By Python's own threshold,
    # looking for garbage among them takes a tenth of the time of all imports.
    gc.set_threshold(20_000)
    open_streams()
    debug = "--debug" in sys.argv
    try:
        _run()
    except TinyVmafError as error:
        if debug:
            TERMINAL.console.print_exception()
            if isinstance(error, ToolFailed):
                TERMINAL.note(f"command: {shlex.join(error.command)}")
                for line in error.stderr_tail.splitlines():
                    TERMINAL.note(line)
        TERMINAL.fail(f"tinyvmaf: {error}")
        sys.exit(error.exit_status)
    except _Interrupted as interruption:
        TERMINAL.fail("tinyvmaf: interrupted; what was finished is kept")
        sys.exit(128 + interruption.number)
    except Exception as error:  # noqa: BLE001 (the last place where one line can be made of a bug)
        if debug:
            TERMINAL.console.print_exception()
        TERMINAL.fail(
            f"tinyvmaf: internal error: {error!r}; "
            "please report it with what `tinyvmaf --debug ...` prints"
        )
        sys.exit(1)
    sys.exit(0)


def _run() -> None:
    for place, word in enumerate(sys.argv[1:], 1):
        # A path without characters is the folder that the program stands in, and no one means that.
        if not word or (word.startswith("--") and word.endswith("=")):
            raise UsageError(
                f"word {place} of the call ({word or 'empty'}) has no value: is a variable of the "
                "shell not set?"
            )
    # Asked before the work: a table is written only when all pairs are scored.
    verb = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    if verb in EXTRA_OF and "--help" not in sys.argv:
        require(EXTRA_OF[verb], what=f"tinyvmaf {verb}")
    try:
        app()
    except ModuleNotFoundError as error:
        module = error.name or ""
        extra = extra_of(module)
        if extra is None:
            raise
        raise missing_extra(extra, what=f"tinyvmaf {verb}", modules=[module]) from error


class _Interrupted(BaseException):
    """A signal that ends the program; not KeyboardInterrupt, which Typer would swallow."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _interrupt(number: int, frame: object) -> NoReturn:
    del frame
    # A second Ctrl-C must not interrupt the shutdown of programs and threads.
    for other in _ENDS:
        signal.signal(other, signal.SIG_IGN)
    raise _Interrupted(number)
