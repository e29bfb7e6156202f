# SPDX-License-Identifier: Apache-2.0
"""Charts as PNG, SVG and PDF files, for papers and for the Markdown.

PNG and SVG have the same bytes every time; the order of objects in PDF files varies. Drawing holds
Python's lock, so that charts are drawn beside each other only in processes of their own.
"""

import os
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinyvmaf.files import write_bytes, write_text
from tinyvmaf.process.isolation import ask_beside
from tinyvmaf.process.programs import stopped_when_interrupted
from tinyvmaf.text import drawn as printable

if TYPE_CHECKING:
    from tinyvmaf.report.chart import Chart
    from tinyvmaf.report.points import Points

FOLDER = "charts"
_SCALE = 2

_Drawing = tuple[str, dict[str, Any]]
"""Name and Vega-Lite of a chart, with all of its data."""


@contextmanager
def pictures_written(charts: "Sequence[Chart]", points: "Points", folder: Path) -> Generator[None]:
    """Write `charts/<name>.png`, `.svg` and `.pdf` of every chart into `folder` meanwhile.

    Two processes draw. Charts of single frames take the longest, so they are dealt out first.

    Raises:
        UsageError: the folder cannot be written.
    """
    # Imported late: the processes that draw import this module.
    from tinyvmaf.report.chart import POINTS

    frames = {POINTS: points.frame_rows()}
    drawings: list[_Drawing] = []
    for chart in sorted(charts, key=lambda chart: not chart.uses_points):
        spec = {**chart.spec, "datasets": frames} if chart.uses_points else chart.spec
        drawings.append((chart.name, printable(spec)))
    lots = [lot for lot in (drawings[::2], drawings[1::2]) if lot]
    with ThreadPoolExecutor(max(1, min(len(lots), os.cpu_count() or 1))) as pool:
        futures = [pool.submit(ask_beside, draw, lot, folder / FOLDER) for lot in lots]
        with stopped_when_interrupted(pool, futures):
            yield
            for each in futures:
                each.result()


def draw(charts: Sequence[_Drawing], folder: Path) -> None:
    """Draw charts into `folder`, one after the other: Vega numbers its marks across a process.

    Raises:
        UsageError: the folder cannot be written.
    """
    import vl_convert

    for name, spec in charts:
        path = folder / name
        svg = vl_convert.vegalite_to_svg(spec)
        write_text(path.with_suffix(".svg"), svg)
        write_bytes(path.with_suffix(".png"), vl_convert.svg_to_png(svg, scale=_SCALE))
        write_bytes(path.with_suffix(".pdf"), vl_convert.svg_to_pdf(svg))
