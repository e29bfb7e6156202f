# SPDX-License-Identifier: Apache-2.0
import os
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyvmaf.corpus.reading import is_netflix_layout, read_corpus, read_netflix
from tinyvmaf.errors import CorpusError, UsageError
from tinyvmaf.media.video import RawFormat
from tinyvmaf.pairs.scan import scan_corpus

PICTURE = 16 * 16 * 3 // 2
TINY = RawFormat(16, 16)
FULL = RawFormat(1920, 1080).frame_bytes
HALF = RawFormat(960, 540).frame_bytes

# The names of the published corpus.
PUBLISHED = {
    "ref/BigBuckBunny_25fps.yuv": "BigBuckBunny",
    "ref/CrowdRun_25fps.yuv": "CrowdRun",
    "ref/OldTownCross_25fps.yuv": "OldTownCross",
    "ref/FoxBird_25fps.yuv": "FoxBird",
    "dis/BigBuckBunny_20_288_375.yuv": "BigBuckBunny",
    "dis/BigBuckBunny_90_1080_4300.yuv": "BigBuckBunny",
    "dis/CrowdRun_30_384_1500.yuv": "CrowdRun",
    "dis/OldTownCross_80_720_3200.yuv": "OldTownCross",
    "dis/FoxBird_00_240_150.yuv": "FoxBird",
}

names = st.text(
    st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp"], blacklist_characters="/\0"),
    min_size=1,
    max_size=30,
).filter(lambda name: name.isprintable() and not name.startswith(".") and len(name.encode()) < 90)


@pytest.fixture
def layout(tmp_path):
    """Make a corpus of empty-handed files: each name -> how many frames of 16x16 it has."""

    def make(files):
        for folder in ("ref", "dis"):
            (tmp_path / folder).mkdir(exist_ok=True)
        for name, frames in files.items():
            (tmp_path / name).write_bytes(bytes(round(frames * PICTURE)))
        return tmp_path

    return make


@pytest.fixture
def sized(tmp_path):
    """Make a corpus of files without content: each name -> its bytes, which take no room."""

    def make(files):
        for name, size in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            with (tmp_path / name).open("wb") as file:
                file.truncate(size)
        return tmp_path

    return make


def test_the_published_names(layout):
    root = layout(dict.fromkeys(PUBLISHED, 2))
    corpus = read_netflix(root, raw=TINY)
    assert corpus.sources == ("BigBuckBunny", "CrowdRun", "FoxBird", "OldTownCross")
    assert corpus.problems == ()
    assert [(pair.source, pair.clip) for pair in corpus.pairs][:2] == [
        ("BigBuckBunny", "BigBuckBunny_20_288_375"),
        ("BigBuckBunny", "BigBuckBunny_90_1080_4300"),
    ]
    pair = corpus.pairs[0]
    assert pair.reference.path == root / "ref" / "BigBuckBunny_25fps.yuv"
    assert pair.name == "BigBuckBunny/BigBuckBunny_20_288_375"


def test_raw_files_are_1080p_unless_said_otherwise(sized):
    root = sized(dict.fromkeys(PUBLISHED, 2 * FULL))
    assert read_corpus(root).pairs[0].distorted.raw == RawFormat(
        1920, 1080, frame_rate=Fraction(25)
    )
    assert read_corpus(root).problems == ()
    assert read_corpus(root, raw=TINY).pairs[0].distorted.raw == replace(
        TINY, frame_rate=Fraction(25)
    )


def test_sizes_that_are_no_frames_of_1080p_make_no_pair_unless_a_geometry_is_said(sized):
    root = sized(
        {
            "ref/A_25fps.yuv": 10 * HALF,
            "dis/A_1_540_10.yuv": 10 * HALF,
            "dis/A_2_540_10.yuv": 8 * HALF,
            "ref/B_25fps.yuv": 10 * FULL,
            "dis/B_1_1080_10.yuv": 10 * FULL,
            "dis/B_2_540_10.yuv": 10 * FULL,
            "dis/B_3_540_10.yuv": 9 * HALF,
        }
    )
    found = read_corpus(root)
    assert [pair.name for pair in found.pairs] == ["B/B_1_1080_10", "B/B_2_540_10"]
    words = (
        "bytes are not a whole number of 1920x1080 yuv420p frames (3110400 bytes each), the "
        "default geometry of this layout; give the right one with `raw`"
    )
    assert {item.path.name: item.reason for item in found.problems} == {
        "A_25fps.yuv": f"{10 * HALF} {words}",
        "B_3_540_10.yuv": f"{9 * HALF} {words}",
    }
    assert read_corpus(root, raw=RawFormat(960, 540)).problems == ()


@pytest.mark.parametrize(("height", "width"), [(540, 960), (480, 854), (480, 640)])
def test_an_encode_of_the_height_in_its_name_was_not_scaled_back(sized, height, width):
    size = 240 * width * height * 3 // 2
    root = sized(
        {
            "ref/A_25fps.yuv": 240 * FULL,
            "dis/A_1_1080_10.yuv": 240 * FULL,
            f"dis/A_2_{height}_10.yuv": size,
        }
    )
    found = read_corpus(root)
    assert [pair.name for pair in found.pairs] == ["A/A_1_1080_10"]
    (problem,) = found.problems
    assert problem.reason == (
        f"its {size} bytes are 240 frames of {width}x{height}, the height in its name, and its "
        "reference has 240 of 1920x1080; in this layout encodes are scaled back to the "
        "reference's size: scale it back, or, if all files have one other geometry, give it "
        "with `raw`"
    )


def test_another_number_of_frames_of_1080p_is_left_to_the_check(sized):
    root = sized({"ref/A_25fps.yuv": 10 * FULL, "dis/A_1_540_10.yuv": 9 * FULL})
    assert len(read_corpus(root).pairs) == 1


@pytest.mark.parametrize(
    ("named", "rate"),
    [
        ("25", Fraction(25)),
        ("24", Fraction(24)),
        ("60", Fraction(60)),
        ("23.976", Fraction(24000, 1001)),
        ("23.98", Fraction(24000, 1001)),
        ("29.97", Fraction(30000, 1001)),
        ("59.94", Fraction(60000, 1001)),
        ("119.88", Fraction(120000, 1001)),
        ("12.5", Fraction(25, 2)),
        ("29.5", Fraction(59, 2)),
    ],
)
def test_a_rate_in_a_name(layout, named, rate):
    root = layout({f"ref/A_{named}fps.yuv": 2, "dis/A_1_16_10.yuv": 2})
    (pair,) = read_netflix(root, raw=TINY).pairs
    assert pair.reference.raw.frame_rate == rate
    assert pair.distorted.raw.frame_rate == rate


@given(source=names, numbers=st.tuples(*[st.integers(0, 99_999)] * 3))
def test_any_source_name_pairs_with_its_own_clips(tmp_path_factory, source, numbers):
    root = tmp_path_factory.mktemp("named")
    quality, height, kbps = numbers
    for name in (f"ref/{source}_25fps.yuv", f"dis/{source}_{quality}_{height}_{kbps}.yuv"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(bytes(PICTURE))
    corpus = read_netflix(root, raw=TINY)
    assert corpus.problems == ()
    (pair,) = corpus.pairs
    assert pair.source == source
    assert pair.clip == f"{source}_{quality}_{height}_{kbps}"


def test_one_name_may_begin_another(layout):
    files = {f"ref/{name}_25fps.yuv": 1 for name in ("Bird", "Bird_2", "Bird_2_3")}
    files |= {f"dis/{name}_1_16_10.yuv": 1 for name in ("Bird", "Bird_2", "Bird_2_3")}
    corpus = read_netflix(layout(files), raw=TINY)
    assert corpus.sources == ("Bird", "Bird_2", "Bird_2_3")
    assert all(pair.clip == f"{pair.source}_1_16_10" for pair in corpus.pairs)


def test_what_makes_no_pair_is_named_with_its_reason(layout):
    root = layout(
        {
            "ref/A_25fps.yuv": 2,
            "dis/A_1_16_10.yuv": 2,
            "ref/A_30fps.yuv": 2,
            "dis/A_1_16_10.raw": 2,
            "ref/notes.txt": 1,
            "dis/notes.txt": 1,
            "ref/Lonely_25fps.yuv": 2,
            "dis/Stray_1_16_10.yuv": 2,
            "ref/Still_0fps.yuv": 2,
            "dis/.A_2_16_10.yuv.part": 2,
        }
    )
    corpus = read_netflix(root, raw=TINY)
    assert len(corpus.pairs) == 1
    found = {str(item.path.relative_to(root)): item.reason for item in corpus.problems}
    assert found == {
        "ref/A_30fps.yuv": "a second reference of source A",
        "ref/notes.txt": "name is not <Source>_<fps>fps in printable UTF-8",
        "ref/Still_0fps.yuv": "a frame rate of 0",
        "ref/Lonely_25fps.yuv": "orphan: no distorted clip of this source",
        "dis/Stray_1_16_10.yuv": "orphan: no reference of source Stray",
        "dis/notes.txt": "name is not <Source>_<quality>_<height>_<kbps> in printable UTF-8",
        "dis/A_1_16_10.yuv": "a second clip A_1_16_10",
    }


def test_a_name_that_is_no_utf8_is_a_problem(layout):
    root = layout({"ref/A_25fps.yuv": 1, "dis/A_1_16_10.yuv": 1})
    (root / "dis" / os.fsdecode(b"A\xff_1_16_10.yuv")).write_bytes(bytes(PICTURE))
    (problem,) = read_netflix(root, raw=TINY).problems
    assert problem.reason.endswith("in printable UTF-8")


def test_containers_beside_raw_files(layout):
    root = layout({"ref/A_25fps.y4m": 1, "dis/A_1_16_10.mp4": 1})
    (pair,) = read_netflix(root).pairs
    assert pair.reference.raw is None
    assert pair.distorted.raw is None


def test_a_scan_counts_what_fits_and_names_what_does_not(layout):
    root = layout(
        {
            "ref/A_25fps.yuv": 5,
            "dis/A_1_16_10.yuv": 5,
            "dis/A_2_16_10.yuv": 2,
            "dis/A_3_16_10.yuv": 4.5,
            "dis/A_4_16_10.yuv": 0,
            "ref/B_50fps.yuv": 0,
            "dis/B_1_16_10.yuv": 3,
        }
    )
    found = scan_corpus(read_corpus(root, raw=TINY))
    (summary,) = found.sources
    assert (summary.source, summary.n_clips, summary.n_frames) == ("A", 1, 5)
    assert summary.reference.frame_rate == 25
    assert {item.path.name: item.reason for item in found.problems} == {
        "A_2_16_10.yuv": (
            "reference and distorted do not fit: reference has 5 frames, distorted 2: the last 3 "
            "of reference (0.12 s) have no partner: `allow=['frame-count']` compares the first 2"
        ),
        "A_3_16_10.yuv": (
            "1728 bytes are not a whole number of 16x16 yuv420p frames (384 bytes each: 4 frames "
            "and 192 bytes over); give the right geometry with `raw`"
        ),
        "A_4_16_10.yuv": "the file is empty (0 bytes)",
        "B_50fps.yuv": "the file is empty (0 bytes)",
    }


def test_a_folder_that_is_no_corpus(tmp_path):
    assert not is_netflix_layout(tmp_path)
    with pytest.raises(CorpusError) as caught:
        read_corpus(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: not a corpus; expected a manifest corpus.csv or the folders ref/ and dis/ "
        "(`tinyvmaf corpus build` makes one from videos, `tinyvmaf table import` a table from logs "
        "of libvmaf)"
    )
    with pytest.raises(UsageError) as caught:
        read_corpus(tmp_path / "none")
    assert str(caught.value) == f"{tmp_path}/none: no such folder or manifest"


def test_a_corpus_without_a_pair(layout):
    root = layout({"ref/A_25fps.yuv": 1, "dis/B_1_16_10.yuv": 1})
    with pytest.raises(CorpusError) as caught:
        read_corpus(root)
    assert str(caught.value) == (
        f"{root}: no pair found (B_1_16_10.yuv: orphan: no reference of source B; "
        "A_25fps.yuv: orphan: no distorted clip of this source)"
    )
