# SPDX-License-Identifier: Apache-2.0
"""Frames matched by their times alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyvmaf.pairs.checked import Matching, Run, frames_of
from tinyvmaf.pairs.finding import Allowance
from tinyvmaf.pairs.matching import alone, from_numbers, match_times, moved, rate_of
from tinyvmaf.pairs.timing import Excerpt, by_time


def at(rate, n_frames, *, start=0.0, rounded=None):
    times = start + np.arange(n_frames) / rate
    return times if rounded is None else np.round(times / rounded) * rounded


def test_the_same_frames_match_whatever_the_time_base_and_the_start():
    for rate in (10, 23.976, 24, 25, 29.97, 59.94, 120):
        found = match_times(at(rate, 500), at(rate, 500, start=1.4, rounded=0.001))
        assert found == Matching.by_number(500), rate


@given(st.lists(st.floats(0.005, 0.5), min_size=1, max_size=60))
def test_uneven_times_match_themselves(gaps):
    times = np.cumsum([0.0, *gaps])
    assert match_times(times, times + 7) == Matching.by_number(len(times))


def test_every_second_frame_has_a_partner_at_half_the_rate():
    found = match_times(at(60, 100), at(30, 50, rounded=0.001))
    assert found.runs == (Run(0, 0, 50, reference_step=2),)
    assert alone(found.reference, n_frames=100).within == 49
    assert alone(found.reference, n_frames=100).at_end == 1


def test_a_frame_that_lacks_in_the_middle_is_named_by_its_time():
    times = at(25, 50)
    found = match_times(times, np.delete(times, 20))
    assert found.runs == (Run(0, 0, 20), Run(21, 20, 29))


def test_runs_give_their_frames_again():
    ours, theirs = np.array([0, 2, 4, 9, 10, 20]), np.array([0, 1, 2, 5, 6, 7])
    found = from_numbers(ours, theirs)
    assert frames_of(found.reference).tolist() == ours.tolist()
    assert frames_of(found.distorted).tolist() == theirs.tolist()


def test_moved_frames_that_have_no_partner_are_left_out():
    found = moved(Matching.by_number(10), np.array([0] * 5 + [-1] * 5), n_frames=10)
    assert found.runs == (Run(0, 0, 5), Run(5, 6, 4))
    assert moved(Matching.by_number(10), np.full(10, 3), n_frames=10).runs == (Run(3, 0, 7),)


def test_the_rate_is_that_of_the_usual_gap():
    times = at(29.97, 100, rounded=0.001)
    times[50:] += 3
    assert rate_of(times) == pytest.approx(29.97, rel=1e-3)


def test_a_few_frames_at_the_end_are_left_out_and_many_are_not():
    found = by_time(reference=at(25, 100), distorted=at(25, 98))
    assert found.matching == Matching.by_number(98)
    (said,) = found.findings
    assert said.sentence == "the last 2 frames of reference have no partner: left out"
    assert said.allowance is None
    (refused,) = by_time(reference=at(25, 100), distorted=at(25, 60)).findings
    assert refused.allowance is Allowance.FRAME_COUNT
    assert "the last 40 of reference (1.60 s) have no partner" in refused.cause


@pytest.mark.parametrize(
    ("reference", "distorted", "words"),
    [
        (at(60, 100), at(30, 50), "`allow=['frame-rate']` compares the 50 frames at common times"),
        (at(24, 96), at(25, 96), "compares them frame by frame, in order, whatever their times"),
        (at(30, 120), at(25, 100), "no frame rate fits"),
        (at(24, 96), at(30, 120), "no frame rate fits"),
    ],
)
def test_other_rates_are_refused_with_what_mends_them(reference, distorted, words):
    (found,) = by_time(reference=reference, distorted=distorted).findings
    assert words in found.cure
    assert found.final or found.allowance is Allowance.FRAME_RATE


def test_files_that_were_appended_to_each_other():
    whole, half = at(25, 96), at(25, 48)
    doubled = np.sort(np.concatenate([half, half]))
    (found,) = by_time(reference=half, distorted=doubled).findings
    assert found.final
    assert found.sentence == (
        "48 of 96 frames of distorted are shown at the time of another one: its time stamps begin "
        "again, as where files were appended to each other: join the parts with ffmpeg's concat "
        "demuxer"
    )
    (in_order,) = by_time(reference=whole, distorted=doubled).findings
    assert "frame by frame, in order" in in_order.cure


def test_an_excerpt_is_cut_out_of_the_reference():
    found = by_time(
        reference=at(25, 100), distorted=at(25, 40), excerpt=Excerpt(reference_start_s=1.2)
    )
    assert found.matching.runs == (Run(30, 0, 40),)
    assert found.findings == ()
    part = by_time(
        reference=at(25, 100), distorted=at(25, 100), excerpt=Excerpt(start_s=1.0, duration_s=2.0)
    )
    assert part.matching.runs == (Run(25, 25, 50),)
