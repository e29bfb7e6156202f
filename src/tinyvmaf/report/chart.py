# SPDX-License-Identifier: Apache-2.0
"""A chart that can be drawn, and the pieces that several charts share.

A chart is the same on the page and in its picture except for colours (`theme`). Names appear as
data and in the domains of scales only. A sort by name would put them into expressions, which are
code.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tinyvmaf.evaluation.records import LosoRecord
from tinyvmaf.report.theme import Theme

if TYPE_CHECKING:
    import altair as alt

POINTS = "points"
"""Name of the data set of single frames, which charts share and a page holds once."""

ROW_HEIGHT = 20
"""Height of a source's row."""

_FEWEST_MARKS = 3

WIDTH = 640
"""Width of a picture; on a page charts are as wide as there is room."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart that can be drawn.

    Attributes:
        name: Name of its files and its place in a page.
        title: Its heading.
        alt: Text alternative for readers without pictures.
        spec: Vega-Lite, without the frames.
        uses_points: True if it draws the frames.
        is_grid: True if it is a grid of panels, one per source.
    """

    name: str
    title: str
    alt: str
    spec: dict[str, Any]
    uses_points: bool = False
    is_grid: bool = False


def by_error(record: LosoRecord) -> list[str]:
    """The sources from the smallest RMSE to the largest: the order of every chart."""
    folds = sorted(record.folds, key=lambda fold: (fold.frame.rmse or 0.0, fold.source))
    return [fold.source for fold in folds]


def source_rows(record: LosoRecord) -> "alt.Y":
    """The sources as rows, in the order of `by_error`."""
    import altair as alt

    return alt.Y(
        "source:N",
        sort=None,
        scale=alt.Scale(domain=by_error(record)),
        title=None,
        axis=alt.Axis(grid=True),
    )


def ticks(values: Sequence[float]) -> list[float]:
    """Marks of a log axis for `values`: decades, or parts of decades if those are few."""
    low, high = min(values), max(values)
    powers = range(math.floor(math.log10(low)), math.floor(math.log10(high)) + 1)
    places: list[float] = []
    for steps in ((1,), (1, 2, 5), range(1, 10)):
        marks = [step * 10.0**power for power in powers for step in steps]
        places = [mark for mark in marks if low <= mark <= high]
        if len(places) >= _FEWEST_MARKS:
            break
    return places


def data(rows: list[dict[str, Any]]) -> "alt.Chart":
    """A chart of these rows, still without marks."""
    import altair as alt

    return alt.Chart(alt.Data(values=rows))


def finished(chart: Any, theme: Theme, *, words: str, height: int | None = None) -> dict[str, Any]:  # noqa: ANN401
    """An Altair chart as Vega-Lite, in the theme's colours, with its text alternative.

    Args:
        chart: Any of Altair's charts.
        theme: Its colours.
        words: Its text alternative.
        height: Height of the frame, which is as wide as a picture; None for a chart with its own
            sizes.
    """
    if height is not None:
        chart = chart.properties(width=WIDTH, height=height)
    return chart.properties(config=theme.config(), description=words).to_dict(validate=False)
