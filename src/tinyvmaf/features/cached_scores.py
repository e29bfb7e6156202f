# SPDX-License-Identifier: Apache-2.0
"""Scoring pairs with libvmaf through the cache, and proving that the results are complete.

Every feature set has a cache entry of its own: what is missing is computed in one decode, which
pairs of one reference share. Logs stay in the cache; what travels is their keys.
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
        remarks: The notes of its check, which its table must carry.
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
    """A pair that may be scored, and what of it is in the cache.

    Attributes:
        request: The sets that the cache does not hold; None if it holds all.
        content: Hashes of the reference and of the distorted video.
        keys: The cache entry of every set.
        remarks: The notes of its check.
        verdict: Under which the cache remembers them.
    """

    request: Request | None
    content: tuple[str, str]
    keys: Mapping[FeatureSet, str]
    remarks: tuple[str, ...]
    verdict: str = ""


@dataclass(frozen=True)
class PairScorer:
    """Scores pairs through the cache; the same object serves every thread.

    Attributes:
        engine: Runs libvmaf.
        teacher: The model that labels the frames.
        cache: Keeps all logs.
        allowed: Findings about a pair that are accepted by name.
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
        verdict = cache_key({**videos, "check": CHECK_VERSION, "allowed": sorted(self.allowed)})
        known = self.cache.recall(verdict)
        if known is not None:
            # Checked before: if the cache holds all that is wanted, no video is opened.
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
        """Fill the cache; what was found about the videos meanwhile, by verdict."""
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
        video_state(video)  # tells what is wrong with something that is no file
        hashed = hash_file if self.staged else self.cache.content_hash
        if video.sequence is None:
            return hashed(video.path)
        return cache_key({"pictures": [hashed(picture) for picture in video.files]})

    def _holds(self, key: str, pair: Pair | None = None) -> bool:
        """Whether the cache holds a whole entry; a damaged one of `pair` is told."""
        try:
            return self.cache.holds(key)
        except DamagedEntry as damaged:
            if pair is not None:
                self.progress.note(f"{pair.name}: damaged cache entry {damaged}, computing again")
            return False

    def _keys(
        self, videos: Mapping[str, object], compared: Mapping[str, object]
    ) -> Mapping[FeatureSet, str]:
        """The cache entry of every set: a hash of all that changes its log."""
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
        # A reduced pass has no teacher: its features are the same whoever labels the frames.
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
    """The parts of a log; it ends by an error if they are not all."""
    n_scored = 0
    with closing(log):
        for part in log:
            n_scored += len(next(iter(part.values())))
            yield part
    prove_complete(pair, n_scored=n_scored)


def prove_complete(pair: CheckedPair, *, n_scored: int) -> None:
    """Refuse a log that has not exactly the frames of the pair.

    Raises:
        ToolFailed: libvmaf scored fewer or more; the message says how many the decoder finds.
    """
    if n_scored == pair.n_frames:
        return
    # Packets only suggest how many frames there are; the decoder knows.
    first = pair.matching.runs[0]
    n_reference = count_frames(pair.reference.video) - first.reference
    n_distorted = count_frames(pair.distorted.video) - first.distorted
    if n_scored == n_reference == n_distorted:
        return
    raise ToolFailed(
        f"libvmaf scored {n_scored} frames, but the reference decodes to {n_reference} and the "
        f"distorted video to {n_distorted}: one of them is damaged or cut short"
    )
