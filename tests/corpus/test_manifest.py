# SPDX-License-Identifier: Apache-2.0
import time
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyvmaf.corpus.excerpt import WHOLE, Excerpt
from tinyvmaf.corpus.manifest import read_manifest
from tinyvmaf.corpus.reading import read_corpus
from tinyvmaf.errors import CorpusError, SplitError
from tinyvmaf.features.groups import Size, groups
from tinyvmaf.media.video import RawFormat
from tinyvmaf.pairs.scan import scan_corpus
from tinyvmaf.text import unfolded

EXPECTED = "; expected whole numbers of pixels, and fps such as 25 or 30000/1001"
SECONDS = ", expected seconds of the reference, such as 12.48"
HEADER = "source,reference,distorted"


@pytest.fixture
def manifest(tmp_path):
    def write(*lines, encoding="utf-8"):
        path = tmp_path / "corpus.csv"
        path.write_text("\n".join(lines) + "\n", encoding=encoding)
        return path

    return write


def refusal(path, raw=None):
    with pytest.raises(CorpusError) as caught:
        read_manifest(path, raw=raw)
    return str(caught.value).removeprefix(str(path))


def test_paths_are_relative_to_the_manifest_and_others_columns_are_left_alone(manifest):
    path = manifest(
        f"{HEADER},clip,mos,encoder",
        "Bird,ref/bird.mp4,dis/bird low.mp4,,3.5,x264",
        '"Café, night",/abs/cafe.mkv,"dis/a,b.mp4",cheap,,',
    )
    bird, cafe = read_corpus(path.parent).pairs
    assert bird.reference.path == path.parent / "ref" / "bird.mp4"
    assert (bird.clip, bird.mos) == ("bird low", 3.5)
    assert str(cafe.reference.path) == "/abs/cafe.mkv"
    assert (cafe.source, cafe.clip, cafe.mos) == ("Café, night", "cheap", None)
    assert cafe.distorted.path.name == "a,b.mp4"


def test_the_mark_that_spreadsheets_put_in_front(manifest):
    path = manifest(HEADER, "Bird,a.mp4,b.mp4", encoding="utf-8-sig")
    assert read_manifest(path).sources == ("Bird",)


def test_windows_line_ends(manifest):
    path = manifest(HEADER + "\r", "Bird,a.mp4,b.mp4\r")
    assert read_manifest(path).pairs[0].distorted.path.name == "b.mp4"


def test_a_missing_column(manifest):
    assert refusal(manifest("source;reference;distorted", "a;b;c")) == (
        ": no column source, reference, distorted; found source;reference;distorted; a manifest "
        "needs source, reference, distorted"
    )
    assert refusal(manifest("")) == (
        ": no column source, reference, distorted; found none; a manifest needs source, "
        "reference, distorted"
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Bird,,b.mp4", "no value for reference"),
        (",,", "no value for source, reference, distorted"),
        ("Bird,a.mp4", "no value for distorted"),
        ("Bird,a.mp4,b.mp4,c.mp4", "more values than columns"),
    ],
)
def test_a_line_that_cannot_be_understood_is_named_by_its_number(manifest, line, message):
    path = manifest(HEADER, "Cat,a.mp4,b.mp4", line)
    assert refusal(path) == f", line 3: {message}"


def test_excerpts_are_seconds_of_the_reference(manifest):
    path = manifest(
        f"{HEADER},start,duration,reference_start",
        "Bird,a.mp4,b.mp4,,,",
        "Bird,a.mp4,c.mp4,1.5,2,0",
    )
    whole, part = read_manifest(path).pairs
    assert whole.excerpt == WHOLE
    assert part.excerpt == Excerpt(1.5, 2.0, 0.0)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("mos", "good", "mos is 'good', expected a number"),
        ("mos", "nan", "mos is 'nan', expected a number"),
        ("mos", "inf", "mos is 'inf', expected a number"),
        ("start", "soon", f"start is 'soon'{SECONDS}"),
        ("duration", "-1", f"duration is '-1'{SECONDS}"),
        ("reference_start", "inf", f"reference_start is 'inf'{SECONDS}"),
    ],
)
def test_a_number_that_is_none(manifest, column, value, message):
    path = manifest(f"{HEADER},{column}", f"Bird,a.mp4,b.mp4,{value}")
    assert refusal(path) == f", line 2: {message}"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("192,,,", "expected both width and height, or neither"),
        (",108,,", "expected both width and height, or neither"),
        ("wide,108,,", "width wide, height 108" + EXPECTED),
        ("192.5,108,,", "width 192.5, height 108" + EXPECTED),
        ("inf,108,,", "width inf, height 108" + EXPECTED),
        ("0,108,,", "a video of 0x108 pixels: expected 1x1 or more"),
        ("-2,108,,", "a video of -2x108 pixels: expected 1x1 or more"),
        ("192,108,,0", "a frame rate of 0: expected more than 0"),
        ("192,108,,-25", "a frame rate of -25: expected more than 0"),
        ("192,108,,fast", "width 192, height 108, fps fast" + EXPECTED),
        ("192,108,,1/0", "width 192, height 108, fps 1/0" + EXPECTED),
        (",,,", "a.yuv is raw video; give width and height in the manifest, or `raw`"),
    ],
)
def test_a_geometry_that_cannot_be(manifest, values, message):
    path = manifest(f"{HEADER},width,height,pix_fmt,fps", f"Bird,a.yuv,b.yuv,{values}")
    assert refusal(path) == f", line 2: {message}"


def test_an_unknown_pixel_format(manifest):
    path = manifest(f"{HEADER},width,height,pix_fmt", "Bird,a.yuv,b.yuv,192,108,rgb24")
    assert refusal(path).startswith(", line 2: unknown pixel format 'rgb24' for raw video")


def test_the_geometry_of_raw_files_and_what_a_row_leaves_out(manifest):
    path = manifest(
        f"{HEADER},clip,width,height,pix_fmt,fps",
        "Bird,a.yuv,b.yuv,1,192,108,yuv422p10le,30000/1001",
        "Bird,a.yuv,b.yuv,2,,,,",
        "Bird,a.yuv,b.yuv,3,,,yuv444p,",
        "Bird,a.mp4,b.mp4,4,,,,50",
    )
    option = RawFormat(64, 48, "yuv420p10le", Fraction(50))
    found = [pair.distorted.raw for pair in read_manifest(path, raw=option).pairs]
    assert found == [
        RawFormat(192, 108, "yuv422p10le", Fraction(30000, 1001)),
        option,
        RawFormat(64, 48, "yuv444p", Fraction(50)),
        None,
    ]


def test_the_same_clip_twice(manifest):
    path = manifest(HEADER, "Bird,a.mp4,x/b.mp4", "Cat,a.mp4,x/b.mp4", "Bird,a.mp4,y/b.mp4")
    assert refusal(path) == (
        ", line 4: clip b of source Bird occurs twice; give each a different name in a column "
        "`clip`"
    )


def test_no_row(manifest):
    path = manifest(HEADER)
    with pytest.raises(CorpusError) as caught:
        read_corpus(path)
    assert str(caught.value) == f"{path}: no pair found"


@pytest.mark.parametrize(
    "data", [b"source,reference,distorted\na,\xff,c\n", b'source,reference,distorted\n"a,b,c\n']
)
def test_bytes_that_are_no_csv(tmp_path, data):
    path = tmp_path / "corpus.csv"
    path.write_bytes(data)
    assert refusal(path).startswith(": not a readable CSV file: ")


@given(st.binary(max_size=200))
def test_any_bytes_give_a_corpus_or_a_refusal(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(b"source,reference,distorted,width,height,fps,mos\n" + data)
    with suppress(CorpusError):
        read_manifest(path)


def test_a_column_that_is_there_twice(manifest):
    path = manifest(f"{HEADER},mos,mos", "Bird,a.mp4,b.mp4,1,5")
    assert refusal(path) == (
        ": column mos occurs twice; one of them would not be read: leave one out, or rename it"
    )


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1/a.mp4", "s3://bucket/a.mp4", "file:///a.mp4", "http:/x/a.mp4"]
)
@pytest.mark.parametrize("line", ["Bird,{},b.mp4", "Bird,a.mp4,{}"])
def test_a_list_on_this_machine_names_no_store(manifest, address, line, monkeypatch):
    path = manifest(HEADER, line.format(address))
    monkeypatch.chdir(path.parent)
    for read in (lambda: read_manifest(path), lambda: read_corpus(Path())):
        with pytest.raises(CorpusError) as caught:
            read()
        assert str(caught.value).endswith(
            f"corpus.csv, line 2: {unfolded(address)} is in a store that the command line does not "
            "name, so that nothing is fetched from there; copy it here, or put the list into the "
            "same store"
        )


def test_names_that_hardly_differ(manifest):
    path = manifest(HEADER, "s,a.mp4,b.mp4", " s ,a.mp4,b.mp4")
    with pytest.raises(SplitError, match="sources ' s ' and 's' differ by blanks"):
        read_corpus(path)


def test_a_long_manifest_takes_time_in_proportion(tmp_path):
    """As many sources in proportion, all files missing: reading, summing up and grouping."""

    def seconds(n_rows):
        path = tmp_path / f"{n_rows}" / "corpus.csv"
        path.parent.mkdir()
        rows = [f"s{row % (n_rows // 8)},c{row},r{row % (n_rows // 8)}.mp4,d.mp4"
                for row in range(n_rows)]  # fmt: skip
        path.write_text("\n".join(["source,clip,reference,distorted", *rows]))
        started = time.process_time()
        found = scan_corpus(read_corpus(path))
        groups({pair: Size() for pair in read_corpus(path).pairs}, at_once=4, n_workers=2)
        took = time.process_time() - started
        assert len(found.problems) == n_rows // 8
        return took

    seconds(80)
    # 8 times in proportion, 64 times if every source looks at every row.
    assert seconds(2400) < 24 * seconds(300)
