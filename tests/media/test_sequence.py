# SPDX-License-Identifier: Apache-2.0
from fractions import Fraction

import pytest

from tinyvmaf.errors import MediaError
from tinyvmaf.libvmaf.graph import command_of
from tinyvmaf.media.containers import video_state
from tinyvmaf.media.ffmpeg import run_ffmpeg
from tinyvmaf.media.pictures import beginning, look
from tinyvmaf.media.probing import count_frames, probe
from tinyvmaf.media.sequence import find_sequence
from tinyvmaf.media.video import Video

pytestmark = pytest.mark.ffmpeg


@pytest.fixture
def numbered(tmp_path, moving):
    """Nine pictures, from number 7 on, in a folder whose name is a pattern, too."""
    pattern = tmp_path / "50%d done" / "frame_%04d.png"
    pattern.parent.mkdir()
    for number in range(7, 16):
        picture = ["-vf", f"hue=h={10 * number}", "-pix_fmt", "rgb24"]
        made = moving(tmp_path / "made.png", *picture, frames=1)
        made.rename(pattern.with_name(f"frame_{number:04d}.png"))
    return pattern


def md5(ffmpeg, video, tmp_path):
    """Hashes of the frames that ffmpeg reads."""
    out = tmp_path / "hashes"
    run_ffmpeg(ffmpeg.path, [*video.arguments(), "-f", "framemd5", "-y", str(out)])
    return [line.split(",")[-1] for line in out.read_text().splitlines() if line[0] != "#"]


def test_a_sequence_is_one_video(ffmpeg, numbered, tmp_path):
    sequence = find_sequence(numbered, frame_rate=Fraction(50))
    assert (sequence.first, sequence.n_pictures) == (7, 9)
    video = Video(numbered, sequence=sequence)
    info = probe(video)
    assert (info.size, info.n_frames, info.frame_rate) == ("192x108", 9, 50)
    assert count_frames(video) == 9
    assert len(look(video, n_frames=20).thumbnails) == 9
    assert len(set(md5(ffmpeg, video, tmp_path))) == 9


def test_a_sequence_begins_where_its_numbers_do_and_has_no_gap(numbered):
    (numbered.parent / "frame_0011.png").unlink()
    with pytest.raises(
        MediaError, match="picture 11 is missing; found 8 pictures between 7 and 15"
    ):
        find_sequence(numbered)


def test_a_pattern_without_pictures(tmp_path):
    with pytest.raises(MediaError, match="no such file, and no picture of that pattern"):
        find_sequence(tmp_path / "frame_%04d.png")
    with pytest.raises(MediaError, match="no such picture sequence"):
        find_sequence(tmp_path / "nothing" / "frame_%04d.png")


@pytest.mark.parametrize(
    ("pattern", "names", "wanted"),
    [
        ("f%d.png", ["f9.png", "f10.png", "f011.png", "f.png"], ["f9.png", "f10.png"]),
        ("f%03d.png", ["f999.png", "f1000.png", "f01.png"], ["f999.png", "f1000.png"]),
        ("%02d", ["07", "8"], ["07"]),
    ],
)
def test_only_the_pictures_of_the_pattern_belong_to_it(tmp_path, pattern, names, wanted):
    for name in names:
        (tmp_path / name).touch()
    sequence = find_sequence(tmp_path / pattern)
    assert [path.name for path in sequence.pictures(tmp_path / pattern)] == wanted


@pytest.mark.parametrize("name", ["a.png", "50%.png", "%q", "%s.png", "%d_%d.png", "%5d.png"])
def test_other_names_are_no_patterns(tmp_path, name):
    assert find_sequence(tmp_path / name) is None


def test_every_picture_counts_for_the_state(numbered):
    video = Video(numbered, sequence=find_sequence(numbered))
    before = video_state(video)
    last = numbered.parent / "frame_0015.png"
    last.write_bytes(last.read_bytes())
    assert video_state(video) != before


@pytest.mark.parametrize(
    "name", ["%03d.png", "%d.png", "a{1,2}.png", "a[12].png", "a*.png", "a?.png", "100%.png"]
)
def test_the_name_of_a_file_is_no_pattern(ffmpeg, make_video, moving, tmp_path, name):
    for number in range(3):
        moving(tmp_path / f"00{number}.png", frames=1, size=f"{64 + 2 * number}x64")
    for other in ("1.png", "a1.png", "a2.png", "ab.png"):
        moving(tmp_path / other, frames=1, size="96x96")
    picture = moving(tmp_path / "picture.png", frames=1, size="40x40").rename(tmp_path / name)
    assert find_sequence(picture) is None
    video = Video(picture)
    info = probe(video)
    assert (info.size, info.n_frames) == ("40x40", 1)
    assert beginning(video).info == info
    said = run_ffmpeg(ffmpeg.path, command_of("[0:V:0]showinfo", [video]))
    assert said == ""
    assert md5(ffmpeg, video, tmp_path) == md5(
        ffmpeg, Video(picture.rename(tmp_path / "b.png")), tmp_path
    )


@pytest.mark.parametrize("name", ["%03d.mkv", "a{1}[2]*?.mkv"])
def test_nor_is_that_of_a_video(ffmpeg, moving, tmp_path, name):
    moving(tmp_path / "001.mkv", "-c:v", "ffv1", frames=3)
    video = Video(moving(tmp_path / "a.mkv", "-c:v", "ffv1", frames=5).rename(tmp_path / name))
    assert probe(video).n_frames == 5
    assert len(md5(ffmpeg, video, tmp_path)) == 5
