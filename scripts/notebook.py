# SPDX-License-Identifier: Apache-2.0
"""Execute the documentation's notebook, and keep its outputs.

    python scripts/notebook.py

`docs/start/notebook.ipynb` is executed in a folder of its own and written again with what its
cells printed. A test executes it likewise and compares.
"""

import tempfile
from pathlib import Path
from typing import Any, Final

import nbformat
from nbclient import NotebookClient

from tinyvmaf.files import write_text

NOTEBOOK: Final = Path(__file__).resolve().parents[1] / "docs" / "start" / "notebook.ipynb"
_TIMEOUT_S: Final = 900


def executed(path: Path, folder: Path) -> Any:  # noqa: ANN401 (nbformat has no types)
    """The notebook at `path` with the outputs of a run in `folder`."""
    notebook: Any = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=_TIMEOUT_S,
        startup_timeout=_TIMEOUT_S,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute()
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
        cell.metadata = {}
        if cell.cell_type == "code":
            # A cell writes progress to stderr.
            cell.outputs = [each for each in cell.outputs if each.get("name") != "stderr"]
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return notebook


def main() -> None:
    """Write the notebook again."""
    with tempfile.TemporaryDirectory() as folder:
        write_text(NOTEBOOK, nbformat.writes(executed(NOTEBOOK, Path(folder))) + "\n")
    print(NOTEBOOK)


if __name__ == "__main__":
    main()
