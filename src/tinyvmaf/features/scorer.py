# SPDX-License-Identifier: Apache-2.0
"""Scoring one pair with libvmaf through the cache, and proving that the result is complete.

Every feature set has a cache entry of its own: what is missing is computed in one decode. Logs stay
in the cache; what travels is their keys.
"""

from collections.abc import Callable, Generator, Iterable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tinyvmaf.corpus.pair import Pair
from tinyvmaf.errors import MediaError, ToolFailed
from tinyvmaf.features.alignment import Alignment, Allowance, align
from tinyvmaf.features.cache import Cache, DamagedEntry, cache_key, hash_file
from tinyvmaf.features.engine import Engine
from tinyvmaf.features.log import Log
from tinyvmaf.features.sets import FULL, FeatureSet
from tinyvmaf.features.teacher import Teacher
from tinyvmaf.files import local_copy, working_folder
from tinyvmaf.media.frames import upright
from tinyvmaf.media.probing import count_frames, probe
from tinyvmaf.progress import SILENT, Progress, Task


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
        for logs in zip(*map(self.cache.load, self.keys.values()), strict=True):
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


@dataclass(frozen=True)
class PairScorer:
    """Scores one pair through the cache; the same object serves every thread.

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

    def score(self, pair: Pair, *, on_frame: Callable[[int], None]) -> Scored:
        """The log of `pair`, proven to be complete.

        Raises:
            TinyVmafError: the pair cannot be read, does not fit, or libvmaf did not score it all.
        """
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
        missing = [item for item in self.sets if not self._holds(keys[item], pair)]
        for item in missing:
            item.check_size(width=reference.width, height=reference.height)
        if missing:
            with working_folder() as folder:
                logs = self.engine.score(
                    pair,
                    info=reference,
                    alignment=alignment,
                    teacher=self.teacher,
                    folder=folder,
                    on_frame=on_frame,
                    sets=missing,
                )
                for item, log in zip(missing, logs, strict=True):
                    self.cache.store(keys[item], _proven(log, pair, alignment))
        log = CachedLog(self.cache, keys)
        return Scored(pair, log, alignment, content, cached=not missing)

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


@dataclass(frozen=True)
class ScorePair:
    """The work of scoring one pair, as an executor takes it; it may run in another process."""

    scorer: PairScorer
    pair: Pair

    def __call__(self, on_frame: Callable[[int], None]) -> Scored:
        """Score the pair; what there is to say comes with the result."""
        said = _Notes()
        with staged(self.pair) as pair:
            scorer = replace(self.scorer, progress=said, staged=pair != self.pair)
            found = scorer.score(pair, on_frame=on_frame)
        return replace(found, pair=self.pair, notes=tuple(said.notes))


@contextmanager
def staged(pair: Pair) -> Generator[Pair]:
    """Yield `pair` with local files: what lies in an object store is copied and removed afterwards.

    Raises:
        MediaError: the store does not hold a file.
    """
    try:
        with (
            local_copy(pair.reference.path) as reference,
            local_copy(pair.distorted.path) as distorted,
        ):
            yield replace(
                pair,
                reference=replace(pair.reference, path=reference),
                distorted=replace(pair.distorted, path=distorted),
            )
    except FileNotFoundError as error:
        raise MediaError(f"{pair.name}: no such file in the store: {error}") from error


class _Notes:
    """A progress that keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def task(self, name: str, *, total: float, unit: str) -> Task:
        return SILENT.task(name, total=total, unit=unit)

    def note(self, message: str) -> None:
        self.notes.append(message)


def _proven(log: Iterable[Log], pair: Pair, alignment: Alignment) -> Generator[Log]:
    """The parts of a log; it ends by an error if they are not all."""
    n_scored = 0
    for part in log:
        n_scored += len(next(iter(part.values())))
        yield part
    prove_complete(pair, alignment, n_scored=n_scored)


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
