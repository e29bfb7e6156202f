# SPDX-License-Identifier: Apache-2.0
"""The only way out for text that files hold: one function for each medium.

A name may be anything: terminal codes, line ends that fake a result, marks that turn the direction
of reading, half characters, markup. Whatever is no printable character is written as an escape;
what else a medium would take for more than text is made harmless in the medium's own way.
"""

import html
import json
import re
from typing import Any

_MARKUP = ("\\", "|", "`", "*", "_", "[", "]", "#", "~")
# What a reader of Markdown makes links, mentions or formulas of: an entity stops it, unseen.
_LINKS = {"://": ":&#47;/", "www.": "www&#46;", "@": "&#64;", "$": "&#36;"}
_FOLDED = re.compile(
    r"\b(s3a?|gc?s|az|abfss?|adl|https?|memory|s?ftp|ssh|smb|hdfs|webhdfs|oss|oci):/(?=[^/\s])"
)
# Between these, all is printable: asked first, because it is the rule.
_PLAIN = re.compile(r"[ -~]*")


def one_line(text: object) -> str:
    """For a terminal and for messages: printable, on one line."""
    found = str(text)
    if _PLAIN.fullmatch(found) or found.isprintable():
        return found
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in found)


def unfolded(text: str) -> str:
    """`text` with addresses as people write them: a `Path` folds `s3://b` into `s3:/b`."""
    return _FOLDED.sub(r"\1://", text)


def json_text(value: object, *, indent: int | None = None, compact: bool = False) -> str:
    """JSON in UTF-8, for a terminal and for files: what is not printable is a JSON escape.

    Raises:
        ValueError: a number is not finite.
    """
    separators = (",", ":") if compact else None
    text = json.dumps(
        value, indent=indent, separators=separators, ensure_ascii=False, allow_nan=False
    )
    # Outside of strings all is printable but for line ends.
    return text if text.isprintable() else "".join(map(_json_escape, text))


def script_json(value: object) -> str:
    """JSON inside a script element: no HTML parser takes any of it for markup."""
    text = json_text(value, compact=True)
    for mark in "<>&":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text


def drawn(value: Any) -> Any:  # noqa: ANN401 (a chart's specification)
    """A chart's specification with every text in it printable, as SVG needs; its data, too."""
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, dict):
        return {key: drawn(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(map(drawn, value))
    return list(map(drawn, value)) if isinstance(value, list) else value


def page(value: object) -> object:
    """What a template writes into HTML, before its own escaping."""
    # What is marked as HTML is ours.
    return one_line(value) if type(value) is str else value


def markdown(text: object) -> str:
    """Harmless in Markdown and in the HTML that it becomes; on one line."""
    plain = html.escape(one_line(" ".join(str(text).split())), quote=False)
    for mark in _MARKUP:
        plain = plain.replace(mark, "\\" + mark)
    for mark, harmless in _LINKS.items():
        plain = plain.replace(mark, harmless)
    return plain


def _json_escape(sign: str) -> str:
    if sign.isprintable() or sign == "\n":
        return sign
    return json.dumps(sign)[1:-1]
