# SPDX-License-Identifier: Apache-2.0
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from tinyvmaf.media.ffmpeg import find_ffmpeg, run_ffmpeg
from tinyvmaf.media.pictures import look
from tinyvmaf.media.small_pictures import Closer, all_pictures
from tinyvmaf.media.video import Video
from tinyvmaf.process.isolation import ask

FEW, MANY = 40, 160
# A picture of 1280x720 takes 1.4 MB, and 120 of them 166 MB.
MOST_MB = 60


def highest_mb() -> float:
    """The most memory that this process has taken; that of its parent does not count."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def thumbnails_mb(video: Video, n_frames: int) -> float:
    assert len(look(video, n_frames=n_frames).thumbnails) == n_frames
    return highest_mb()


def small_pictures_mb(video: Video, n_frames: int) -> float:
    assert len(all_pictures(video, Closer()).pictures) == n_frames
    return highest_mb()


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the high water mark")
def test_pictures_that_were_seen_take_no_memory(tmp_path: Path) -> None:
    encoder = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]
    for n_frames in (FEW, MANY):
        source = f"color=gray:size=1280x720:rate=25,trim=end_frame={n_frames}"
        path = str(tmp_path / f"{n_frames}.mp4")
        run_ffmpeg(find_ffmpeg().path, ["-f", "lavfi", "-i", source, *encoder, path])
    for function in (small_pictures_mb, thumbnails_mb):
        few, many = (ask(function, Video(tmp_path / f"{n}.mp4"), n) for n in (FEW, MANY))
        assert many - few < MOST_MB, function.__name__


@pytest.mark.ffmpeg
@pytest.mark.parametrize("matrix", ["bt601", "bt709"])
def test_rgb_has_the_luma_of_the_matrix_that_is_asked_for(tmp_path: Path, matrix: str) -> None:
    colours = "gradients=size=320x180:nb_colors=2:c0=0x323cf0:c1=0x8cff64:seed=1,format=gbrp"
    to_yuv = f"scale=out_color_matrix={matrix}:out_range=limited,format=yuv444p"
    lossless = ["-frames:v", "3", "-c:v", "ffv1"]
    found = []
    for name, filters in (("rgb.mkv", colours), ("yuv.mkv", f"{colours},{to_yuv}")):
        path = tmp_path / name
        run_ffmpeg(find_ffmpeg().path, ["-f", "lavfi", "-i", filters, *lossless, str(path)])
        found.append(all_pictures(Video(path), Closer(matrix=matrix)).pictures.astype(int))
    assert found[0].shape == found[1].shape == (3, 96 * 54)
    assert np.ptp(found[0]) > 100
    assert np.abs(found[0] - found[1]).max() <= 1
