# SPDX-License-Identifier: Apache-2.0
"""The program `tinyvmaf`: its verbs and the form of its errors.

A user sees one line for anything that a call or a file can cause, and the exit status of the
error: 2 wrong call or input, 1 failed, 3 done in part. `--debug` before the verb adds the
traceback and the commands that were run.
"""

import os
import shlex
import signal
import sys
from typing import Annotated, NoReturn

import typer

from tinyvmaf.cli.console import TERMINAL, open_streams, show
from tinyvmaf.cli.verbs import EXTRA_OF, VerbGroup
from tinyvmaf.errors import TinyVmafError, ToolFailed
from tinyvmaf.extras import extra_of, missing_extra, require
from tinyvmaf.provenance import version

# Ctrl-C, SIGTERM from a batch system or `kill`, and a closed terminal.
_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

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
