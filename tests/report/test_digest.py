# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from tinyvmaf.evaluation.evaluate import read_run
from tinyvmaf.evaluation.run_files import write_run
from tinyvmaf.report import digest as digest_module
from tinyvmaf.report.digest import write_digest


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix not in {".parquet", ".pdf"} and path.name != "run.json"
    }


@pytest.fixture(scope="module")
def written(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    write_run(run, folder)
    return folder, write_digest(run, folder)


def test_record_markdown_page_and_pictures_are_written(written):
    folder, digest = written
    names = set(files(folder))
    assert {digest.json.name, digest.markdown.name, digest.html.name} < names
    pictures = {name for name in names if name.startswith("charts/")}
    assert {"charts/folds_rmse.png", "charts/folds_rmse.svg", "charts/clips.svg"} < pictures
    assert (folder / "charts" / "folds_rmse.pdf").read_bytes().startswith(b"%PDF-")
    assert {"tables/folds.csv", "tables/folds.tex", "tables/aggregates.tex"} < names
    assert digest.missing == ""
    assert json.loads(digest.json.read_text(encoding="utf-8"))["schema"] == "tinyvmaf.loso/1"


def test_the_same_bytes_come_from_the_runs_files_alone(written):
    folder, _ = written
    before = files(folder)
    for name in before:
        (folder / name).unlink()
    write_digest(read_run(folder), folder)
    assert files(folder) == before


def test_pictures_hold_names_as_text(written):
    folder, _ = written
    svg = (folder / "charts/folds_rmse.svg").read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in svg
    assert "<script" not in svg
    # Vega numbers clip paths through a whole process: with one, bytes would depend on what was
    # drawn before.
    assert "clipPath" not in svg


def test_no_chart_that_the_markdown_names_is_missing(written):
    folder, digest = written
    text = digest.markdown.read_text(encoding="utf-8")
    named = {part.split(")")[0] for part in text.split("](charts/")[1:]}
    assert named
    assert all((folder / "charts" / name).is_file() for name in named)


def test_without_the_extra_the_rest_is_written_and_the_cure_is_told(run, tmp_path, monkeypatch):
    def found(name):
        return None if name == "altair" else object()

    monkeypatch.setattr(digest_module, "find_spec", found)
    digest = write_digest(run, tmp_path)
    assert digest.html is None
    assert digest.missing == (
        "no page and no charts: altair not installed; pip install 'tinyvmaf[report]', then "
        f"tinyvmaf report {tmp_path}"
    )
    without_tables = {name for name in files(tmp_path) if not name.startswith("tables/")}
    assert without_tables == {digest.json.name, digest.markdown.name}
    text = digest.markdown.read_text(encoding="utf-8")
    assert "![" not in text
    assert "The charts: not drawn here." in text
