# SPDX-License-Identifier: Apache-2.0
"""A report as data: sections of paragraphs, tables and figures, before Markdown or HTML.

All text is plain: who writes it down (`markdown`, `html`) escapes it in its own way, so that both
say the same and no name from a file is ever taken for markup.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text."""

    text: str


@dataclass(frozen=True, slots=True)
class Omitted:
    """Why something that one would look for here is not here."""

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
        caption: What the table shows.
        columns: One for each cell of a row.
        rows, totals: Cells as they are printed; totals stand below a rule.
        folded: Whether a page may show it on demand only.
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
    """A heading and what stands under it; `name` is its address in the page."""

    name: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """A number worth a large font: what it is, the number, what to know about it."""

    label: str
    value: str
    detail: str


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report.

    Attributes:
        title: Its name.
        headline: The result in a sentence, and what it rests on.
        warning: What a reader must know before believing anything below; empty if nothing.
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
