# SPDX-License-Identifier: Apache-2.0
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyvmaf.media.containers import file_state
from tinyvmaf.media.index import KEPT, NO_TIME, FrameIndex
from tinyvmaf.media.probing import frame_index, probe
from tinyvmaf.media.video import RawFormat, Video

KINDS = {
    "open.mp4": ["-c:v", "libx264", "-g", "12", "-x264-params", "open-gop=1:scenecut=0"],
    "closed.mkv": ["-c:v", "libx264", "-g", "10", "-bf", "3"],
    "stream.ts": ["-c:v", "libx264", "-g", "10"],
    "fragments.mp4": ["-c:v", "libx264", "-g", "10", "-movflags", "frag_keyframe+empty_moov"],
    "mezzanine.mov": ["-c:v", "prores_ks", "-pix_fmt", "yuv422p10le"],
    "lossless.avi": ["-c:v", "ffv1"],
    "picture.y4m": ["-pix_fmt", "yuv420p"],
}


def of_packets(stamps, *, hidden=()):
    """An index of packets with such time stamps, in order of decoding."""
    stamps = np.array([NO_TIME if stamp is None else stamp for stamp in stamps], np.int64)
    flags = np.array([4 * (i in hidden) for i in range(len(stamps))], np.uint8)
    shown = np.flatnonzero(flags == 0)
    return FrameIndex(
        time_base=Fraction(1, 25),
        packet_pts=stamps,
        packet_size=np.full(len(stamps), 10, np.uint32),
        packet_flags=flags,
        packet_position=np.arange(len(stamps)),
        shown=shown[np.argsort(stamps[shown], kind="stable")].astype(np.int32),
    )


@pytest.fixture(scope="module")
def videos(tmp_path_factory, moving):
    folder = tmp_path_factory.mktemp("index")
    return {
        name: moving(folder / name, "-pix_fmt", "yuv420p", *how, frames=37)
        for name, how in KINDS.items()
    }


@pytest.mark.parametrize("name", KINDS)
def test_the_index_lists_what_the_decoder_shows(videos, name):
    import av

    index = frame_index(Video(videos[name]))
    with av.open(str(videos[name])) as container:
        stream = container.streams.video[0]
        frames = [(frame.pts, frame.key_frame) for frame in container.decode(stream)]
        base = stream.time_base
    assert index.fault is None
    assert index.n_frames == 37
    assert index.pts.tolist() == [pts for pts, _ in frames]
    assert index.time_base == base
    if name not in {"picture.y4m", "lossless.avi"}:
        assert index.keyframe.tolist() == [key for _, key in frames]
    assert sorted(index.shown.tolist()) == list(range(37))
    assert index.group.max() == len(index.group_starts) - 1
    info = probe(Video(videos[name]))
    assert (info.n_frames, info.constant_rate) == (37, True)


def test_where_the_container_tells_all_packets_are_not_read(videos):
    assert frame_index(Video(videos["mezzanine.mov"])).from_container
    assert frame_index(Video(videos["open.mp4"])).from_container
    assert not frame_index(Video(videos["fragments.mp4"])).from_container


def test_a_mezzanine_that_was_cut_short_is_counted_by_its_packets(make_video, videos, tmp_path):
    arguments = ["-i", videos["mezzanine.mov"], "-c", "copy", "-movflags", "faststart"]
    path = make_video(tmp_path / "cut.mov", *arguments)
    whole = frame_index(Video(path))
    with path.open("r+b") as file:
        file.truncate(int(whole.packet_position[20]))
    index = frame_index(Video(path))
    assert not index.from_container
    assert index.n_frames == 20


def test_frames_without_an_order_of_showing_are_a_fault(moving, tmp_path):
    path = moving(tmp_path / "b.avi", "-c:v", "libx264", "-bf", "2", frames=20)
    assert "order of decoding" in (frame_index(Video(path)).fault or "")


def test_what_an_edit_list_hides_is_kept_as_a_packet_only(make_video, moving, tmp_path):
    whole = moving(tmp_path / "a.mp4", "-c:v", "libx264", "-g", "50", frames=40)
    cut = make_video(tmp_path / "cut.mp4", "-ss", "0.4", "-i", whole, "-c", "copy")
    index = frame_index(Video(cut))
    assert index.n_packets > index.n_frames
    assert index.pts[0] == 0
    assert probe(Video(cut)).n_frames == index.n_frames


def test_raw_video_is_arithmetic(tmp_path):
    path = tmp_path / "a.yuv"
    path.write_bytes(bytes(5 * 384))
    index = frame_index(Video(path, RawFormat(16, 16, frame_rate=Fraction(50))))
    assert index.pts.tolist() == [0, 1, 2, 3, 4]
    assert index.packet_position.tolist() == [0, 384, 768, 1152, 1536]
    assert index.keyframe.all()
    assert index.start_s == 0.0


def test_progress_is_told_and_the_index_is_made_once(moving, tmp_path):
    path = moving(tmp_path / "a.ts", "-c:v", "mpeg2video", frames=1500, size="64x64")
    shares = []
    found = frame_index(Video(path), on_share=shares.append)
    assert shares == sorted(shares)
    assert 0 < shares[0] < 0.5
    assert frame_index(Video(path)) is found
    assert KEPT.get((Video(path), file_state(path))) is found


@given(
    gaps=st.lists(st.integers(1, 4), max_size=300),
    start=st.integers(-1000, 1000),
    depth=st.integers(0, 16),
    seed=st.integers(0, 99),
)
def test_frames_are_in_order_of_showing(gaps, start, depth, seed):
    stamps = np.array([start, *(start + np.cumsum(gaps)).tolist()] if gaps else [start])
    rng = np.random.default_rng(seed)
    order = np.argsort(np.arange(len(stamps)) + rng.uniform(0, depth, len(stamps)))
    found = of_packets(stamps[order])
    assert found.pts.tolist() == stamps.tolist()
    assert found.n_bytes == 10 * len(stamps)
    assert found.start_s == start / 25
    assert found.constant_rate == (len(gaps) == 0 or np.ptp(gaps) <= 1)


def test_what_is_not_shown_does_not_count():
    found = of_packets([0, 40, None], hidden={1})
    assert (found.n_frames, found.n_bytes, found.start_s) == (2, 20, 0)
    assert found.constant_rate


def test_nothing_at_all():
    found = of_packets([])
    assert (found.n_frames, found.start_s, found.constant_rate) == (0, 0, True)
    assert found.group.tolist() == []


@pytest.mark.parametrize(("odd", "constant"), [(1, True), (2, False)])
def test_rounded_stamps_are_one_rate(odd, constant):
    assert of_packets([0, 33, 66 + odd]).constant_rate is constant
