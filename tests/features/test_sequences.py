# SPDX-License-Identifier: Apache-2.0
import pytest

from tinyvmaf.corpus.pair import Pair
from tinyvmaf.features.cache import open_cache
from tinyvmaf.features.cached_scores import PairScorer
from tinyvmaf.libvmaf.engine import FfmpegEngine
from tinyvmaf.libvmaf.teacher import Teacher
from tinyvmaf.media.video import Video, as_video
from tinyvmaf.pairs.finding import Allowance

pytestmark = pytest.mark.ffmpeg


def test_every_picture_of_a_sequence_is_in_the_key(ffmpeg, moving, tmp_path):
    distorted = Video(moving(tmp_path / "d.mkv", "-c:v", "ffv1", frames=4))
    pattern = tmp_path / "p" / "%02d.png"
    pattern.parent.mkdir()
    for number in range(4):
        made = moving(tmp_path / "made.png", "-vf", f"hue=h={number}", frames=1)
        made.rename(pattern.with_name(f"{number:02d}.png"))
    scorer = PairScorer(
        engine=FfmpegEngine(ffmpeg),
        teacher=Teacher("vmaf_v0.6.1"),
        cache=open_cache(tmp_path / "cache"),
        allowed=frozenset(Allowance),
    )

    def cached():
        pair = Pair.of_files(reference=as_video(pattern, None), distorted=distorted)
        (scored,) = scorer.score([pair], on_frame=lambda _: None)
        return scored.cached

    assert [cached(), cached()] == [False, True]
    moving(tmp_path / "made.png", "-vf", "negate", frames=1).rename(pattern.with_name("03.png"))
    assert [cached(), cached()] == [False, True]
