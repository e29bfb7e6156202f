# SPDX-License-Identifier: Apache-2.0
"""The documentation's notebook runs, and prints what is kept in it."""

import nbformat
import pytest
from scripts.notebook import NOTEBOOK, executed

from tests.test_pages import masked

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
