# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyvmaf.scoring.costs import Costs, measured_costs
from tinyvmaf.scoring.plan import (
    FIRST_STRATA,
    Answer,
    Draw,
    Enough,
    Facts,
    Found,
    Goal,
    LeaveToLibvmaf,
    Method,
    choose_method,
    decide,
    paid_half_width,
    sampled_cost,
)

COSTS = Costs(
    decoding=0.01,
    libvmaf=0.05,
    exact_frame=0.05,
    spare_frame=0.01,
    passes={"signal": 0.001, "quarter": 0.004},
    start_s=0.5,
    deviations={"decode": 3.0, "seek": 6.4},
)
FACTS = Facts(n_frames=3000, n_pixels=1920 * 1080, passes=("signal",))
WITHIN = Goal(within=1.0)


def step(found=None, *, facts=FACTS, goal=WITHIN):
    return decide(facts, goal=goal, costs=COSTS, found=found)


def found(half_width, **options):
    options = {"method": Method.DECODE, "n_strata": 32, "mean": 80.0, **options}
    return Found(half_width=half_width, **options)


def test_the_first_round_is_large_enough_for_an_early_stop():
    first = step()
    assert isinstance(first, Draw)
    assert (first.n_strata, first.method) == (FIRST_STRATA, Method.DECODE)
    assert first.n_doublings == 2
    assert FIRST_STRATA >= 24
    assert step(goal=Goal(within=0.25)).n_strata == 2 * FIRST_STRATA


def test_no_more_is_kept_than_there_is_room():
    facts = replace(FACTS, max_spare=FIRST_STRATA)
    assert step(facts=facts).n_doublings == 1
    assert step(facts=replace(FACTS, max_spare=3)).n_doublings == 0


def test_stop_when_narrow_enough_else_cut_the_strata():
    assert step(found(0.9)) == Enough(paid_half_width(0.9, goal=WITHIN))
    again = step(found(2.0))
    assert isinstance(again, Draw)
    assert again.n_strata == 165
    # What was kept costs little, so that it is tried first.
    assert step(found(2.0, at_hand=64)).n_strata == 64


def test_the_chance_to_stop_has_its_price():
    assert isinstance(step(found(0.94)), Enough)
    assert isinstance(step(found(0.95)), Draw)
    assert paid_half_width(1.0, goal=WITHIN) > paid_half_width(1.0, goal=Goal(n_exact=25)) == 1


def test_a_number_of_frames_is_that_number():
    goal = Goal(n_exact=20)
    assert step(goal=goal) == Draw(Method.DECODE, 19)
    assert step(found(9.0, n_strata=19), goal=goal) == Enough(9.0)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (replace(FACTS, sizes_fit=False), "the pictures are too small to be reduced"),
        (
            replace(FACTS, n_frames=10),
            "10 frames of this size take little longer than the start of the program",
        ),
    ],
)
def test_libvmaf_itself_is_the_better_choice(facts, reason):
    assert step(facts=facts) == LeaveToLibvmaf(reason)


def test_too_many_exact_frames_are_left_to_libvmaf():
    left = step(found(30.0))
    assert left == LeaveToLibvmaf("2787 exact frames of 3000 would cost as much as all of them")


def test_seeking_goes_on_by_doubling_at_most():
    narrow, wide = found(1.05, method=Method.SEEK), found(9.0, method=Method.SEEK)
    assert 32 < step(narrow).n_strata < 64
    assert step(wide).n_strata == 64
    # A further decode of everything is dearer than a few frames too many.
    assert step(found(3.0)).n_strata > 64


def test_questions():
    goal = Goal(at_least=80.0, budget_s=10.0)
    assert step(found(1.0, mean=82.0), goal=goal) == Enough(1.06, Answer.YES)
    assert step(found(1.0, mean=78.0), goal=goal) == Enough(1.06, Answer.NO)
    assert isinstance(step(found(1.0, mean=80.5), goal=goal), Draw)
    late = found(1.0, mean=80.5, seconds=10.0)
    assert step(late, goal=goal) == Enough(1.06, Answer.TOO_CLOSE)
    assert isinstance(step(late, goal=replace(goal, budget_s=None)), Draw)
    hopeless = found(1.0, mean=80.0, n_strata=1400)
    assert step(hopeless, goal=goal) == Enough(1.06, Answer.TOO_CLOSE)
    assert isinstance(step(hopeless, goal=replace(goal, budget_s=None)), LeaveToLibvmaf)


def test_questions_about_a_percentile_rest_on_the_share_of_frames_below():
    goal = Goal(at_least=80.0, percentile=5.0)
    assert step(found(9.0, share_below=(0.0, 0.04)), goal=goal) == Enough(
        paid_half_width(9.0, goal=goal), Answer.YES
    )
    assert step(found(9.0, share_below=(0.06, 0.3)), goal=goal) == Enough(
        paid_half_width(9.0, goal=goal), Answer.NO
    )
    assert isinstance(step(found(9.0, share_below=(0.0, 0.3)), goal=goal), Draw)


def test_long_videos_are_sought_and_short_ones_decoded():
    facts = replace(FACTS, decoded_a_visit=60.0, n_frames=1500)
    assert choose_method(facts, goal=WITHIN, costs=COSTS) is Method.DECODE
    long = replace(facts, n_frames=30_000)
    assert choose_method(long, goal=WITHIN, costs=COSTS) is Method.SEEK
    assert choose_method(replace(long, decoded_a_visit=None), goal=WITHIN, costs=COSTS) is (
        Method.DECODE
    )
    assert choose_method(replace(long, method=Method.DECODE), goal=WITHIN, costs=COSTS) is (
        Method.DECODE
    )


@given(n_exact=st.integers(1, 500), factor=st.integers(2, 50))
def test_the_cost_of_seeking_hardly_depends_on_the_length(n_exact, factor):
    facts = replace(FACTS, decoded_a_visit=50.0, n_frames=100_000)
    costs = [
        sampled_cost(item, COSTS, method=Method.SEEK, n_exact=n_exact)
        for item in (facts, replace(facts, n_frames=factor * facts.n_frames))
    ]
    assert costs[0] <= costs[1] * (1 + 1e-9)
    assert costs[1] <= 1.2 * costs[0]


@given(half=st.floats(0.01, 100), n_strata=st.integers(4, 2000))
def test_a_step_never_shrinks_a_sample(half, n_strata):
    decision = step(found(half, n_strata=n_strata))
    assert not isinstance(decision, Draw) or decision.n_strata > n_strata


def test_encodes_of_one_reference_share_its_decode():
    alone = sampled_cost(FACTS, COSTS, method=Method.DECODE, n_exact=30)
    shared = sampled_cost(replace(FACTS, n_encodes=4), COSTS, method=Method.DECODE, n_exact=30)
    assert shared < 0.75 * alone


def test_the_figures_are_those_of_the_file():
    found = measured_costs()
    assert found.libvmaf > found.decoding > 0
    assert {"signal", "half", "quarter"} <= found.passes.keys()
