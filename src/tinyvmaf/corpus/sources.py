# SPDX-License-Identifier: Apache-2.0
"""Names of sources: one content has one name, or folds would leak.

A source is what a fold holds out. One reference under two names would be held out under the one and
trained on under the other; so would names that look alike.
"""

import unicodedata
from collections.abc import Iterable, Mapping

from tinyvmaf.errors import SplitError

References = Mapping[str, tuple[str, ...]]
"""Source -> hashes of its references' content."""


def refuse_twins(names: Iterable[str], *, references: References | None = None) -> None:
    """Refuse two names of one content.

    Args:
        names: Of the sources.
        references: What is known of their references.

    Raises:
        SplitError: two names differ by blanks or by the encoding of their characters only, or two
            sources have one reference.
    """
    alike: dict[str, str] = {}
    for name in sorted(names):
        first = alike.setdefault(" ".join(unicodedata.normalize("NFC", name).split()), name)
        if first != name:
            raise _leak(first, name, "differ by blanks or by the encoding of their characters only")
    owners: dict[str, str] = {}
    for name, hashes in sorted((references or {}).items()):
        for content in hashes:
            first = owners.setdefault(content, name)
            if first != name:
                raise _leak(first, name, f"have the same reference (content {content[:12]})")


def _leak(one: str, other: str, why: str) -> SplitError:
    return SplitError(
        f"sources {one!r} and {other!r} {why}; a fold would be trained on what it holds out: "
        "give one content one name"
    )
