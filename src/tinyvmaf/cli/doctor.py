# SPDX-License-Identifier: Apache-2.0
"""`tinyvmaf doctor`: a check of the installation, with remedies."""

from dataclasses import asdict

import typer

from tinyvmaf.cli.console import show, show_json, with_options
from tinyvmaf.cli.options import FfmpegPath, Json


def doctor(ffmpeg: FfmpegPath = None, as_json: Json = False) -> None:
    """Check that this machine can score; say the cure where it cannot."""
    from tinyvmaf.scoring.doctor import Check, Status, examine

    checks: list[Check] = []
    for check in examine(ffmpeg=ffmpeg):
        checks.append(check)
        if not as_json:
            show(f"{check.status:<6}  {check.name}: {check.found}")
            if check.cure is not None:
                show(f"        cure: {with_options(check.cure)}")
    broken = any(check.status is Status.BROKEN for check in checks)
    if as_json:
        record = {"schema": "tinyvmaf.doctor/1", "ok": not broken}
        show_json({**record, "checks": [asdict(check) for check in checks]})
    if broken:
        raise typer.Exit(1)
