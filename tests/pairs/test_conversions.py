# SPDX-License-Identifier: Apache-2.0
"""The picture format in which a pair is compared."""

from dataclasses import replace
from fractions import Fraction

import pytest

from tinyvmaf.media.video import VideoInfo
from tinyvmaf.pairs.checked import Conversion, Crop
from tinyvmaf.pairs.conversions import conversions

PLAIN = VideoInfo(192, 108, "yuv420p", Fraction(25), n_frames=100, start_s=0.0, codec="h264")
AS_IT_IS = Conversion()


def found(ours=PLAIN, theirs=PLAIN, **options):
    return conversions(reference=ours, distorted=theirs, **options)


def test_equal_videos_are_left_alone():
    assert found() == ((AS_IT_IS, AS_IT_IS), ())
    full = replace(PLAIN, pix_fmt="yuvj420p", color_range="full")
    assert found(full, full) == ((AS_IT_IS, AS_IT_IS), ())


@pytest.mark.parametrize(
    ("ours", "theirs", "common"),
    [
        ("yuv420p", "yuv420p10le", "yuv420p10le"),
        ("yuv422p10le", "yuv420p", "yuv420p10le"),
        ("yuv444p", "yuv420p", "yuv420p"),
        ("yuv422p", "yuv444p12le", "yuv422p12le"),
        ("nv12", "yuv420p", "yuv420p"),
        ("gray", "yuv420p", "yuv420p"),
        ("yuv420p9le", "yuv420p", "yuv420p10le"),
    ],
)
def test_the_greater_depth_and_the_lesser_subsampling_are_taken(ours, theirs, common):
    both, notes = found(replace(PLAIN, pix_fmt=ours), replace(PLAIN, pix_fmt=theirs))
    assert [item.pix_fmt for item in both] == [common, common]
    assert notes[0].startswith(f"reference is {ours}, distorted {theirs}: compared as {common}, ")


def test_rgb_takes_the_matrix_of_the_other_video():
    rgb = replace(PLAIN, pix_fmt="gbrp")
    (ours, theirs), notes = found(rgb, replace(PLAIN, matrix="bt709"))
    assert ours == Conversion(pix_fmt="yuv420p", color_range="limited", matrix="bt709")
    assert theirs == Conversion(pix_fmt="yuv420p")
    assert notes[1] == "reference is RGB: converted to YUV of limited range by BT.709"
    assert found(rgb, PLAIN)[0][0].matrix == "bt601"
    assert found(replace(rgb, width=1920, height=1080), PLAIN)[0][0].matrix == "bt709"


def test_full_range_is_brought_to_limited_range_on_either_side():
    full = replace(PLAIN, color_range="full")
    assert found(full, PLAIN)[0] == (Conversion(color_range="limited"), AS_IT_IS)
    assert found(PLAIN, full)[0] == (AS_IT_IS, Conversion(color_range="limited"))


def test_levels_that_are_stretched_without_a_flag_are_read_as_they_are():
    (_, theirs), notes = found(stretched="full")
    assert theirs == Conversion(color_range="limited", from_range="full")
    assert notes == ("distorted is read as if it had full colour range (accepted)",)


def test_a_crop_comes_before_the_size():
    crop = Crop(192, 80, 0, 14)
    (ours, theirs), notes = found(PLAIN, replace(PLAIN, width=96, height=40), crops=(crop, None))
    assert ours == Conversion(crop=crop)
    assert theirs == Conversion(size=(192, 80))
    assert "reference is cropped to 192x80 (`crop='192:80:0:14'`)" in notes
