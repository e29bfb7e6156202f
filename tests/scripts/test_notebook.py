# SPDX-License-Identifier: Apache-2.0
"""The documentation's notebook runs, and prints what is kept in it."""

import os

import pytest

from tests.test_pages import masked

# `make lowest` installs no documentation tools; `make test` and `make quick` do, and so does CI.
if not os.environ.get("CI"):
    for tool in ("nbformat", "nbclient"):
        pytest.importorskip(tool, reason=f"no {tool}: `pip install '.[docs]'` gets it")

import nbformat
from scripts.notebook import NOTEBOOK, executed

pytestmark = [pytest.mark.slow, pytest.mark.ffmpeg]


def printed(notebook):
    """The text of every cell without its numbers, and the kinds of its other outputs."""
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            assert output.output_type != "error"
            found.append(masked(output.get("text", "")) or sorted(output.data))
    return found


@pytest.mark.filterwarnings("ignore:.*event loop.*")
def test_the_notebook_prints_what_is_kept_in_it(tmp_path):
    kept = nbformat.read(NOTEBOOK, as_version=4)
    assert printed(executed(NOTEBOOK, tmp_path)) == printed(kept)
    assert len(printed(kept)) >= 5
