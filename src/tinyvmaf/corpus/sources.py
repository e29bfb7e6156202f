# SPDX-License-Identifier: Apache-2.0
"""Names of sources: one name for each content, so that folds do not leak.

A fold holds out a source. A reference under two names would be held out under one of them and
trained on under the other; names that look alike do the same.
"""

import unicodedata
from collections.abc import Iterable, Mapping

from tinyvmaf.errors import SplitError

References = Mapping[str, tuple[str, ...]]
"""Source -> hashes of its references' content."""


def refuse_twins(names: Iterable[str], *, references: References | None = None) -> None:
    """Refuse two names of one content.

    Args:
        names: Names of the sources.
        references: The known hashes of their references.

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
