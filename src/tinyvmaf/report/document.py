# SPDX-License-Identifier: Apache-2.0
"""A report as data: sections of paragraphs, tables and figures, before Markdown or HTML.

All text is plain: `markdown` and `html` escape it in different ways, so that both have the same
content and no name from a file is ever interpreted as markup.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text."""

    text: str


@dataclass(frozen=True, slots=True)
class Omitted:
    """The reason for a part that was left out."""

    text: str


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Names with their values."""

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Code:
    """A command, ready to paste."""

    text: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading; numbers are set to the right, text to the left."""

    title: str
    is_text: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; the first column names the row.

    Attributes:
        caption: Description of the table.
        columns: One for each cell of a row.
        rows, totals: Cells as they are printed; totals are below a rule.
        folded: True if a page may show it on demand only.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    totals: tuple[tuple[str, ...], ...] = ()
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart, by name, and how to read it."""

    chart: str
    caption: str


Block = Paragraph | Omitted | Bullets | Facts | Code | Table | Figure


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its blocks; `name` is its anchor in the page."""

    name: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """A number shown in a large font: its label, the number, a remark."""

    label: str
    value: str
    detail: str


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report.

    Attributes:
        title: Its name.
        headline: The result in a sentence, and its basis.
        warning: A caution that applies to the whole report; empty if none.
        figures: The few numbers to take away.
        sections: The rest.
    """

    title: str
    headline: tuple[str, str]
    warning: str
    figures: tuple[KeyFigure, ...]
    sections: tuple[Section, ...]


def columns(*titles: str, text: int = 1) -> tuple[Column, ...]:
    """Columns of which the first `text` hold text and the others numbers."""
    return tuple(Column(title, is_text=index < text) for index, title in enumerate(titles))
