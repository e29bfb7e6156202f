# SPDX-License-Identifier: Apache-2.0
"""`tinyvmaf report`: write a run's report again, from its files alone."""

from pathlib import Path
from typing import Annotated

import typer

from tinyvmaf.cli.console import TERMINAL, show, show_json
from tinyvmaf.cli.options import Json
from tinyvmaf.typed_json import to_json


def report(
    run: Annotated[Path, typer.Argument(help="The folder that `tinyvmaf loso` wrote.")],
    as_json: Json = False,
) -> None:
    """Write a run's report again: JSON, Markdown, page and charts, byte for byte."""
    from tinyvmaf.evaluation.run import RECORD, is_of_a_run
    from tinyvmaf.report.digest import report as write_again
    from tinyvmaf.storage import address
    from tinyvmaf.stored_folder import local_folder

    with local_folder(run, fetch=True, send=True, head=RECORD, is_ours=is_of_a_run) as local:
        digest = write_again(local)
    if digest.missing:
        TERMINAL.note(digest.missing)
    if as_json:
        show_json(to_json(digest.record))
        return
    for path in (digest.json, digest.markdown, digest.html):
        if path is not None:
            show(address(run / path.name))
