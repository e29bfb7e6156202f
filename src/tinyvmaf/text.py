# SPDX-License-Identifier: Apache-2.0
"""Escaping of text that comes from files, one function for each output medium; and of numbers.

A name may contain anything: terminal codes, line ends that fake a result, bidirectional controls,
lone surrogates, markup. Unprintable characters are written as escapes, and the markup of each
medium is escaped by its own rules.
"""

import json
import math
import re
from collections.abc import Iterable
from pathlib import PurePath
from typing import Any

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_MARKUP = ("\\", "|", "`", "*", "_", "[", "]", "#", "~")
# Text that Markdown renders as links, mentions or formulas; an invisible entity prevents it.
_LINKS = {"://": ":&#47;/", "www.": "www&#46;", "@": "&#64;", "$": "&#36;"}
_FOLDED = re.compile(
    r"(?<![\w/.])(s3a?|gc?s|az|abfss?|adl|https?|memory|s?ftp|ssh|smb|hdfs|webhdfs|oss|oci):/(?=[^/\s])"
)
# A spreadsheet computes cells that begin so.
_FORMULA = frozenset("=+-@\t\r")
# All characters between these are printable; checked first, as the common case.
_PLAIN = re.compile(r"[ -~]*")


def one_line(text: object) -> str:
    """The text for terminals and messages: printable, on one line."""
    found = str(text)
    if _PLAIN.fullmatch(found) or found.isprintable():
        return found
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in found)


def unfolded(text: str) -> str:
    """`text` with both slashes in addresses: a `Path` folds `s3://b` into `s3:/b`."""
    return _FOLDED.sub(r"\1://", text)


def json_text(value: object, *, indent: int | None = None, compact: bool = False) -> str:
    """JSON for terminals and files, with JSON escapes for unprintable characters.

    Raises:
        ValueError: a number is not finite.
    """
    separators = (",", ":") if compact else None
    text = json.dumps(
        value, indent=indent, separators=separators, ensure_ascii=False, allow_nan=False
    )
    # Outside of strings, everything but line ends is printable.
    return text if text.isprintable() else "".join(map(_json_escape, text))


def script_json(value: object) -> str:
    """JSON for a script element, with all HTML markup escaped."""
    text = json_text(value, compact=True)
    for mark in "<>&":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text


def drawn(value: Any) -> Any:  # noqa: ANN401 (a chart's specification)
    """A chart's specification, data included, with all text printable, as SVG requires."""
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, dict):
        return {key: drawn(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(map(drawn, value))
    return list(map(drawn, value)) if isinstance(value, list) else value


def csv_cell(value: object) -> object:
    """A value for a CSV file: text is printable, and no formula of a spreadsheet."""
    if not isinstance(value, str | PurePath):
        return value
    cell = one_line(value)
    is_number = cell.lstrip("+-")[:1].isdecimal()
    return f"'{cell}" if cell[:1] in _FORMULA and not is_number else cell


def page(value: object) -> object:
    """The printable form of a template's value, before HTML escaping."""
    # Text marked as HTML is our own.
    return one_line(value) if type(value) is str else value


def markdown(text: object) -> str:
    """The text escaped for Markdown and its HTML, on one line."""
    plain = one_line(" ".join(str(text).split()))
    # As `html.escape` does; its module is slow to import.
    for mark, harmless in _ENTITIES.items():
        plain = plain.replace(mark, harmless)
    for mark in _MARKUP:
        plain = plain.replace(mark, "\\" + mark)
    for mark, harmless in _LINKS.items():
        plain = plain.replace(mark, harmless)
    return plain


def html_table(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A small table for notebooks, escaped."""
    import html

    lines = "".join(
        f"<tr>{''.join(f'<td>{html.escape(one_line(cell))}</td>' for cell in row)}</tr>"
        for row in rows
    )
    head = "".join(f"<th>{html.escape(one_line(title))}</th>" for title in heads)
    return f"<table><tr>{head}</tr>{lines}</table>"


def _json_escape(sign: str) -> str:
    if sign.isprintable() or sign == "\n":
        return sign
    return json.dumps(sign)[1:-1]


ABSENT = "\N{EN DASH}"
"""In place of a value that does not exist."""

_UNITLESS = frozenset({"plcc", "srocc", "krocc", "pair_accuracy"})
_CLOSEST = 1e-6
# Rounding error of a difference that is zero.
_ROUNDING = 1e-12


def number(metric: str, value: float | None) -> str:
    """A metric's value: four digits for correlations, three for VMAF points; a dash for None.

    A value close to 0, or a correlation close to 1, gets as many more digits as it takes to show
    two that differ from there; closer than a millionth to 1 it is shown as more than 0.999999.
    """
    if value is None:
        return ABSENT
    digits = 4 if metric in _UNITLESS else 3
    distance = abs(value)
    if metric in _UNITLESS and round(distance, digits) == 1:
        distance = abs(1 - distance)
        if _ROUNDING < distance < _CLOSEST:
            return f"> {1 - _CLOSEST}" if value > 0 else f"< {_CLOSEST - 1}"
    if distance > _ROUNDING:
        digits = max(digits, 1 - math.floor(math.log10(distance)))
    return f"{value:.{digits}f}"
