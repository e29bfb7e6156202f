# SPDX-License-Identifier: Apache-2.0
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyvmaf.errors import MediaError
from tinyvmaf.media.probing import count_frames, probe, y4m_positions
from tinyvmaf.media.video import Video

HEADER = b"YUV4MPEG2 W16 H16 F25:1 Ip A1:1 C420jpeg\n"
PICTURE = 16 * 16 * 3 // 2

parameters = st.lists(
    st.text(st.characters(codec="ascii", categories=["Lu", "Ll", "Nd"]), min_size=1), max_size=3
).map(lambda words: "".join(f" {word}" for word in words).encode())


def write(folder, *frames, header=HEADER):
    """A Y4M file of the frames, each given by what stands behind its marker."""
    rng = np.random.default_rng(0)
    file = io.BytesIO()
    file.write(header)
    for behind in frames:
        # Noise holds newlines and, now and then, what looks like a marker.
        picture = rng.integers(0, 256, PICTURE, dtype=np.uint8).tobytes()
        file.write(b"FRAME" + behind + b"\n" + picture.replace(b"\x00\x00", b"\nF"))
    path = folder / "a.y4m"
    path.write_bytes(file.getvalue())
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("y4m")


@given(st.lists(parameters, min_size=1, max_size=6))
def test_frames_with_parameters_are_counted(folder, frames):
    assert len(y4m_positions(write(folder, *frames), frame_bytes=PICTURE)) == len(frames)


@given(data=st.data(), frames=st.lists(parameters, min_size=1, max_size=4))
def test_a_file_that_ends_anywhere_but_after_a_frame_is_refused(folder, data, frames):
    path = write(folder, *frames)
    whole = path.read_bytes()
    ends = {len(HEADER)}
    for behind in frames:
        ends.add(max(ends) + len(b"FRAME\n") + len(behind) + PICTURE)
    cut = data.draw(st.integers(len(HEADER), len(whole)))
    path.write_bytes(whole[:cut])
    if cut in ends:
        assert len(y4m_positions(path, frame_bytes=PICTURE)) == sorted(ends).index(cut)
    else:
        with pytest.raises(MediaError, match="damaged Y4M"):
            len(y4m_positions(path, frame_bytes=PICTURE))


@given(st.binary(max_size=4 * PICTURE))
def test_any_bytes_give_a_count_or_a_refusal(folder, body):
    path = folder / "b.y4m"
    path.write_bytes(HEADER + body)
    try:
        frames = len(y4m_positions(path, frame_bytes=PICTURE))
    except MediaError:
        return
    assert frames * (PICTURE + len(b"FRAME\n")) <= len(body)


def test_what_a_refusal_says(tmp_path):
    path = write(tmp_path, b"", b"")
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    with pytest.raises(MediaError) as caught:
        len(y4m_positions(path, frame_bytes=PICTURE))
    assert str(caught.value) == (
        f"{path}: damaged Y4M: frame 1 is cut short, 100 of 384 bytes are missing"
    )
    path.write_bytes(whole[:-384] + b"x" * 484)
    with pytest.raises(MediaError) as caught:
        probe(Video(path))
    assert str(caught.value) == (
        f"{path}: damaged Y4M: no frame marker at byte {len(whole)}, after 2 frames; the file was "
        "cut, or its header has the wrong geometry"
    )


@pytest.mark.parametrize("sampling", ["420jpeg", "420p10", "422", "444p16", "mono", "411"])
def test_every_sampling_has_its_frame_size(tmp_path, sampling):
    """The size that the count relies on is the one that the decoder uses."""
    n_bytes = {
        "420jpeg": 384,
        "420p10": 768,
        "422": 512,
        "444p16": 1536,
        "mono": 256,
        "411": 384,
    }[sampling]
    path = tmp_path / "a.y4m"
    strict = b" XYSCSS=420P10" if sampling == "420p10" else b""
    header = f"YUV4MPEG2 W16 H16 F25:1 Ip A1:1 C{sampling}".encode() + strict + b"\n"
    path.write_bytes(header + (b"FRAME\n" + bytes(n_bytes)) * 3)
    assert probe(Video(path)).n_frames == count_frames(Video(path)) == 3
