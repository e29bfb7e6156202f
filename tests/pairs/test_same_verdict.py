# SPDX-License-Identifier: Apache-2.0
"""The same verdict and the same words of a pair, whatever verb is asked."""

import pytest

import tinyvmaf as tv
from tinyvmaf.corpus.pair import Corpus, Pair
from tinyvmaf.errors import TinyVmafError
from tinyvmaf.features.cache import Cache
from tinyvmaf.features.cached_scores import PairScorer
from tinyvmaf.features.extraction import extract_pairs
from tinyvmaf.libvmaf.engine import FfmpegEngine
from tinyvmaf.libvmaf.teacher import find_teacher
from tinyvmaf.media.video import Video
from tinyvmaf.pairs.scan import scan_corpus

pytestmark = pytest.mark.ffmpeg

# What is made of the clip, as the arguments of `made`.
PAIRS = {
    "plain": {"crf": 30},
    "coarse": {"crf": 44},
    "ten bits": {"crf": 30, "options": ("-pix_fmt", "yuv420p10le")},
    "half size": {"crf": 20, "filters": ("scale=160:68",)},
    "sharpened": {"crf": 20, "filters": ("unsharp=5:5:1.5",)},
    "full range": {"filters": ("scale=out_range=full",), "options": ("-color_range", "pc")},
    "flagged interlaced": {"crf": 30, "options": ("-x264-params", "tff=1")},
    "one frame fewer": {"crf": 30, "n_frames": 29},
    "far fewer frames": {"crf": 30, "n_frames": 15},
    "shifted by 1": {"crf": 30, "first": 1},
    "shifted by 5": {"crf": 30, "first": 5},
    "first frame lacks": {"crf": 30, "first": 1, "n_frames": 29},
    "a frame dropped": {"crf": 30, "filters": ("select='not(eq(n,14))'", "setpts=N/25/TB")},
    "a frame doubled": {"crf": 30, "filters": ("loop=loop=1:size=1:start=14", "setpts=N/25/TB")},
    "frames swapped": {"crf": 24, "filters": ("shuffleframes=0 1 3 2 4 5 6 7 8 9",)},
    "twice as fast": {"crf": 30, "before": ("-r", 50)},
    "half the rate": {"crf": 30, "filters": ("framestep=2",), "n_frames": 15},
    "zoomed": {"crf": 20, "filters": ("crop=312:132", "scale=320:136:flags=bicubic")},
    "mirrored": {"crf": 20, "filters": ("hflip",)},
    "unflagged range": {
        "crf": 20,
        "filters": ("scale=in_range=limited:out_range=full", "setparams=range=limited"),
    },
}


@pytest.fixture(scope="module")
def verdicts(pristine, made, ffmpeg, tmp_path_factory):
    """The words that each verb has for each pair."""

    def pair(what, options=(), **how):
        path = made(f"verdict {what}.mp4", *options, **how)
        return Pair("clip", what, Video(pristine), Video(path))

    corpus = Corpus(pristine.parent, tuple(pair(what, **how) for what, how in PAIRS.items()))
    return {
        "score": _scored(corpus, "sampled"),
        "exact": _scored(corpus, "exact"),
        "extract": _extracted(corpus, ffmpeg, tmp_path_factory.mktemp("cache")),
        "scan": _scanned(corpus),
    }


def _scored(corpus, mode):
    found = {}
    for pair in corpus.pairs:
        try:
            score = tv.score(
                reference=pair.reference.path,
                distorted=pair.distorted.path,
                mode=mode,
                threads=1,
            )
        except TinyVmafError as error:
            found[pair.clip] = str(error)
        else:
            found[pair.clip] = [note for note in score.notes if "scored exactly" not in note]
    return found


def _extracted(corpus, ffmpeg, folder):
    scorer = PairScorer(FfmpegEngine(ffmpeg), find_teacher("vmaf_v0.6.1"), Cache(folder))
    found = extract_pairs(corpus, scorer=scorer, jobs=1)
    words = {pair.clip: [] for pair in corpus.pairs}
    for note in found.table.info.notes:
        name, _, said = note.partition(": ")
        words[name.partition("/")[2]].append(said)
    return words | {item.pair.clip: str(item.error) for item in found.failures}


def _scanned(corpus):
    found = scan_corpus(corpus)
    words = {pair.clip: [] for pair in corpus.pairs}
    for note in found.notes:
        name, _, said = note.partition(": ")
        words[name.partition("/")[2]].append(said)
    clips = {pair.distorted.path: pair.clip for pair in corpus.pairs}
    return words | {clips[item.path]: item.reason for item in found.problems}


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["exact", "extract", "scan"])
def test_every_verb_says_the_same(verb, verdicts):
    assert verdicts[verb] == verdicts["score"]


@pytest.mark.slow
def test_some_of_them_are_refused(verdicts):
    refused = [what for what, words in verdicts["scan"].items() if isinstance(words, str)]
    assert len(PAIRS) == 20
    assert refused == list(PAIRS)[8:]
