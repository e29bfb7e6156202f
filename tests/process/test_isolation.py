# SPDX-License-Identifier: Apache-2.0
import os
import struct

import pytest

from tinyvmaf.errors import MediaError, ToolFailed
from tinyvmaf.media.pictures import beginning, frame_times, look
from tinyvmaf.media.probing import count_frames, probe
from tinyvmaf.media.video import Video
from tinyvmaf.process import isolation as apart
from tinyvmaf.process.isolation import LONG_INDEX_BYTES, has_long_index, look_at


def box(kind, n_bytes, *, wide=False):
    if wide:
        return struct.pack(">I4sQ", 1, kind, n_bytes) + bytes(n_bytes - 16)
    return struct.pack(">I4s", n_bytes, kind) + bytes(n_bytes - 8)


@pytest.mark.parametrize(
    ("boxes", "is_long"),
    [
        ([box(b"ftyp", 24), box(b"mdat", 999), box(b"moov", LONG_INDEX_BYTES + 1)], True),
        ([box(b"ftyp", 24), box(b"mdat", 999, wide=True), box(b"moov", LONG_INDEX_BYTES)], False),
        ([box(b"ftyp", 24), box(b"moov", 500), *[box(b"moof", 40_000), box(b"mdat", 9)] * 9], True),
        ([box(b"ftyp", 24), box(b"moov", LONG_INDEX_BYTES + 1)[:-1]], True),
        ([box(b"ftyp", 24), bytes(LONG_INDEX_BYTES)], False),
        ([box(b"RIFF", 24), box(b"moov", LONG_INDEX_BYTES + 1)], False),
        ([b"ftyp"], False),
        ([struct.pack(">I4s", 0, b"mdat"), bytes(999)], False),
    ],
)
def test_a_long_index_is_told_from_the_boxes(tmp_path, boxes, is_long):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"".join(boxes))
    assert has_long_index(path) is is_long


def test_a_missing_file_has_no_index(tmp_path):
    assert not has_long_index(tmp_path / "none.mp4")


@pytest.fixture
def every_index_is_long(monkeypatch):
    monkeypatch.setattr(apart, "LONG_INDEX_BYTES", 1)


@pytest.mark.ffmpeg
def test_what_is_seen_apart_is_what_is_seen_here(tmp_path, moving, monkeypatch):
    here, there = (
        Video(moving(tmp_path / name, "-c:v", "libx264", frames=12)) for name in ("a.mp4", "b.mp4")
    )
    seen = [probe(here), beginning(here), look(here, n_frames=9), count_frames(here)]
    times = frame_times(here)
    monkeypatch.setattr(apart, "LONG_INDEX_BYTES", 1)
    found = [probe(there), beginning(there), look(there, n_frames=9), count_frames(there)]
    assert (found[0], found[1].info, found[1].first, found[3]) == (
        seen[0],
        seen[0],
        seen[1].first,
        12,
    )
    for index, part in ((1, "look"), (2, None)):
        ours, theirs = (item[index] if part is None else item[index].look for item in (seen, found))
        assert ours.thumbnails.tolist() == theirs.thumbnails.tolist()
        assert ours.detail == theirs.detail
    assert frame_times(there).tolist() == times.tolist()


@pytest.mark.ffmpeg
def test_an_error_comes_back_as_it_is(tmp_path, make_video, every_index_is_long):
    path = make_video(tmp_path / "a.mp4", "-f", "lavfi", "-i", "sine=duration=0.2")
    with pytest.raises(MediaError) as caught:
        probe(Video(path))
    assert str(caught.value) == f"{path}: holds no video stream, only audio"


def test_a_process_without_an_answer_is_an_error(tmp_path, every_index_is_long):
    path = tmp_path / "a.mp4"
    path.write_bytes(box(b"moov", 16))
    with pytest.raises(ToolFailed, match="failed with exit status 3"):
        look_at(path, os._exit, 3)
