# SPDX-License-Identifier: Apache-2.0
import csv
import io
import re
import shutil
import subprocess

import pytest

from tests.report.conftest import typed
from tinyvmaf.report.document import Table, columns
from tinyvmaf.report.paper_tables import as_csv, as_latex, escape, named_tables, table_files
from tinyvmaf.report.sections import document
from tinyvmaf.text import csv_cell

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


@pytest.mark.skipif(
    not shutil.which("pdflatex"),
    reason="LaTeX tables are not compiled: no pdflatex (texlive-latex-base, -recommended)",
)
def test_latex_compiles(record, tmp_path):
    files = table_files(document(typed(record), None))
    tables = "".join(text for name, text in files.items() if name.endswith(".tex"))
    tables = re.sub(r"[^\x00-\x7f]", "?", tables + as_latex(HOSTILE, label="hostile"))
    (tmp_path / "t.tex").write_text(
        "\\documentclass{article}\\usepackage[T1]{fontenc}\\usepackage{booktabs,graphicx}\n"
        f"\\begin{{document}}\n{tables}\n\\end{{document}}\n"
    )
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "t.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull \\hbox" not in done.stdout  # no table is wider than the page
