# SPDX-License-Identifier: Apache-2.0
"""Charts as PNG and SVG files, for papers and for the Markdown; the same bytes every time."""

from collections.abc import Sequence
from pathlib import Path

from tinyvmaf.files import write_bytes, write_text
from tinyvmaf.report.chart import POINTS, Chart
from tinyvmaf.report.points import Points

FOLDER = "charts"
_SCALE = 2


def write_pictures(charts: Sequence[Chart], points: Points, folder: Path) -> None:
    """Write `charts/<name>.png` and `.svg` of every chart into `folder`.

    Raises:
        UsageError: the folder cannot be written.
    """
    import vl_convert

    frames = {POINTS: points.frame_rows()}
    for chart in charts:
        spec = {**chart.spec, "datasets": frames} if chart.uses_points else chart.spec
        path = folder / FOLDER / chart.name
        svg = vl_convert.vegalite_to_svg(spec)
        write_text(path.with_suffix(".svg"), svg)
        write_bytes(path.with_suffix(".png"), vl_convert.svg_to_png(svg, scale=_SCALE))
