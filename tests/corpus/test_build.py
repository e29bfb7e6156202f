# SPDX-License-Identifier: Apache-2.0
import csv

import pytest

from tinyvmaf.corpus import build as build_module
from tinyvmaf.corpus.build import build
from tinyvmaf.corpus.ladder import Rung, read_ladder
from tinyvmaf.corpus.reading import read_corpus
from tinyvmaf.errors import CorpusError, MediaError, UsageError
from tinyvmaf.media.probing import probe
from tinyvmaf.media.video import RawFormat, Video
from tinyvmaf.pairs.scan import scan_corpus

pytestmark = pytest.mark.ffmpeg

TWO = (Rung("libx264", 1.0, crf=30), Rung("libx264", 0.5, crf=40))


@pytest.fixture
def sources(tmp_path, moving):
    """Two short sources."""
    return [
        moving(tmp_path / "sources" / f"{name}.mkv", "-vf", f"hue=h={hue}", "-c:v", "ffv1")
        for name, hue in (("red", 0), ("blue", 120))
    ]


@pytest.fixture
def make(ffmpeg, tmp_path):
    def make(videos, ladder=TWO, **options):
        videos = [video if isinstance(video, Video) else Video(video) for video in videos]
        return build(videos, root=tmp_path / "made", ladder=ladder, ffmpeg=ffmpeg, **options)

    return make


def rows(done):
    with done.manifest.open(newline="") as file:
        return {(row["source"], row["clip"]): row for row in csv.DictReader(file)}


def times(done):
    """When each file of the corpus was made."""
    files = [path for path in done.manifest.parent.rglob("*") if path.suffix in (".mp4", ".mkv")]
    return {path.name: path.stat().st_mtime_ns for path in files}


def test_a_corpus_of_real_encodes_that_fits_together(make, sources):
    done = make(sources)
    assert (done.n_made, done.n_kept, done.failures) == (4, 0, ())
    corpus = read_corpus(done.manifest.parent)
    found = scan_corpus(corpus)
    assert found.problems == ()
    assert [(item.source, item.n_clips, item.n_frames) for item in found.sources] == [
        ("blue", 2, 16),
        ("red", 2, 16),
    ]
    # Sources that are taken whole stay where they are.
    assert {pair.reference.path for pair in corpus.pairs} == set(sources)
    assert probe(corpus.pairs[0].distorted).size == "192x108"
    assert not (done.manifest.parent / "ref").exists()


def test_the_manifest_tells_every_command_and_version(make, sources, ffmpeg):
    row = rows(make(sources[:1], n_frames=3))["red", "libx264_54p_crf40"]
    assert row["encoder_version"] == f"ffmpeg {ffmpeg.version}"
    assert "-vf scale=-2:54:flags=bicubic" in row["command"]
    assert "-c:v libx264 -preset medium -crf 40" in row["command"]
    assert "-frames:v 3 -c:v ffv1" in row["reference_command"]
    assert len(row["source_sha256"]) == 64


def test_every_encoder_of_the_default_ladder_works(make, sources):
    done = make(sources[:1], ladder=read_ladder())
    assert (done.n_made, done.failures) == (8, ())
    assert scan_corpus(read_corpus(done.manifest.parent)).problems == ()


def test_the_first_frames_only(make, sources):
    done = make(sources[:1], n_frames=3)
    (pair, _) = read_corpus(done.manifest.parent).pairs
    assert pair.reference.path == done.manifest.parent / "ref" / "red.mkv"
    assert probe(pair.reference).n_frames == probe(pair.distorted).n_frames == 3


def test_more_frames_than_there_are_is_the_whole_source(make, sources):
    done = make(sources[:1], n_frames=99)
    assert read_corpus(done.manifest.parent).pairs[0].reference.path == sources[0]


def test_raw_sources_become_lossless_references(make, sources, make_video, tmp_path):
    path = make_video(tmp_path / "raw.yuv", "-i", sources[0], "-f", "rawvideo")
    done = make([Video(path, RawFormat(192, 108))])
    reference = read_corpus(done.manifest.parent).pairs[0].reference
    again = make_video(tmp_path / "again.yuv", "-i", reference.path, "-f", "rawvideo")
    assert again.read_bytes() == path.read_bytes()


def test_a_second_build_makes_nothing(make, sources):
    first = make(sources, n_frames=4)
    before = times(first)
    second = make(sources, n_frames=4)
    assert (second.n_made, second.n_kept) == (0, 4)
    assert times(second) == before


def test_a_build_that_was_stopped_goes_on(make, sources):
    """As after `kill -9`: two clips are in the manifest, one file is there without its row."""
    whole = make(sources, n_frames=4)
    before = times(whole)
    lines = whole.manifest.read_text().splitlines(keepends=True)
    whole.manifest.write_text("".join([*lines[:2], *lines[3:]]))
    (whole.manifest.parent / "dis" / "red_libx264_54p_crf40.mp4").unlink()
    again = make(sources, n_frames=4)
    assert (again.n_made, again.n_kept) == (2, 2)
    changed = {name for name, time in times(again).items() if time != before[name]}
    assert changed == {"blue_libx264_54p_crf40.mp4", "red_libx264_54p_crf40.mp4"}


def test_a_lost_reference_is_cut_again_and_its_clips_are_kept(make, sources):
    first = make(sources, n_frames=4)
    before = times(first)
    (first.manifest.parent / "ref" / "red.mkv").unlink()
    again = make(sources, n_frames=4)
    assert (again.n_made, again.n_kept) == (0, 4)
    changed = {name for name, time in times(again).items() if time != before[name]}
    assert changed == {"red.mkv"}


def test_only_what_changed_is_made_again(make, sources, moving):
    first = make(sources)
    before = times(first)
    moving(sources[0], "-vf", "negate", "-c:v", "ffv1")
    again = make(sources)
    assert (again.n_made, again.n_kept) == (2, 2)
    changed = {name for name, time in times(again).items() if time != before[name]}
    assert changed == {"red_libx264_108p_crf30.mp4", "red_libx264_54p_crf40.mp4"}


def test_a_new_rung_adds_clips_and_another_rung_replaces_none(make, sources):
    make(sources)
    more = make(sources, ladder=[*TWO, Rung("libx264", 1.0, crf=45)])
    assert (more.n_made, more.n_kept) == (2, 4)
    assert len(rows(more)) == 6


def test_another_number_of_frames_makes_references_and_clips_again(make, sources):
    make(sources, n_frames=4)
    other = make(sources, ladder=TWO[:1], n_frames=6)
    assert (other.n_made, other.n_kept) == (2, 0)
    # A clip of four frames has no place beside a reference of six, nor has its row.
    corpus = read_corpus(other.manifest.parent)
    assert len(corpus.pairs) == 2
    assert {probe(pair.distorted).n_frames for pair in corpus.pairs} == {6}
    assert {probe(pair.reference).n_frames for pair in corpus.pairs} == {6}


def test_another_geometry_of_a_raw_source_makes_everything_again(
    make, sources, make_video, tmp_path
):
    path = make_video(tmp_path / "raw.yuv", "-i", sources[0], "-f", "rawvideo")
    make([Video(path, RawFormat(192, 108))])
    turned = make([Video(path, RawFormat(108, 192))])
    assert (turned.n_made, turned.n_kept) == (2, 0)
    assert probe(read_corpus(turned.manifest.parent).pairs[0].reference).size == "108x192"


def test_sources_can_be_added_one_after_the_other(make, sources):
    make(sources[:1])
    both = make(sources[1:])
    assert {source for source, _ in rows(both)} == {"red", "blue"}


def test_an_odd_size_is_cropped_losslessly_to_an_even_one(make, moving, make_video, tmp_path):
    odd = moving(tmp_path / "odd.mkv", "-vf", "scale=191:107", "-c:v", "ffv1")
    done = make([odd])
    assert done.failures == ()
    assert scan_corpus(read_corpus(done.manifest.parent)).problems == ()
    (pair, _) = read_corpus(done.manifest.parent).pairs
    assert probe(pair.reference).size == probe(pair.distorted).size == "190x106"
    crop = ["-vf", "crop=190:106:0:0", "-f", "rawvideo"]
    expected = make_video(tmp_path / "expected.yuv", "-i", odd, *crop)
    found = make_video(tmp_path / "found.yuv", "-i", pair.reference.path, "-f", "rawvideo")
    assert found.read_bytes() == expected.read_bytes()


def test_a_source_that_players_turn_is_turned_for_reference_and_clips(
    make, moving, make_video, tmp_path, ffmpeg
):
    """As phones record it: lying pictures and a note to show them upright."""
    lying = moving(tmp_path / "lying.mp4", "-c:v", "libx264", "-qp", "0")
    turned = ["-display_rotation", "90", "-i", lying, "-c", "copy"]
    done = make([make_video(tmp_path / "phone.mp4", *turned)], ladder=TWO[:1])
    (pair,) = read_corpus(done.manifest.parent).pairs
    assert pair.clip == "libx264_192p_crf30"
    assert probe(pair.reference).size == probe(pair.distorted).size == "108x192"


IMPOSSIBLE = Rung("libvpx-vp9", 1.0, crf=99)


def test_an_encoder_that_fails_is_named_and_the_others_are_kept(make, sources):
    done = make(sources[:1], ladder=[*TWO, IMPOSSIBLE])
    assert (done.n_made, [name for name, _ in done.failures]) == (2, ["red/libvpx-vp9_108p_crf99"])
    assert "libvpx-vp9_108p_crf99" not in {clip for _, clip in rows(done)}
    leftovers = [path.name for path in done.manifest.parent.rglob("*") if "part" in path.name]
    assert leftovers == []


def test_no_clip_at_all(make, sources):
    with pytest.raises(CorpusError, match=r"no clip could be encoded; red_libvpx-vp9_108p_crf99"):
        make(sources[:1], ladder=[IMPOSSIBLE])


def test_a_row_of_a_clip_that_is_made_again_is_gone_before(make, sources, moving, tmp_path):
    """If that fails, the manifest must not tell of the clip that was there before."""
    done = make(sources[:1], ladder=TWO[:1])
    assert len(rows(done)) == 1
    moving(sources[0], "-vf", "negate", "-c:v", "ffv1")
    clip = tmp_path / "made" / "dis" / "red_libx264_108p_crf30.mp4"
    clip.unlink()
    clip.mkdir()
    with pytest.raises(CorpusError):
        make(sources[:1], ladder=TWO[:1])
    assert rows(done) == {}


def test_two_sources_of_one_name(make, sources, moving, tmp_path):
    other = moving(tmp_path / "other" / "red.mp4", "-c:v", "libx264")
    with pytest.raises(UsageError) as caught:
        make([sources[0], other])
    assert str(caught.value) == (
        f"two sources are called red: {sources[0]} and {other}; a source is named after its file"
    )


def test_a_source_that_cannot_be_read_is_refused_before_any_work(make, sources, tmp_path):
    with pytest.raises(MediaError, match="no such file"):
        make([*sources, tmp_path / "none.mp4"])
    assert list((tmp_path / "made").iterdir()) == []


def test_a_ladder_that_fits_no_source(make, sources):
    with pytest.raises(UsageError) as caught:
        make(sources, ladder=[Rung("libx264", 1080.0, crf=30)])
    assert str(caught.value) == (
        "no rung of the ladder fits source red: all are taller than its 108 lines; add a rung "
        "whose height is a fraction, such as 0.5"
    )


def test_a_call_that_cannot_be(make, sources):
    with pytest.raises(UsageError, match="`n_frames=0`: expected 1 or more"):
        make(sources, n_frames=0)
    with pytest.raises(UsageError, match="`jobs=0`: expected 1 or more"):
        make(sources, jobs=0)


@pytest.mark.parametrize("text", ["source,reference,distorted\na,b,c\n", "", "\0"])
def test_a_folder_of_somebody_else_is_left_alone(make, sources, tmp_path, text):
    manifest = tmp_path / "made" / "corpus.csv"
    manifest.parent.mkdir()
    manifest.write_text(text)
    with pytest.raises(CorpusError, match=r"not made by `corpus build`|not a readable CSV file"):
        make(sources)
    assert manifest.read_text() == text


def test_names_that_mean_something_to_ffmpeg_or_a_shell(make, moving, tmp_path):
    path = moving(tmp_path / "-it's: a,b;[50%] %03d \\ $x é.mkv", "-c:v", "ffv1")
    done = make([path], n_frames=3)
    assert done.failures == ()
    assert scan_corpus(read_corpus(done.manifest.parent)).problems == ()
    assert {source for source, _ in rows(done)} == {path.stem}


def test_a_row_that_was_cut_short_only_costs_its_clip(make, sources):
    """As after a power failure: rows are appended while clips are made."""
    whole = make(sources)
    text = whole.manifest.read_text()
    lines = text.splitlines(keepends=True)
    whole.manifest.write_text("".join(lines[:4]) + lines[4][: len(lines[4]) // 2])
    again = make(sources)
    assert (again.n_made, again.n_kept) == (1, 3)
    assert again.manifest.read_text() == text


def test_what_a_killed_build_was_writing_is_removed(make, sources):
    whole = make(sources)
    dead = whole.manifest.parent / "dis" / ".dead.part"
    dead.write_bytes(b"half")
    make(sources)
    assert not dead.exists()


def test_the_manifest_is_not_written_again_for_every_clip(make, sources, monkeypatch):
    """That would take time that grows with the square of the number of clips."""
    written = []
    write = build_module._write_rows

    def count(manifest, rows):
        written.append(len(rows))
        write(manifest, rows)

    monkeypatch.setattr(build_module, "_write_rows", count)
    make(sources)
    assert written == [0, 4]
