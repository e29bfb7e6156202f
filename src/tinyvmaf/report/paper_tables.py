# SPDX-License-Identifier: Apache-2.0
"""The tables of a report as files for papers: CSV, and LaTeX with booktabs and graphicx.

Cells are the text that the page shows, so that a paper and the report cannot differ. Names come
from files: LaTeX's special characters are escaped, and a formula of a spreadsheet stays text.
"""

import csv
import io
from collections.abc import Iterator

from tinyvmaf.report.document import Document, Table
from tinyvmaf.text import csv_cell, one_line

FOLDER = "tables"

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    "\N{EN DASH}": "--",
    "\N{MINUS SIGN}": "$-$",
    "\N{PLUS-MINUS SIGN}": r"$\pm$",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
}


def named_tables(document: Document) -> Iterator[tuple[str, Table]]:
    """Every table with a name for its files: that of its section, numbered where it has several."""
    for section in document.sections:
        tables = [block for block in section.blocks if isinstance(block, Table)]
        for number, table in enumerate(tables, start=1):
            yield section.name if len(tables) == 1 else f"{section.name}-{number}", table


def table_files(document: Document) -> dict[str, str]:
    """Path in the run's folder -> content, for every table of the report in both formats."""
    found: dict[str, str] = {}
    for name, table in named_tables(document):
        found[f"{FOLDER}/{name}.csv"] = as_csv(table)
        found[f"{FOLDER}/{name}.tex"] = as_latex(table, label=name)
    return found


def as_csv(table: Table) -> str:
    """The table as CSV, its heading first; totals come last."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(column.title for column in table.columns)
    writer.writerows(map(csv_cell, row) for row in (*table.rows, *table.totals))
    return text.getvalue()


def as_latex(table: Table, *, label: str) -> str:
    """The table as a LaTeX `table`, no wider than the text; it needs booktabs and graphicx."""
    columns = "".join("l" if column.is_text else "r" for column in table.columns)
    lines = [
        "% needs \\usepackage{booktabs,graphicx}",
        "\\begin{table}",
        "\\centering",
        f"\\caption{{{escape(table.caption)}}}",
        f"\\label{{tab:{label}}}",
        "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%",
        f"\\begin{{tabular}}{{{columns}}}",
        "\\toprule",
        _row(column.title for column in table.columns),
        "\\midrule",
        *map(_row, table.rows),
    ]
    if table.totals:
        lines += ["\\midrule", *map(_row, table.totals)]
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}}", "\\end{table}", ""])


def escape(text: str) -> str:
    """Text for LaTeX on one line, whatever it holds."""
    plain = one_line(" ".join(text.split()))
    return "".join(_SPECIAL.get(mark, mark) for mark in plain)


def _row(cells: "Iterator[str] | tuple[str, ...]") -> str:
    # A row that begins with a bracket would be read as an argument of the rule or row before it.
    return f"{{}}{' & '.join(map(escape, cells))} \\\\"
