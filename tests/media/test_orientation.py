# SPDX-License-Identifier: Apache-2.0
from itertools import product

import numpy as np
import pytest

from tinyvmaf.media.ffmpeg import run_ffmpeg
from tinyvmaf.media.orientation import UPRIGHT, Orientation, read_matrix
from tinyvmaf.media.pictures import first_frame
from tinyvmaf.media.video import Video

ALL = [Orientation(*values) for values in product((False, True), repeat=3)]


@pytest.mark.ffmpeg
@pytest.mark.parametrize("orientation", ALL, ids=str)
def test_filters_and_arrays_do_the_same(ffmpeg, tmp_path, orientation):
    stored = np.arange(6 * 4, dtype=np.uint8).reshape(4, 6)
    (tmp_path / "in").write_bytes(stored.tobytes())
    raw = ["-f", "rawvideo", "-pixel_format", "gray", "-video_size", "6x4"]
    graph = ",".join(orientation.filters) or "null"
    run_ffmpeg(
        ffmpeg.path,
        [*raw, "-i", str(tmp_path / "in"), "-vf", graph, "-f", "rawvideo", str(tmp_path / "out")],
    )
    shown = orientation.show(stored)
    assert (tmp_path / "out").read_bytes() == shown.tobytes()


@pytest.mark.ffmpeg
@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("mirror", [[], ["-display_hflip"], ["-display_vflip"]], ids=str)
def test_ours_is_what_ffmpeg_would_do_by_itself(ffmpeg, moving, make_video, tmp_path, turn, mirror):
    upright = moving(tmp_path / "upright.mp4", "-c:v", "libx264", frames=1, size="64x48")
    matrix = ["-display_rotation", turn, *mirror]
    turned = make_video(tmp_path / "turned.mp4", *matrix, "-i", upright, "-c", "copy")
    orientation = first_frame(Video(turned)).orientation
    by_itself = tmp_path / "by_itself.yuv"
    run_ffmpeg(ffmpeg.path, ["-i", str(turned), "-f", "rawvideo", str(by_itself)])
    ours = tmp_path / "ours.yuv"
    graph = ",".join(orientation.filters) or "null"
    run_ffmpeg(
        ffmpeg.path, ["-noautorotate", "-i", str(turned), "-vf", graph, "-f", "rawvideo", str(ours)]
    )
    assert ours.read_bytes() == by_itself.read_bytes()


@pytest.mark.parametrize(
    ("orientation", "words"),
    [
        (UPRIGHT, ""),
        (Orientation(mirrored=True), "mirrored"),
        (Orientation(flipped=True), "mirrored and turned by 180 degrees"),
        (Orientation(mirrored=True, flipped=True), "turned by 180 degrees"),
        (Orientation(transposed=True, flipped=True), "turned by 90 degrees"),
        (Orientation(transposed=True, mirrored=True), "turned by 270 degrees"),
        (Orientation(transposed=True), "mirrored and turned by 90 degrees"),
    ],
    ids=str,
)
def test_words(orientation, words):
    assert orientation.words == words


def test_a_slant_is_no_orientation():
    slant = np.array([46340, -46340, 0, 46340, 46340, 0, 0, 0, 1 << 30], dtype=np.int32)
    assert read_matrix(slant.tobytes()) is None
