# SPDX-License-Identifier: Apache-2.0
"""A report as one self-contained HTML file with charts, data, style and library.

The page's policy forbids every request and every script but the two whose hashes it names, so that
a name from a file stays text even if its escaping should ever fail.
"""

import base64
import hashlib
from collections.abc import Sequence
from typing import Any

from tinyvmaf.kept import kept_text
from tinyvmaf.report.chart import POINTS, Chart
from tinyvmaf.report.document import Document
from tinyvmaf.report.points import Points
from tinyvmaf.text import drawn, script_json
from tinyvmaf.text import page as written


def page(document: Document, charts: Sequence[Chart], points: Points, *, pictures: str) -> str:
    """The whole page; `pictures` names the folder with the same charts, if there is one."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("tinyvmaf.report"),
        autoescape=True,
        finalize=written,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    scripts = _library(), _asset(environment, "page.js")
    return environment.get_template("page.html.jinja").render(
        document=document,
        charts={chart.name: chart for chart in charts},
        pictures=pictures,
        kind_of=lambda block: type(block).__name__,
        policy=_policy(scripts),
        style=Markup(_asset(environment, "style.css")),  # noqa: S704 (a file of ours)
        data=Markup(script_json(_data(charts, points))),  # noqa: S704 (made harmless there)
        library=Markup(scripts[0]),  # noqa: S704 (from vl-convert)
        script=Markup(scripts[1]),  # noqa: S704 (a file of ours)
    )


def chart_page(
    spec: dict[str, Any], *, title: str, caption: str, moments: Sequence[tuple[float, str]]
) -> str:
    """A page with one chart, as wide as the window.

    Args:
        spec: Vega-Lite's, with the theme of a page and a parameter `moment` if there are moments.
        title: Title of the page.
        caption: Text below the chart.
        moments: Times in seconds and their words; choosing one sets the parameter.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("tinyvmaf.report"),
        autoescape=True,
        finalize=written,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    scripts = _library(), _asset(environment, "chart.js")
    return environment.get_template("chart.html.jinja").render(
        title=title,
        caption=caption,
        moments=moments,
        policy=_policy(scripts),
        style=Markup(_asset(environment, "style.css")),  # noqa: S704 (a file of ours)
        data=Markup(script_json({"spec": spec})),  # noqa: S704 (made harmless there)
        library=Markup(scripts[0]),  # noqa: S704 (from vl-convert)
        script=Markup(scripts[1]),  # noqa: S704 (a file of ours)
    )


def _library() -> str:
    def bundle() -> str:
        import vl_convert

        # Its stub marks an optional argument as required.
        return vl_convert.javascript_bundle()  # pyright: ignore[reportCallIssue]

    # Wrapped in a function, since its thousands of names would otherwise be the page's globals.
    text = kept_text(bundle, package="vl-convert-python", name="vega")
    return f"(() => {{\n{text}\n}})();"


def _asset(environment: Any, name: str) -> str:  # noqa: ANN401 (jinja2 is imported late)
    return environment.loader.get_source(environment, name)[0]


def _policy(scripts: Sequence[str]) -> str:
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    hashes = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _data(charts: Sequence[Chart], points: Points) -> dict[str, Any]:
    return {
        "charts": {
            chart.name: {
                "spec": drawn(chart.spec),
                "usesPoints": chart.uses_points,
                "isGrid": chart.is_grid,
            }
            for chart in charts
        },
        "name": POINTS,
        "clips": drawn(points.clips),
        "frames": points.frames,
    }
