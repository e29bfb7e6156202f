# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyvmaf.errors import MisalignedError
from tinyvmaf.media.video import VideoInfo
from tinyvmaf.pairs.alignment import Alignment, align
from tinyvmaf.pairs.checked import Conversion, Matching
from tinyvmaf.pairs.finding import Allowance

ALL = Matching.by_number(100)
PLAIN = VideoInfo(192, 108, "yuv420p", Fraction(25), n_frames=100, start_s=0.0, codec="h264")

# What differs -> the distorted video, the option, what it says, and how the pair is compared.
DIFFERENCES = {
    "ten frames fewer": (
        replace(PLAIN, n_frames=90),
        "frame-count",
        ("reference has 100 frames, distorted 90", "the first 90 are compared"),
        Alignment(Matching.by_number(90)),
    ),
    "one frame more": (
        replace(PLAIN, n_frames=101),
        "frame-count",
        ("reference has 100 frames, distorted 101", "the first 100 are compared"),
        Alignment(ALL),
    ),
    "twice the rate": (
        replace(PLAIN, frame_rate=Fraction(50)),
        "frame-rate",
        ("reference has 25 fps, distorted 50", "frames are paired by number"),
        Alignment(ALL),
    ),
    "ten bits": (
        replace(PLAIN, pix_fmt="yuv420p10le"),
        "pix-fmt",
        (
            "reference has pixel format yuv420p, distorted yuv420p10le",
            "compared as yuv420p",
        ),
        Alignment(ALL, Conversion(pix_fmt="yuv420p"), Conversion(pix_fmt="yuv420p")),
    ),
    "full range": (
        replace(PLAIN, pix_fmt="yuvj420p", color_range="full"),
        "color-range",
        (
            "reference has limited colour range, distorted the other",
            "distorted is converted to limited range",
        ),
        Alignment(ALL, distorted=Conversion(color_range="limited")),
    ),
}


@pytest.mark.parametrize("difference", DIFFERENCES)
def test_a_difference_is_refused_by_default_with_the_option_that_accepts_it(difference):
    distorted, option, (found, done), _ = DIFFERENCES[difference]
    with pytest.raises(MisalignedError) as caught:
        align(reference=PLAIN, distorted=distorted)
    assert str(caught.value) == (
        f"reference and distorted do not fit: {found} (--allow {option} accepts that: {done})"
    )


@pytest.mark.parametrize("difference", DIFFERENCES)
def test_a_difference_is_accepted_by_its_own_option_only_and_noted(difference):
    distorted, option, (found, done), expected = DIFFERENCES[difference]
    own = frozenset({Allowance(option)})
    found_alignment = align(reference=PLAIN, distorted=distorted, allowed=own)
    assert found_alignment == replace(expected, notes=(f"{found}; {done}",), accepted=own)
    with pytest.raises(MisalignedError):
        align(reference=PLAIN, distorted=distorted, allowed=frozenset(Allowance) - own)


def test_all_differences_are_named_at_once():
    distorted = replace(PLAIN, n_frames=90, frame_rate=Fraction(50), pix_fmt="yuv444p")
    with pytest.raises(MisalignedError) as caught:
        align(reference=PLAIN, distorted=distorted, allowed=frozenset({Allowance.FRAME_RATE}))
    assert str(caught.value) == (
        "reference and distorted do not fit: reference has 100 frames, distorted 90 "
        "(--allow frame-count accepts that: the first 90 are compared); reference has pixel "
        "format yuv420p, distorted yuv444p (--allow pix-fmt accepts that: compared as yuv420p)"
    )


def test_another_size_is_scaled_to_the_references_and_noted():
    distorted = replace(PLAIN, width=96, height=54)
    assert align(reference=PLAIN, distorted=distorted) == Alignment(
        ALL,
        distorted=Conversion(size=(192, 108)),
        notes=("distorted 96x54 scaled to 192x108 (bicubic)",),
    )


def test_videos_that_fit_need_nothing():
    same = replace(PLAIN, codec="av1", start_s=0.5, bitrate_kbps=3.0, color_range="limited")
    assert align(reference=PLAIN, distorted=same) == Alignment(ALL)
    full = replace(PLAIN, pix_fmt="yuvj420p")
    distorted = replace(PLAIN, color_range="full")
    assert align(reference=full, distorted=distorted) == Alignment(ALL)


def test_a_format_that_libvmaf_does_not_read_needs_the_option_too():
    picture = replace(PLAIN, pix_fmt="gbrp")
    with pytest.raises(MisalignedError, match="libvmaf does not read the pixel format gbrp"):
        align(reference=picture, distorted=picture)
    allowed = align(reference=picture, distorted=picture, allowed=frozenset({Allowance.PIX_FMT}))
    assert allowed.reference.pix_fmt == allowed.distorted.pix_fmt == "yuv444p"


@given(st.integers(1, 200), st.floats(-4e-4, 4e-4))
def test_averages_that_containers_round_are_one_rate(rate, error):
    near = replace(PLAIN, frame_rate=Fraction(rate * (1 + error)))
    assert not align(reference=replace(PLAIN, frame_rate=Fraction(rate)), distorted=near).notes


@given(st.sampled_from([24, 30, 60, 120]))
def test_a_film_rate_is_not_its_ntsc_neighbour(rate):
    ntsc = replace(PLAIN, frame_rate=Fraction(rate * 1000, 1001))
    with pytest.raises(MisalignedError, match="fps"):
        align(reference=replace(PLAIN, frame_rate=Fraction(rate)), distorted=ntsc)
