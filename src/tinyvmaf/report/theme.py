# SPDX-License-Identifier: Apache-2.0
"""Colours and type of the charts: one accent, on paper (pictures) and on a page (light or dark).

A page's charts name CSS variables instead of colours, so that the style sheet alone defines their
colours in light mode, in dark mode and in print.
"""

from dataclasses import dataclass
from typing import Any

_FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
_PAGE_FONT = "system-ui, -apple-system, Segoe UI, Roboto, Liberation Sans, Arial, sans-serif"


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours by role.

    Attributes:
        ink, muted, rule: Text, less important text, lines of the frame.
        accent: The subject of the report.
        other: Its baselines.
        surface: Behind the chart.
        font: Family of every text.
    """

    ink: str
    muted: str
    rule: str
    accent: str
    other: str
    surface: str
    font: str

    def config(self) -> dict[str, Any]:
        """Vega-Lite's configuration for this theme."""
        text = {
            "labelColor": self.muted,
            "titleColor": self.ink,
            "labelFont": self.font,
            "titleFont": self.font,
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
        }
        return {
            "background": self.surface,
            "font": self.font,
            "axis": {
                **text,
                "domainColor": self.rule,
                "gridColor": self.rule,
                "tickColor": self.rule,
                "titlePadding": 10,
            },
            # A title that ends where its axis ends has the labels' width as room besides.
            "axisX": {"labelFlush": False, "labelSeparation": 6, "titleAnchor": "end"},
            "axisY": {"domain": False, "ticks": False, "labelPadding": 8, "labelLimit": 230},
            "header": {**text, "titleFontSize": 0, "labelColor": self.ink, "labelLimit": 150},
            "legend": {
                **text,
                "labelColor": self.ink,
                "orient": "top",
                "direction": "horizontal",
                "title": None,
                "labelLimit": 260,
                "symbolSize": 70,
            },
            "view": {"stroke": None},
        }


PAPER = Theme(
    ink="#1d2326",
    muted="#566066",
    rule="#e2e5e6",
    accent="#0d6577",
    other="#8a6a2f",
    surface="#ffffff",
    font=_FONT,
)
PAGE = Theme(
    ink="var(--ink)",
    muted="var(--muted)",
    rule="var(--rule)",
    accent="var(--accent)",
    other="var(--other)",
    surface="transparent",
    font=_PAGE_FONT,
)
