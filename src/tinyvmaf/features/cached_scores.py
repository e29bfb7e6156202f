# SPDX-License-Identifier: Apache-2.0
"""Scoring pairs with libvmaf through the cache, and proving that the results are complete.

Every feature set has a cache entry of its own: what is missing is computed in one decode, which
pairs of one reference share. Logs stay in the cache; what travels is their keys.
"""

from collections.abc import Generator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

from tinyvmaf.corpus.pair import Pair
from tinyvmaf.errors import ToolFailed
from tinyvmaf.features.cache import Cache, DamagedEntry, cache_key, hash_file
from tinyvmaf.files import working_folder
from tinyvmaf.libvmaf.engine import Engine
from tinyvmaf.libvmaf.logs import Log
from tinyvmaf.libvmaf.sets import FULL, FeatureSet
from tinyvmaf.libvmaf.shared_decode import Comparison
from tinyvmaf.libvmaf.teacher import Teacher
from tinyvmaf.media.pictures import upright
from tinyvmaf.media.probing import count_frames, probe
from tinyvmaf.pairs.alignment import Alignment, Allowance, align
from tinyvmaf.progress import SILENT, OnFrame, Progress


@dataclass(frozen=True, slots=True)
class CachedLog:
    """A log in the cache: the columns of all sets, those of reduced ones with their prefix.

    Attributes:
        cache: Shared by all who have this.
        keys: The entry of every set.
    """

    cache: Cache
    keys: Mapping[FeatureSet, str]

    def parts(self) -> Generator[Log]:
        """Read it, a part in memory at a time.

        Raises:
            UsageError: an entry was removed or damaged meanwhile.
        """
        prefixes = [item.prefix for item in self.keys]
        with ExitStack() as opened:
            entries = [
                opened.enter_context(closing(self.cache.load(key))) for key in self.keys.values()
            ]
            for logs in zip(*entries, strict=True):
                yield {
                    prefix + name: column
                    for prefix, log in zip(prefixes, logs, strict=True)
                    for name, column in log.items()
                }


@dataclass(frozen=True, slots=True)
class Scored:
    """A pair with its log.

    Attributes:
        content: Hashes of the reference and of the distorted video.
        cached: Whether nothing had to be computed.
        notes: What a user should hear, such as a repaired cache entry.
    """

    pair: Pair
    log: CachedLog
    alignment: Alignment
    content: tuple[str, str]
    cached: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Ready:
    """A pair that can be compared, and what of it is in the cache.

    Attributes:
        comparison: All of what the cache does not hold.
        content: Hashes of the reference and of the distorted video.
        keys: The cache entry of every set.
    """

    comparison: Comparison
    content: tuple[str, str]
    keys: Mapping[FeatureSet, str]


@dataclass(frozen=True)
class PairScorer:
    """Scores pairs through the cache; the same object serves every thread.

    Attributes:
        engine: What runs libvmaf.
        teacher: The model that labels the frames.
        cache: Where logs are kept.
        allowed: What the user accepts by name.
        progress: Told of damaged entries.
        sets: The feature sets to compute; without `FULL` there is no teacher's score.
        staged: Whether the files are copies that go away: their hashes are not worth remembering.
    """

    engine: Engine
    teacher: Teacher
    cache: Cache
    allowed: AbstractSet[Allowance] = frozenset()
    progress: Progress = SILENT
    sets: tuple[FeatureSet, ...] = (FULL,)
    staged: bool = False

    def score(self, pairs: Sequence[Pair], *, on_frame: OnFrame) -> tuple[Scored, ...]:
        """The logs of pairs that share one reference, each proven to be complete.

        Raises:
            TinyVmafError: a pair cannot be read, does not fit, or libvmaf did not score it all.
                Which one it is may not be known.
        """
        ready = [self._ready(pair) for pair in pairs]
        missing = [item for item in ready if item.comparison.sets]
        if missing:
            self._compute(missing, on_frame)
        return tuple(
            Scored(
                pair,
                CachedLog(self.cache, item.keys),
                item.comparison.alignment,
                item.content,
                cached=not item.comparison.sets,
            )
            for pair, item in zip(pairs, ready, strict=True)
        )

    def _ready(self, pair: Pair) -> _Ready:
        reference, distorted = probe(pair.reference), probe(pair.distorted)
        if (reference.width > reference.height) != (distorted.width > distorted.height):
            # One may lie on its side with a note to show it upright, which ffmpeg obeys.
            reference, distorted = upright(pair.reference), upright(pair.distorted)
        if reference.n_frames != distorted.n_frames:
            # Packets only suggest how many frames there are; the decoder knows.
            reference = replace(reference, n_frames=count_frames(pair.reference))
            distorted = replace(distorted, n_frames=count_frames(pair.distorted))
        alignment = align(reference=reference, distorted=distorted, allowed=self.allowed)
        content = (
            self._content(pair.reference.path),
            self._content(pair.distorted.path),
        )
        keys = {item: self._key(pair, content, alignment, item) for item in self.sets}
        missing = tuple(item for item in self.sets if not self._holds(keys[item], pair))
        for item in missing:
            item.check_size(width=reference.width, height=reference.height)
        return _Ready(Comparison(pair, reference, alignment, missing), content, keys)

    def _compute(self, missing: Sequence[_Ready], on_frame: OnFrame) -> None:
        comparisons = [item.comparison for item in missing]
        with working_folder() as folder:
            found = self.engine.score(
                comparisons, teacher=self.teacher, folder=folder, on_frame=on_frame
            )
            for item, logs in zip(missing, found, strict=True):
                for each, log in zip(item.comparison.sets, logs, strict=True):
                    self.cache.store(item.keys[each], _proven(log, item.comparison))

    def _content(self, path: Path) -> str:
        return hash_file(path) if self.staged else self.cache.content_hash(path)

    def _holds(self, key: str, pair: Pair) -> bool:
        try:
            return self.cache.holds(key)
        except DamagedEntry as damaged:
            self.progress.note(f"{pair.name}: damaged cache entry {damaged}, computing again")
            return False

    def _key(
        self, pair: Pair, content: tuple[str, str], alignment: Alignment, feature_set: FeatureSet
    ) -> str:
        # A cheaper pass has no teacher: its features are the same whoever labels the frames.
        made_by: dict[str, object] = {"teacher": self.teacher.label}
        if feature_set != FULL:
            made_by = {"divisor": feature_set.divisor, "scaler": feature_set.scaler}
        if not feature_set.by_libvmaf:
            made_by = {"set": feature_set.name}
        return cache_key(
            {
                "reference": [content[0], repr(pair.reference.raw)],
                "distorted": [content[1], repr(pair.distorted.raw)],
                **made_by,
                "versions": dict(self.engine.versions),
                "n_frames": alignment.n_frames,
                "scale": alignment.scale,
                "pix_fmt": alignment.pix_fmt,
                "color_range": alignment.color_range,
            }
        )


def _proven(log: Generator[Log], comparison: Comparison) -> Generator[Log]:
    """The parts of a log; it ends by an error if they are not all."""
    n_scored = 0
    with closing(log):
        for part in log:
            n_scored += len(next(iter(part.values())))
            yield part
    prove_complete(comparison.pair, comparison.alignment, n_scored=n_scored)


def prove_complete(pair: Pair, alignment: Alignment, *, n_scored: int) -> None:
    """Refuse a log that has not exactly the frames that the pair has.

    Raises:
        ToolFailed: libvmaf scored fewer or more; the message says what the decoder finds.
    """
    if n_scored == alignment.n_frames:
        return
    # Packets only suggest how many frames there are; the decoder knows.
    n_reference = count_frames(pair.reference) - alignment.skip_reference
    n_distorted = count_frames(pair.distorted) - alignment.skip_distorted
    if n_scored == n_reference == n_distorted:
        return
    raise ToolFailed(
        f"libvmaf scored {n_scored} frames, but the reference decodes to {n_reference} and the "
        f"distorted video to {n_distorted}: one of them is damaged or cut short"
    )
