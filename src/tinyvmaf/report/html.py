# SPDX-License-Identifier: Apache-2.0
"""A report as one self-contained HTML file with charts, data, style and library.

The page's policy forbids every request and every script but the two whose hashes it names, so that
a name from a file stays text even if its escaping should ever fail.
"""

import base64
import hashlib
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from importlib.util import find_spec
from typing import Any

from tinyvmaf.errors import TinyVmafError
from tinyvmaf.kept import kept_folder, kept_text
from tinyvmaf.process.isolation import ask_beside
from tinyvmaf.process.programs import stopped_when_interrupted
from tinyvmaf.report.chart import POINTS, Chart
from tinyvmaf.report.document import Document
from tinyvmaf.report.points import Points
from tinyvmaf.text import drawn, script_json
from tinyvmaf.text import page as written


def page(document: Document, charts: Sequence[Chart], points: Points, *, pictures: str) -> str:
    """The whole page; `pictures` names the folder with the same charts, if there is one."""
    return _written(
        "page.html.jinja",
        script="page.js",
        data=_data(charts, points),
        values={
            "document": document,
            "charts": {chart.name: chart for chart in charts},
            "pictures": pictures,
            "kind_of": lambda block: type(block).__name__,
        },
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
    return _written(
        "chart.html.jinja",
        script="chart.js",
        data={"spec": spec},
        values={"title": title, "caption": caption, "moments": moments},
    )


@contextmanager
def library_made() -> Generator[None]:
    """Make the library of all pages meanwhile, in a process of its own, if no cache has it.

    Should that fail, the first page makes it.
    """
    if find_spec("vl_convert") is None or kept_folder("texts") is None:
        yield
        return
    with ThreadPoolExecutor(1) as pool:
        making = pool.submit(_kept_library, partial(ask_beside, _bundle))
        with stopped_when_interrupted(pool, [making]):
            yield
            with suppress(TinyVmafError):
                making.result()


def _library() -> str:
    # Wrapped in a function, since its thousands of names would otherwise be the page's globals.
    return f"(() => {{\n{_kept_library(_bundle)}\n}})();"


def _kept_library(make: Callable[[], str]) -> str:
    return kept_text(make, package="vl-convert-python", name="vega")


def _bundle() -> str:
    import vl_convert

    # Its stub marks an optional argument as required.
    return vl_convert.javascript_bundle()  # pyright: ignore[reportCallIssue]


def _written(template: str, *, script: str, data: object, values: Mapping[str, Any]) -> str:
    """A template with its values, data, style and scripts."""
    from markupsafe import Markup

    made = environment()
    scripts = _library(), asset(made, script)
    return made.get_template(template).render(
        {
            **values,
            "policy": policy(scripts),
            "style": Markup(asset(made, "style.css")),  # noqa: S704 (a file of ours)
            "data": Markup(script_json(data)),  # noqa: S704 (made harmless there)
            "library": Markup(scripts[0]),  # noqa: S704 (from vl-convert)
            "script": Markup(scripts[1]),  # noqa: S704 (a file of ours)
        }
    )


def environment() -> Any:  # noqa: ANN401 (jinja2 is imported late)
    """The templates of pages: every value is escaped, and unprintable characters are shown."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("tinyvmaf.report"),
        autoescape=True,
        finalize=written,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def asset(environment: Any, name: str) -> str:  # noqa: ANN401 (jinja2 is imported late)
    """The text of a file beside the templates."""
    return environment.loader.get_source(environment, name)[0]


def policy(scripts: Sequence[str]) -> str:
    """A page's content security policy: these inline scripts and nothing from anywhere."""
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
