# SPDX-License-Identifier: Apache-2.0
import pytest

from tinyvmaf.media import index
from tinyvmaf.media.containers import open_container, video_stream
from tinyvmaf.media.index import read_index
from tinyvmaf.media.mp4 import composition_offsets
from tinyvmaf.media.video import Video

X264 = ["-c:v", "libx264", "-bf", "3", "-g", "10", "-pix_fmt", "yuv420p"]
KINDS = {
    "plain.mp4": X264,
    "front.mov": [*X264, "-movflags", "faststart"],
    "no_b.mp4": ["-c:v", "libx264", "-bf", "0", "-g", "10"],
    "negative.mp4": [*X264, "-movflags", "negative_cts_offsets"],
    "av1.mp4": ["-c:v", "libsvtav1", "-preset", "12", "-pix_fmt", "yuv420p"],
}


def of_file(path):
    video = Video(path)
    with open_container(video) as container:
        stream = video_stream(path, container)
        return read_index(video, container, stream, n_bytes=path.stat().st_size)


@pytest.mark.ffmpeg
@pytest.mark.parametrize("name", KINDS)
def test_the_containers_index_is_that_of_the_packets(name, moving, tmp_path, monkeypatch):
    path = moving(tmp_path / name, *KINDS[name], frames=90)
    own = of_file(path)
    monkeypatch.setattr(index, "_own_index", lambda *_, **__: None)
    read = of_file(path)
    assert own.from_container
    assert not read.from_container
    for field in ("packet_pts", "packet_size", "packet_flags", "packet_position", "shown"):
        assert getattr(own, field).tolist() == getattr(read, field).tolist()


@pytest.mark.ffmpeg
def test_a_list_of_offsets_that_is_wrong_is_not_believed(moving, tmp_path):
    path = moving(tmp_path / "a.mp4", *X264, frames=40)
    data = bytearray(path.read_bytes())
    place = data.index(b"ctts") + 16
    data[place : place + 4] = (int.from_bytes(data[place : place + 4]) ^ 512).to_bytes(4)
    # What is read is the packets, with the same list: they tell what ffmpeg believes.
    path.write_bytes(data)
    assert of_file(path).n_frames == 40


@pytest.mark.ffmpeg
def test_what_is_no_mp4_has_no_offsets(moving, tmp_path):
    path = moving(tmp_path / "a.mp4", *X264)
    assert len(composition_offsets(path, track=1, n_frames=8)) == 8
    assert composition_offsets(path, track=1, n_frames=9) is None
    assert composition_offsets(path, track=7, n_frames=8) is None
    whole = path.read_bytes()
    for end in range(0, len(whole), 97):
        path.write_bytes(whole[:end])
        found = composition_offsets(path, track=1, n_frames=8)
        assert found is None or len(found) == 8
    # Every box once more with bytes that mean something else.
    start = whole.index(b"moov") - 4
    for place in range(start, len(whole), 3):
        broken = bytearray(whole)
        broken[place] ^= 0xFF
        path.write_bytes(broken)
        found = composition_offsets(path, track=1, n_frames=8)
        assert found is None or len(found) == 8
