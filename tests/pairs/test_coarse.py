# SPDX-License-Identifier: Apache-2.0
"""Very coarse encodes of real clips: their blocks lag, which must not be called a shift."""

import subprocess

import pytest

from tinyvmaf.corpus.pair import Pair
from tinyvmaf.corpus.sample import installed_clips
from tinyvmaf.media.video import Video
from tinyvmaf.pairs.check import check
from tinyvmaf.pairs.proof import verify

pytestmark = [pytest.mark.ffmpeg, pytest.mark.slow]

N_FRAMES = 60
SCALED = "scale=w='min(iw,384)':h=-4:flags=bicubic,setsar=1,format=yuv420p"
SMALL = ("-vf", "scale=-2:144:flags=bicubic")
ENCODERS = {
    "x264 crf 51": ("a.mp4", "-c:v", "libx264", "-preset", "veryfast", "-crf", "51"),
    "x264 144p crf 45": ("b.mp4", *SMALL, "-c:v", "libx264", "-preset", "veryfast", "-crf", "45"),
    "x265 144p crf 40": (
        *("c.mp4", *SMALL, "-c:v", "libx265", "-preset", "medium", "-crf", "40"),
        *("-x265-params", "log-level=none"),
    ),
    "SVT-AV1 crf 63": ("d.mp4", "-c:v", "libsvtav1", "-preset", "12", "-crf", "63"),
    "VP9 crf 63": (
        *("e.webm", "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"),
        *("-b:v", "0", "-crf", "63"),
    ),
}


@pytest.mark.parametrize("clip", installed_clips(), ids=lambda clip: clip.stem)
def test_coarse_encodes_are_scored(clip, ffmpeg, tmp_path):
    reference = tmp_path / "r.mkv"
    run(ffmpeg.path, ["-i", clip, "-frames:v", N_FRAMES, "-vf", SCALED, "-c:v", "ffv1", reference])
    for name, (file, *options) in ENCODERS.items():
        distorted = tmp_path / file
        run(ffmpeg.path, ["-i", reference, *options, distorted])
        pair = Pair.of_files(reference=Video(reference), distorted=Video(distorted))
        found = verify(check(pair))
        assert found.n_frames == N_FRAMES, name


def run(ffmpeg, arguments):
    words = [str(word) for word in arguments]
    head = [str(ffmpeg), "-loglevel", "error", "-nostdin", "-y"]
    subprocess.run([*head, *words], check=True, capture_output=True)
