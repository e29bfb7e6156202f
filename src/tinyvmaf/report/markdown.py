# SPDX-License-Identifier: Apache-2.0
"""A report in Markdown. Names from files are always shown as text."""

from collections.abc import Iterable, Mapping, Sequence

from tinyvmaf.report.chart import Chart
from tinyvmaf.report.document import (
    Block,
    Bullets,
    Code,
    Document,
    Facts,
    Figure,
    Omitted,
    Paragraph,
    Section,
    Table,
)
from tinyvmaf.text import markdown as escape
from tinyvmaf.text import one_line


def markdown(document: Document, charts: Mapping[str, Chart], *, pictures: str) -> str:
    """The whole report; `pictures` is the folder that holds the charts' PNG files."""
    result, basis = document.headline
    parts = [f"# {escape(document.title)}"]
    if document.warning:
        parts.append(f"> **{escape(document.warning)}**")
    parts.append(f"**{escape(result)}** {escape(basis)}")
    for section in document.sections:
        parts += _section(section, charts, pictures)
    return "\n\n".join(parts) + "\n"


def _section(section: Section, charts: Mapping[str, Chart], pictures: str) -> list[str]:
    blocks = [_block(block, charts, pictures) for block in section.blocks]
    return [f"## {escape(section.title)}", *blocks]


def _block(block: Block, charts: Mapping[str, Chart], pictures: str) -> str:
    match block:
        case Paragraph(words):
            written = escape(words)
        case Omitted(words):
            written = f"*{escape(words)}*"
        case Bullets(items):
            written = "\n".join(f"- {escape(item)}" for item in items)
        case Facts(items):
            written = _table(("", ""), ("---", "---"), items)
        case Code(words):
            fence = "`" * max(3, _longest_run(words, "`") + 1)
            written = f"{fence}sh\n{one_line(words)}\n{fence}"
        case Table():
            marks = ["---" if column.is_text else "---:" for column in block.columns]
            titles = [column.title for column in block.columns]
            written = _table(titles, marks, (*block.rows, *block.totals))
        case Figure(name, caption):
            picture = f"![{escape(charts[name].alt)}]({pictures}/{name}.png)"
            written = f"{picture}\n\n*{escape(caption)}*"
    return written


def _table(titles: Sequence[str], marks: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    found = [map(escape, titles), marks, *(map(escape, row) for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in found)


def _longest_run(text: str, mark: str) -> int:
    longest = length = 0
    for character in text:
        length = length + 1 if character == mark else 0
        longest = max(longest, length)
    return longest
