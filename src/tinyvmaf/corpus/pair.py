# SPDX-License-Identifier: Apache-2.0
"""A corpus: pairs of a reference and a distorted video, and the files that form no pair."""

from dataclasses import dataclass
from pathlib import Path

from tinyvmaf.corpus.excerpt import WHOLE, Excerpt
from tinyvmaf.media.video import Video


@dataclass(frozen=True, slots=True)
class Pair:
    """A distorted clip and its reference.

    Attributes:
        source: Name of the content; everything made from one content shares it.
        clip: Name of the distorted version, unique within its source.
        mos: Mean opinion score, if the corpus has one.
        excerpt: The part that is compared.
    """

    source: str
    clip: str
    reference: Video
    distorted: Video
    mos: float | None = None
    excerpt: Excerpt = WHOLE

    @classmethod
    def of_files(cls, *, reference: Video, distorted: Video) -> "Pair":
        """The pair of two videos outside any corpus, named after their files."""
        return cls(reference.path.stem, distorted.path.stem, reference, distorted)

    @property
    def name(self) -> str:
        """The name in messages: `source/clip`."""
        return f"{self.source}/{self.clip}"


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that forms no pair, and the reason."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Corpus:
    """The pairs under a root, sorted by source and clip, and the files that form none."""

    root: Path
    pairs: tuple[Pair, ...]
    problems: tuple[Problem, ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the sources, sorted."""
        return tuple(sorted({pair.source for pair in self.pairs}))
