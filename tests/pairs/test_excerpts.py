# SPDX-License-Identifier: Apache-2.0
"""Encodes of a part of a long reference, with real codecs."""

import subprocess

import pytest

import tinyvmaf as tv
from tinyvmaf.errors import MisalignedError
from tinyvmaf.media.ffmpeg import find_ffmpeg

pytestmark = pytest.mark.ffmpeg

START_S = 20.48
N_FRAMES = 100


def run(*arguments):
    command = [str(find_ffmpeg().path), "-nostdin", "-v", "error", "-y", *map(str, arguments)]
    subprocess.run(command, check=True)


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """28 seconds in which no two pictures are alike."""
    path = tmp_path_factory.mktemp("long") / "reference.mp4"
    source = "mandelbrot=size=192x108:rate=25"
    run("-f", "lavfi", "-i", source, "-frames:v", 700, "-pix_fmt", "yuv420p", "-g", 50, path)
    return path


def test_an_encode_of_a_part_is_found_and_offered(reference, tmp_path):
    part = tmp_path / "part.mp4"
    run("-ss", START_S, "-i", reference, "-frames:v", N_FRAMES, "-crf", 32, part)
    with pytest.raises(MisalignedError, match=f"`reference_start_s={START_S:.3f}`"):
        tv.score(reference=reference, distorted=part)
    found = tv.score(reference=reference, distorted=part, mode="exact", reference_start_s=START_S)
    assert len(found.frame_scores) == N_FRAMES


def test_a_part_of_another_film_is_not_offered(reference, tmp_path):
    other = tmp_path / "other.mp4"
    source = "life=size=192x108:rate=25:seed=3:mold=10"
    run("-f", "lavfi", "-i", source, "-frames:v", N_FRAMES, "-pix_fmt", "yuv420p", other)
    with pytest.raises(MisalignedError) as raised:
        tv.score(reference=reference, distorted=other)
    assert "reference_start_s" not in str(raised.value)
