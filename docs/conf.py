# SPDX-License-Identifier: Apache-2.0
"""The documentation site: `make docs` builds it into build/site, without requests to elsewhere.

The tree of pages is `_toc.yml`. The pages on the command line and on Python end with what their
code says at the time of the build.
"""

import inspect

import typer
from sphinx.application import Sphinx
from typer.cli import get_docs_for_click
from typer.main import get_command

import tinyvmaf
from tinyvmaf.cli.app import app
from tinyvmaf.report import digest

project = "tinyvmaf"
author = "The tinyvmaf founders"
version = release = tinyvmaf.__version__
extensions = [
    "myst_nb",
    "sphinx_external_toc",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
]
external_toc_path = "_toc.yml"
exclude_patterns = ["templates", "results/*.json"]
nb_execution_mode = "off"  # tests run the notebook; its outputs are those of a run
myst_heading_anchors = 4
default_role = "code"
language = "en"

html_theme = "furo"
html_title = "tinyvmaf"
html_static_path = ["_static"]
html_favicon = "_static/icon.svg"  # without one, browsers ask for /favicon.ico
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_theme_options = {"navigation_with_keys": True}
# Furo's social cards and edit buttons stay off: nothing on a page asks another host.

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 88


def _command_line() -> str:
    """The help of every verb, as Markdown."""
    program = get_command(app)
    context = typer.Context(program, info_name="tinyvmaf")
    text = get_docs_for_click(obj=program, ctx=context, name="tinyvmaf", title="")
    # The page has a title and an introduction of its own.
    return "## `tinyvmaf`\n\n" + text[text.index("**Usage**") :]


def _python() -> str:
    """A directive for every public name."""
    lines: list[str] = []
    for name in sorted(tinyvmaf.__all__, key=str.lower):
        found = getattr(tinyvmaf, name)
        if name == "report":
            found, where = digest.report, "tinyvmaf.report.digest.report"
        else:
            where = f"tinyvmaf.{name}"
        if inspect.isclass(found):
            lines += [f"## `{name}`", "```{eval-rst}", f".. autoclass:: {where}"]
            # scikit-learn adds the second one; its description links to their own pages.
            lines += ["   :members:", "   :exclude-members: set_score_request"]
        elif callable(found):
            lines += [f"## `{name}`", "```{eval-rst}", f".. autofunction:: {where}"]
        else:
            continue
        lines += ["```", ""]
    return "\n".join(lines)


_GENERATED = {"reference/command-line": _command_line, "reference/python": _python}


def _complete(_site: Sphinx, page: str, source: list[str]) -> None:
    if page in _GENERATED:
        source[0] += "\n" + _GENERATED[page]()


def setup(site: Sphinx) -> None:
    """Complete the generated pages when they are read."""
    site.connect("source-read", _complete)
