# SPDX-License-Identifier: Apache-2.0
"""The geometry that raw pictures show, and the one that is said of them."""

import pytest

import tinyvmaf as tv
from tinyvmaf.corpus.reading import read_corpus
from tinyvmaf.errors import MisalignedError
from tinyvmaf.media.video import RawFormat
from tinyvmaf.pairs.raw_geometry import better_geometry
from tinyvmaf.pairs.scan import scan_corpus

pytestmark = pytest.mark.ffmpeg

WIDTH, HEIGHT = 640, 360
# One more frame, black in luma and green, makes one picture of 1920x1080.
FILL = RawFormat(WIDTH, HEIGHT).frame_bytes
CONTENTS = ("bigbuckbunny", "bikes", "carphone_pristine", "cityCC0")
DRAWN = {
    "noise": "nullsrc=s=640x360:r=25,geq=random(1)*255:128:128",
    "bars": "smptebars=s=640x360:r=25",
    "black": "color=black:s=640x360:r=25",
    "fractal": "mandelbrot=s=640x360:r=25",
    "cells": "life=s=640x360:r=25",
}


@pytest.fixture(scope="module")
def raw(tmp_path_factory, clips, make_video):
    """Eight raw frames of a content: `raw(name, filters=..., pix_fmt=...)`."""
    folder = tmp_path_factory.mktemp("raw")

    def make(name, *, filters="", pix_fmt="yuv420p"):
        path = folder / f"{name}{len(filters)}{pix_fmt}.yuv"
        if not path.exists():
            source = ["-i", clips[name]] if name in clips else ["-f", "lavfi", "-i", DRAWN[name]]
            graph = f"scale={WIDTH}:{HEIGHT}{filters}"
            shown = ["-vf", graph, "-frames:v", 8, "-pix_fmt", pix_fmt, "-f", "rawvideo"]
            make_video(path, *source, *shown)
        return path

    return make


def better(path, width, height, pix_fmt="yuv420p"):
    found = better_geometry(path, RawFormat(width, height, pix_fmt))
    return found and (found.width, found.height)


@pytest.mark.parametrize("name", [*CONTENTS, *DRAWN])
def test_the_right_geometry_is_never_doubted(raw, name):
    assert better(raw(name), WIDTH, HEIGHT) is None


@pytest.mark.parametrize("name", CONTENTS)
def test_combed_pictures_are_no_two_rows_in_one(raw, name):
    assert better(raw(name, filters=",tinterlace=4"), WIDTH, HEIGHT) is None


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize(("width", "height"), [(HEIGHT, WIDTH), (2 * WIDTH, 2 * HEIGHT)])
def test_a_wrong_geometry_is_seen_and_the_right_one_named(raw, name, width, height):
    assert better(raw(name), width, height) == (WIDTH, HEIGHT)


def test_pictures_of_ten_bits_are_judged_alike(raw):
    path = raw("bikes", pix_fmt="yuv420p10le")
    assert better(path, WIDTH, HEIGHT, "yuv420p10le") is None
    assert better(path, HEIGHT, WIDTH, "yuv420p10le") == (WIDTH, HEIGHT)


@pytest.mark.parametrize("name", ["noise", "black", "cells"])
def test_what_tells_nothing_is_not_judged(raw, name):
    assert better(raw(name), HEIGHT, WIDTH) is None


def test_a_pair_of_swapped_sides_is_refused_and_scored_when_that_is_accepted(raw):
    path = raw("bikes")
    with pytest.raises(MisalignedError) as caught:
        tv.score(reference=path, distorted=path, raw=RawFormat(HEIGHT, WIDTH), mode="exact")
    assert (
        "reference is read as raw video of 360x640, but its pictures are whole in 640x360: say "
        "`raw=RawFormat(640, 360)`, or width and height in the manifest, or accept it "
        "with `allow=['geometry']`"
    ) in str(caught.value)
    found = tv.score(
        reference=path,
        distorted=path,
        raw=RawFormat(HEIGHT, WIDTH),
        mode="exact",
        allow={"geometry"},
    )
    assert any("(accepted)" in note for note in found.notes)
    right = tv.score(reference=path, distorted=path, raw=RawFormat(WIDTH, HEIGHT), mode="exact")
    assert len(right.frame_scores) == 8


def test_a_corpus_of_another_size_than_the_published_one_is_refused_by_its_pictures(raw, tmp_path):
    for folder, name in (("ref", "A_25fps.yuv"), ("dis", "A_1_360_10.yuv")):
        (tmp_path / folder).mkdir()
        # As many frames as make whole pictures of 1920x1080.
        (tmp_path / folder / name).write_bytes(raw("bikes").read_bytes() + bytes(FILL))
    (problem,) = scan_corpus(read_corpus(tmp_path)).problems
    assert "reference is read as raw video of 1920x1080, but its pictures are whole in 640x360" in (
        problem.reason
    )
