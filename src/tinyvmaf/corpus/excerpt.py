# SPDX-License-Identifier: Apache-2.0
"""The part of a pair that is compared, as options and the columns of manifests give it."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

from tinyvmaf.errors import CorpusError


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The part of a pair that is compared, in seconds of the reference.

    Attributes:
        start_s: From where on; None from its first frame on.
        duration_s: Its length; None to the end.
        reference_start_s: Where in the reference the distorted video begins; None for its start.
    """

    start_s: float | None = None
    duration_s: float | None = None
    reference_start_s: float | None = None

    @property
    def options(self) -> tuple[str, ...]:
        """The command's options that give it again."""
        return tuple(
            word
            for name, value in asdict(self).items()
            if value is not None
            for word in (f"--{name.removesuffix('_s').replace('_', '-')}", f"{value:g}")
        )

    @property
    def words(self) -> str:
        """The arguments that give it again, for messages."""
        given = {name: value for name, value in asdict(self).items() if value is not None}
        return ", ".join(f"`{name}={value:g}`" for name, value in given.items())


WHOLE: Final = Excerpt()
"""All of a pair."""

COLUMNS: Final = ("start", "duration", "reference_start")


def read_excerpt(row: Mapping[str, str]) -> Excerpt:
    """The excerpt that a row of a manifest gives in the columns of `COLUMNS`.

    Raises:
        CorpusError: a value is not a number of seconds.
    """
    if not any(row.get(name) for name in COLUMNS):
        return WHOLE
    start, duration, reference_start = (_seconds(row, name) for name in COLUMNS)
    return Excerpt(start, duration, reference_start)


def _seconds(row: Mapping[str, str], name: str) -> float | None:
    text = row.get(name) or ""
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise CorpusError(f"{name} is {text!r}, expected seconds of the reference, such as 12.48")
    return seconds
