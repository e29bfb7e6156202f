# SPDX-License-Identifier: Apache-2.0
import json
from pathlib import Path

import pytest

from tinyvmaf.corpus.pair import Corpus, Pair
from tinyvmaf.features.cache import Cache
from tinyvmaf.features.cached_scores import PairScorer
from tinyvmaf.features.extraction import extract_pairs
from tinyvmaf.libvmaf.engine import FfmpegEngine
from tinyvmaf.libvmaf.teacher import find_teacher
from tinyvmaf.media.ffmpeg import run_ffmpeg
from tinyvmaf.media.video import Video


class Watcher:
    """A progress that remembers what it was told."""

    def __init__(self):
        self.notes = []
        self.total = None
        self.done = 0
        self.finished = 0

    def task(self, name, *, total, unit):
        self.total = total
        return self

    def note(self, message):
        self.notes.append(message)

    def advance(self, amount):
        assert amount >= 0
        self.done += amount

    def finish(self):
        self.finished += 1


@pytest.fixture
def watcher():
    return Watcher()


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Where the videos of these tests lie; nothing in it is changed once it is made."""
    return tmp_path_factory.mktemp("videos")


@pytest.fixture(scope="session")
def reference(folder, moving):
    """A lossless 8-bit reference of 8 frames."""
    return moving(folder / "reference.mkv", "-c:v", "ffv1")


@pytest.fixture(scope="session")
def distorted(folder, reference, make_video):
    """A coarse encode of the reference."""
    return make_video(folder / "low.mp4", "-i", reference, "-c:v", "libx264", "-crf", "38")


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory):
    return Cache(tmp_path_factory.mktemp("shared-cache"))


@pytest.fixture
def score(ffmpeg, shared_cache, watcher):
    """Extract one pair, or a corpus; returns the extraction."""

    def score(
        *pairs,
        teacher="vmaf_v0.6.1",
        cache=shared_cache,
        allowed=(),
        feature_set="canonical6",
        engine=None,
        jobs=2,
    ):
        as_pairs = tuple(
            pair
            if isinstance(pair, Pair)
            else Pair("source", f"clip{number}", _video(pair[0]), _video(pair[1]))
            for number, pair in enumerate(pairs)
        )
        scorer = PairScorer(
            engine=engine or FfmpegEngine(ffmpeg),
            teacher=find_teacher(teacher),
            cache=cache,
            allowed=frozenset(allowed),
            progress=watcher,
        )
        corpus = Corpus(Path("corpus"), as_pairs)
        return extract_pairs(
            corpus, scorer=scorer, feature_set=feature_set, jobs=jobs, progress=watcher
        )

    return score


def _video(item):
    return item if isinstance(item, Video) else Video(item)


@pytest.fixture(scope="session")
def bare_log(ffmpeg, tmp_path_factory):
    """What libvmaf itself logs as JSON for a pair, by the plainest command that makes it.

    Even that must number the frames: at 30000/1001 fps Matroska's milliseconds and MP4's ticks
    round apart, and ffmpeg then scores 9 frames of 8.
    """
    number = "settb=AVTB,setpts=N*40000"

    def log(reference, distorted, model="version=vmaf_v0.6.1"):
        where = tmp_path_factory.mktemp("bare")
        numbered = f"[0:v]{number}[d];[1:v]{number}[r];[d][r]"
        graph = f"{numbered}libvmaf=log_fmt=json:log_path=log.json:model={model}"
        inputs = ["-i", str(distorted), "-i", str(reference)]
        run_ffmpeg(ffmpeg.path, [*inputs, "-lavfi", graph, "-f", "null", "-"], cwd=where)
        return [
            frame["metrics"] for frame in json.loads((where / "log.json").read_text())["frames"]
        ]

    return log
