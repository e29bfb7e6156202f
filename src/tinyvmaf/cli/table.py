# SPDX-License-Identifier: Apache-2.0
"""`tinyvmaf table compact`."""

from pathlib import Path
from typing import Annotated

import typer

from tinyvmaf.cli.console import show

app = typer.Typer(help="Look after feature tables.", no_args_is_help=True)


@app.callback()
def table() -> None:
    """Look after feature tables."""


@app.command("compact")
def compact_table(
    parts: Annotated[Path, typer.Argument(help="The folder that `extract -o FOLDER` wrote.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The Parquet file to write.")],
) -> None:
    """Write a table in parts as one file, the same bytes as if it had been written at once."""
    from tinyvmaf.features.table import read_table, write_table
    from tinyvmaf.files import check_writable
    from tinyvmaf.storage import address

    check_writable(output)
    found = read_table(parts)
    write_table(found, output)
    show(f"{address(output)}: {found.rows.height} frames of {found.n_clips} clips")
