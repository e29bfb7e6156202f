# SPDX-License-Identifier: Apache-2.0
import csv
import io
import re
import subprocess
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scripts.latex import WITHOUT, find, is_unwanted

from tests.evaluation.tables import smooth_table
from tests.report.conftest import typed
from tinyvmaf.evaluation.loso import loso
from tinyvmaf.evaluation.mos_folds import loso_opinions
from tinyvmaf.features.table import FeatureTable
from tinyvmaf.report.digest import document
from tinyvmaf.report.document import Table, columns
from tinyvmaf.report.opinion_report import opinion_document
from tinyvmaf.report.paper_tables import as_csv, as_latex, escape, named_tables, table_files
from tinyvmaf.text import csv_cell
from tinyvmaf.training.recipes import load_recipe, with_epochs

HOSTILE = Table(
    "100 % of {all} \\input{x}",
    columns("a & b", "c_d"),
    (("[x]", "1.0 ± 0.1"), ("<script>|$\\end{tabular}", "\N{EN DASH}"), ('=1+"2",3\n', "~^`#")),
    (("mean", "2"),),
)


def test_every_table_of_the_report_is_written_in_both_formats(record):
    report = document(typed(record), None)
    tables = list(named_tables(report))
    assert len({name for name, _ in tables}) == len(tables) >= 7
    assert set(table_files(report)) == {
        f"tables/{name}.{kind}" for name, _ in tables for kind in ("csv", "tex")
    }


def test_csv_gives_back_every_cell(record):
    tables = [table for _, table in named_tables(document(typed(record), None))]
    for table in (*tables, HOSTILE):
        rows = list(csv.reader(io.StringIO(as_csv(table), newline="")))
        assert rows[0] == [column.title for column in table.columns]
        cells = [tuple(map(csv_cell, row)) for row in (*table.rows, *table.totals)]
        assert [tuple(row) for row in rows[1:]] == cells


def test_latex_is_booktabs_and_no_name_is_a_command(record):
    text = as_latex(HOSTILE, label="x")
    assert [mark in text for mark in ("\\toprule", "\\midrule", "\\bottomrule")] == [True] * 3
    assert text.count("\\end{tabular}") == text.count("\\input") + 1 == 1
    for _, table in named_tables(document(typed(record), None)):
        body = as_latex(table, label="x").split("\\toprule\n")[1].split("\\bottomrule")[0]
        rows = [line for line in body.splitlines() if line != "\\midrule"]
        assert len(rows) == 1 + len(table.rows) + len(table.totals)
        for row in rows:
            assert row.endswith(" \\\\")
            assert len(re.findall(r"(?<!\\)&", row)) == len(table.columns) - 1


def test_latex_knows_the_signs_that_reports_use():
    assert escape("0.1 ± 0.2 \N{EN DASH} \N{MINUS SIGN}1 < 5 %") == (
        r"0.1 $\pm$ 0.2 -- $-$1 \textless{} 5 \%"
    )


@pytest.fixture(scope="module")
def other_documents(tmp_path_factory):
    """Reports with the tables of groups, of a nested choice and of opinions."""
    recipe = with_epochs(load_recipe("default"), 300)
    table = smooth_table(n_sources=5, n_clips=4)
    rng = np.random.default_rng(0)
    clips = table.rows.select("source", "clip").unique(maintain_order=True)
    labels = clips.with_columns(
        pl.Series("mos", rng.uniform(1, 5, len(clips))),
        pl.col("clip").alias("enc_o&der"),
        mos_ci=pl.lit(0.3),
    )
    rows = table.rows.join(labels, on=["source", "clip"], maintain_order="left")
    info = replace(table.info, labels=("mos", "enc_o&der", "mos_ci"))
    table = FeatureTable(rows, info)
    run = loso(
        table,
        folder=tmp_path_factory.mktemp("run"),
        recipe=recipe,
        group="enc_o&der",
        nested=(recipe, replace(recipe, name="a_b%")),
        learning_curve=True,
    )
    # On so few rows twice the steps still change much, and an undertrained run tells nothing.
    run = replace(run, facts=replace(run.facts, doubling=None))
    return document(run.record, None), opinion_document(loso_opinions(table))


@pytest.mark.slow
def test_latex_of_every_table_compiles_and_fits_the_page(record, other_documents, tmp_path):
    if is_unwanted():
        pytest.skip(f"{WITHOUT} is set")
    program = find()
    assert program, "no pdflatex: `python scripts/latex.py` gets one, or says why it cannot"
    documents = (document(typed(record), None), *other_documents)
    texts = [
        text
        for report in documents
        for name, text in table_files(report).items()
        if name.endswith(".tex")
    ]
    assert all(name in "".join(texts) for name in ("enc\\_o\\&der", "a\\_b\\%", "teacher\\_map"))
    # Fonts for every script are a matter of the paper.
    tables = re.sub(r"[^\x00-\x7f]", "?", "".join([*texts, as_latex(HOSTILE, label="hostile")]))
    (tmp_path / "t.tex").write_text(
        "\\documentclass{article}\\usepackage[T1]{fontenc}\\usepackage{booktabs,graphicx}\n"
        f"\\begin{{document}}\n\\clearpage\n{tables}\n\\end{{document}}\n"
    )
    command = [program, "-halt-on-error", "-interaction=nonstopmode", "t.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull \\hbox" not in done.stdout  # no table is wider than the page
