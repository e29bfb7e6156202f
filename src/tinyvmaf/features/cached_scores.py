# SPDX-License-Identifier: Apache-2.0
"""Cached scoring of pairs with libvmaf, and the check that logs are complete.

Every feature set has its own cache entry: missing sets are computed in one decode, which pairs of
one reference share. Logs stay in the cache; results carry their keys.
"""

from collections.abc import Generator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, closing
from dataclasses import asdict, astuple, dataclass, replace

from tinyvmaf.corpus.pair import Pair
from tinyvmaf.errors import ToolFailed
from tinyvmaf.features.cache import Cache, DamagedEntry, cache_key, hash_file
from tinyvmaf.files import working_folder
from tinyvmaf.libvmaf.engine import Engine, FfmpegEngine
from tinyvmaf.libvmaf.graph import GRAPH_VERSION
from tinyvmaf.libvmaf.logs import Log
from tinyvmaf.libvmaf.sets import FULL, FeatureSet
from tinyvmaf.libvmaf.shared_decode import Request
from tinyvmaf.libvmaf.teacher import Teacher
from tinyvmaf.media.containers import video_state
from tinyvmaf.media.probing import count_frames
from tinyvmaf.media.video import Video
from tinyvmaf.pairs.check import CHECK_VERSION, check
from tinyvmaf.pairs.checked import CheckedPair
from tinyvmaf.pairs.finding import Allowance
from tinyvmaf.pairs.proof import verify
from tinyvmaf.progress import SILENT, OnFrame, Progress


@dataclass(frozen=True, slots=True)
class CachedLog:
    """A log in the cache: the columns of all sets, with a prefix for reduced ones.

    Attributes:
        cache: The cache, shared by all logs.
        keys: Feature set -> key of its entry.
    """

    cache: Cache
    keys: Mapping[FeatureSet, str]

    def parts(self) -> Generator[Log]:
        """Yield the log in parts, one in memory at a time.

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
        cached: True if nothing had to be computed.
        remarks: The notes of its check, for the table's metadata.
        notes: Messages for the user, such as a repaired cache entry.
    """

    pair: Pair
    log: CachedLog
    content: tuple[str, str]
    cached: bool
    remarks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Ready:
    """A checked pair, and the sets that are already in the cache.

    Attributes:
        request: The sets that the cache does not hold; None if it holds all.
        content: Hashes of the reference and of the distorted video.
        keys: The cache entry of every set.
        remarks: The notes of its check.
        verdict: The key under which the cache stores the remarks.
    """

    request: Request | None
    content: tuple[str, str]
    keys: Mapping[FeatureSet, str]
    remarks: tuple[str, ...]
    verdict: str = ""


@dataclass(frozen=True)
class PairScorer:
    """Scores pairs through the cache; safe to share between threads.

    Attributes:
        engine: Runs libvmaf.
        teacher: The model that labels the frames.
        cache: Keeps all logs.
        allowed: Findings about a pair that are accepted by name.
        progress: Receives notes about damaged entries.
        sets: The feature sets to compute; without `FULL` there is no teacher's score.
        staged: True if the files are temporary copies, whose hashes are not remembered.
    """

    engine: Engine
    teacher: Teacher
    cache: Cache
    allowed: AbstractSet[Allowance] = frozenset()
    progress: Progress = SILENT
    sets: tuple[FeatureSet, ...] = (FULL,)
    staged: bool = False

    def score(self, pairs: Sequence[Pair], *, on_frame: OnFrame) -> tuple[Scored, ...]:
        """Score pairs that share one reference; every log is checked to be complete.

        Raises:
            TinyVmafError: a pair cannot be read, does not fit, or was not scored completely;
                the error may not identify the pair.
        """
        ready = [self._ready(pair) for pair in pairs]
        said = self._compute([item for item in ready if item.request is not None], on_frame)
        return tuple(
            Scored(
                pair,
                CachedLog(self.cache, item.keys),
                item.content,
                cached=item.request is None,
                remarks=(*item.remarks, *said.get(item.verdict, ())),
            )
            for pair, item in zip(pairs, ready, strict=True)
        )

    def _ready(self, pair: Pair) -> _Ready:
        content = (
            self._content(pair.reference),
            self._content(pair.distorted),
        )
        videos: dict[str, object] = {
            "reference": [content[0], repr(pair.reference.raw or pair.reference.sequence)],
            "distorted": [content[1], repr(pair.distorted.raw or pair.distorted.sequence)],
        }
        asked = {"check": CHECK_VERSION, "allowed": sorted(self.allowed)}
        verdict = cache_key({**videos, **asked, "excerpt": list(astuple(pair.excerpt))})
        known = self.cache.recall(verdict)
        if known is not None:
            # The pair was checked before: if all sets are cached, no video is opened.
            keys = self._keys(videos, known["compared"])
            if all(self._holds(key) for key in keys.values()):
                return _Ready(None, content, keys, tuple(known["remarks"]))
        checked = verify(check(pair, allowed=self.allowed), allowed=self.allowed)
        compared = _compared(checked)
        self.cache.remember(verdict, {"compared": compared, "remarks": checked.notes})
        keys = self._keys(videos, compared)
        missing = tuple(item for item in self.sets if not self._holds(keys[item], pair))
        for item in missing:
            item.check_size(width=checked.size[0], height=checked.size[1])
        request = Request(checked, missing) if missing else None
        return _Ready(request, content, keys, checked.notes, verdict)

    def _compute(
        self, missing: Sequence[_Ready], on_frame: OnFrame
    ) -> Mapping[str, tuple[str, ...]]:
        """Fill the cache, and return the notes on the videos by key of their check."""
        requests = [item.request for item in missing if item.request is not None]
        if not requests:
            return {}
        engine, said = self.engine, list[str]()
        if isinstance(engine, FfmpegEngine) and Allowance.DAMAGED in self.allowed:
            engine = replace(engine, allow_damaged=True, remarks=said)
        with working_folder() as folder:
            found = engine.score(requests, teacher=self.teacher, folder=folder, on_frame=on_frame)
            for item, request, logs in zip(missing, requests, found, strict=True):
                for each, log in zip(request.sets, logs, strict=True):
                    self.cache.store(item.keys[each], _proven(log, request.pair))
        remarks: dict[str, tuple[str, ...]] = {}
        for item, request in zip(missing, requests, strict=True):
            names = (str(request.pair.pair.reference.path), str(request.pair.pair.distorted.path))
            own = tuple(remark for remark in said if any(name in remark for name in names))
            if own:
                compared = _compared(request.pair)
                known = {"compared": compared, "remarks": [*item.remarks, *own]}
                self.cache.remember(item.verdict, known)
                remarks[item.verdict] = own
        return remarks

    def _content(self, video: Video) -> str:
        video_state(video)  # raises the error for a path that is not a file
        hashed = hash_file if self.staged else self.cache.content_hash
        if video.sequence is None:
            return hashed(video.path)
        return cache_key({"pictures": [hashed(picture) for picture in video.files]})

    def _holds(self, key: str, pair: Pair | None = None) -> bool:
        """True if the cache holds an intact entry; a damaged one is noted for `pair`."""
        try:
            return self.cache.holds(key)
        except DamagedEntry as damaged:
            if pair is not None:
                self.progress.note(f"{pair.name}: damaged cache entry {damaged}, computing again")
            return False

    def _keys(
        self, videos: Mapping[str, object], compared: Mapping[str, object]
    ) -> Mapping[FeatureSet, str]:
        """Feature set -> cache key, a hash of everything that changes its log."""
        return {
            item: cache_key(
                {
                    **videos,
                    **self._made_by(item),
                    "versions": dict(self.engine.versions),
                    "compared": compared,
                    "graph": GRAPH_VERSION,
                    "damaged": Allowance.DAMAGED in self.allowed,
                }
            )
            for item in self.sets
        }

    def _made_by(self, feature_set: FeatureSet) -> Mapping[str, object]:
        if feature_set == FULL:
            return {"teacher": self.teacher.label}
        # Features of reduced passes do not depend on the teacher.
        if not feature_set.by_libvmaf:
            return {"set": feature_set.name}
        return {"divisor": feature_set.divisor, "scaler": feature_set.scaler}


def _compared(pair: CheckedPair) -> dict[str, object]:
    """The frames that are compared and their conversions, as JSON."""
    return {
        "runs": [list(astuple(run)) for run in pair.matching.runs],
        "reference": asdict(pair.reference.conversion),
        "distorted": asdict(pair.distorted.conversion),
    }


def _proven(log: Generator[Log], pair: CheckedPair) -> Generator[Log]:
    """Yield the parts of a log; raise at the end if frames are missing."""
    n_scored = 0
    with closing(log):
        for part in log:
            n_scored += len(next(iter(part.values())))
            yield part
    prove_complete(pair, n_scored=n_scored)


def prove_complete(pair: CheckedPair, *, n_scored: int) -> None:
    """Refuse a log whose number of frames is not that of the pair.

    Raises:
        ToolFailed: libvmaf scored fewer or more; the message has the decoder's count.
    """
    if n_scored == pair.n_frames:
        return
    # The number of packets is an estimate; decoding gives the exact number of frames.
    first = pair.matching.runs[0]
    n_reference = count_frames(pair.reference.video) - first.reference
    n_distorted = count_frames(pair.distorted.video) - first.distorted
    if n_scored == n_reference == n_distorted:
        return
    raise ToolFailed(
        f"libvmaf scored {n_scored} frames, but the reference decodes to {n_reference} and the "
        f"distorted video to {n_distorted}: one of them is damaged or cut short"
    )
