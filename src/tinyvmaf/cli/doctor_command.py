# SPDX-License-Identifier: Apache-2.0
"""`tinyvmaf doctor`: a check of the installation, with remedies."""

from typing import TYPE_CHECKING

import typer

from tinyvmaf.cli.console import show, show_json, with_options
from tinyvmaf.cli.options import FfmpegPath, Json
from tinyvmaf.typed_json import to_json

if TYPE_CHECKING:
    from tinyvmaf.scoring.doctor import Check


def doctor(ffmpeg: FfmpegPath = None, as_json: Json = False) -> None:
    """Check that this machine can score, and say what to do where it cannot."""
    from tinyvmaf.scoring.doctor import doctor as examine

    record = examine(ffmpeg=ffmpeg, on_check=None if as_json else _print)
    if as_json:
        show_json(to_json(record))
    if not record.ok:
        raise typer.Exit(1)


def _print(check: "Check") -> None:
    show(f"{check.status:<6}  {check.name}: {check.found}")
    if check.cure is not None:
        show(f"        fix: {with_options(check.cure)}")
