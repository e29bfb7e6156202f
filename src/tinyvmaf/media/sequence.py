# SPDX-License-Identifier: Apache-2.0
"""Picture sequences: numbered pictures that are one video, such as `frame_%04d.png`.

A sequence is named by a pattern that is not a file. The input is the pattern, the output its
pictures; missing numbers in between are refused. Names of files are never read as patterns.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from tinyvmaf.errors import MediaError, UsageError

DEFAULT_RATE: Final = Fraction(25)
"""Frames per second of a raw file or a picture sequence whose frame rate is unknown."""

_PATTERN: Final = re.compile(r"%(?:0(?P<width>\d))?d")


@dataclass(frozen=True, slots=True)
class PictureSequence:
    """Numbered pictures that are shown one after the other.

    Attributes:
        first: The number of the first picture.
        n_pictures: Number of pictures.
        frame_rate: Pictures per second; None if it was not given (see `RawFormat`).
    """

    first: int
    n_pictures: int
    frame_rate: Fraction | None = None

    def __post_init__(self) -> None:
        if self.frame_rate is not None and self.frame_rate <= 0:
            raise UsageError(f"a frame rate of {self.frame_rate}: expected more than 0")

    def pictures(self, pattern: Path) -> Iterator[Path]:
        """The files, in order of showing."""
        for number in range(self.first, self.first + self.n_pictures):
            name = _PATTERN.sub(
                lambda found, n=number: f"{n:0{found['width'] or 0}d}", pattern.name
            )
            yield pattern.with_name(name)


def find_sequence(pattern: Path, *, frame_rate: Fraction | None = None) -> PictureSequence | None:
    """The sequence that `pattern` stands for; None if it is a file, or no pattern.

    Raises:
        MediaError: no picture is there, or a number is missing.
    """
    parts = list(_PATTERN.finditer(pattern.name))
    if len(parts) != 1 or pattern.exists():
        return None
    width = int(parts[0]["width"] or 0)
    before, after = pattern.name[: parts[0].start()], pattern.name[parts[0].end() :]
    numbered = re.compile(f"{re.escape(before)}([0-9]+){re.escape(after)}")
    try:
        names = [path.name for path in pattern.parent.iterdir()]
    except OSError as error:
        raise MediaError(f"{pattern}: no such picture sequence: {error.strerror}") from error
    digits = [found[1] for name in names if (found := numbered.fullmatch(name)) is not None]
    numbers = sorted(int(text) for text in digits if text == f"{int(text):0{width}d}")
    if not numbers:
        raise MediaError(f"{pattern}: no such file, and no picture of that pattern")
    first, n_pictures = numbers[0], len(numbers)
    if numbers[-1] - first + 1 != n_pictures:
        there = set(numbers)
        missing = next(number for number in range(first, numbers[-1]) if number not in there)
        raise MediaError(
            f"{pattern}: picture {missing} is missing; found {n_pictures} pictures between "
            f"{first} and {numbers[-1]}"
        )
    return PictureSequence(first, n_pictures, frame_rate)


def escaped(pattern: Path) -> str:
    """The absolute path of a pattern as ffmpeg takes it: only its name is one."""
    folder = str(pattern.absolute().parent).replace("%", "%%")
    return f"{folder.rstrip('/')}/{pattern.name}"
