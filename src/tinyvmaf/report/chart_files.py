# SPDX-License-Identifier: Apache-2.0
"""Charts as PNG, SVG and PDF files, for papers and for the Markdown.

PNG and SVG have the same bytes every time; the order of objects in PDF files varies.
"""

import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from tinyvmaf.files import write_bytes, write_text
from tinyvmaf.report.chart import POINTS, Chart
from tinyvmaf.report.points import Points
from tinyvmaf.text import drawn as printable

FOLDER = "charts"
_SCALE = 2


def write_pictures(charts: Sequence[Chart], points: Points, folder: Path) -> None:
    """Write `charts/<name>.png`, `.svg` and `.pdf` of every chart into `folder`.

    Raises:
        UsageError: the folder cannot be written.
    """
    import vl_convert

    frames = {POINTS: points.frame_rows()}

    def draw(path: Path, svg: str) -> None:
        write_bytes(path.with_suffix(".png"), vl_convert.svg_to_png(svg, scale=_SCALE))
        write_bytes(path.with_suffix(".pdf"), vl_convert.svg_to_pdf(svg))

    with ThreadPoolExecutor(max(1, os.cpu_count() or 1)) as pool:
        drawn: list[Future[None]] = []
        for chart in charts:
            spec = {**chart.spec, "datasets": frames} if chart.uses_points else chart.spec
            path = folder / FOLDER / chart.name
            # One after the other: Vega numbers its marks across the whole process.
            svg = vl_convert.vegalite_to_svg(printable(spec))
            write_text(path.with_suffix(".svg"), svg)
            drawn.append(pool.submit(draw, path, svg))
        for each in drawn:
            each.result()
