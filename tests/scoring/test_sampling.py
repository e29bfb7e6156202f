# SPDX-License-Identifier: Apache-2.0
"""The rounds of sampling on tables: adversarial series, decisions, encodes of one reference."""

import numpy as np
import pytest

from tinyvmaf.frontier.table_material import TableMaterial
from tinyvmaf.scoring.auxiliary import signal_variables
from tinyvmaf.scoring.costs import measured_costs
from tinyvmaf.scoring.plan import Answer, Goal
from tinyvmaf.scoring.sampling import sample_encodes
from tinyvmaf.stats.survey import no_auxiliary

N_FRAMES = 1200


def run(exact, auxiliary, *, goal, seed, passes=("signal",)):
    material = TableMaterial(exact, auxiliary, passes=passes)
    found = sample_encodes(
        material,
        n_encodes=len(exact),
        goal=goal,
        costs=measured_costs(),
        rng=np.random.default_rng(seed),
    )
    return material, found


def quiet(rng, *, level=95.0):
    exact = level + rng.normal(0, 0.5, N_FRAMES)
    return exact, np.stack([40 + rng.normal(0, 0.5, N_FRAMES), rng.normal(25, 2, N_FRAMES)], 1)


def with_event(rng, *, share, drop, db):
    """A quiet clip in which the score and PSNR drop on some consecutive frames."""
    exact, values = quiet(rng)
    length = max(1, round(share * N_FRAMES))
    start = rng.integers(1, N_FRAMES - length)
    exact[start : start + length] -= drop
    values[start : start + length, 0] -= db
    return exact, values


@pytest.mark.parametrize(("share", "drop"), [(0.002, 85.0), (0.01, 15.0), (0.05, 40.0)])
def test_an_event_that_psnr_sees_is_covered(share, drop):
    rng = np.random.default_rng(0)
    covered = []
    for seed in range(60):
        exact, values = with_event(rng, share=share, drop=drop, db=max(6.0, drop / 4))
        _, (found,) = run([exact], [signal_variables(values)], goal=Goal(within=1.0), seed=seed)
        left = found.reason is not None
        covered.append(left or abs(found.estimate.mean - exact.mean()) <= found.half_width)
    assert np.mean(covered) >= 0.9


def test_outliers_that_were_kept_cost_no_decode():
    rng = np.random.default_rng(1)
    exact, values = with_event(rng, share=0.09, drop=40.0, db=15.0)
    material, (found,) = run([exact], [signal_variables(values)], goal=Goal(within=1.0), seed=0)
    assert found.outliers is not None
    assert len(found.outliers.sampled) >= 4
    assert material.n_decodes == 1
    exact, values = with_event(rng, share=0.002, drop=40.0, db=15.0)
    material, (found,) = run([exact], [signal_variables(values)], goal=Goal(within=1.0), seed=0)
    assert material.n_decodes == 2
    assert set(found.outliers.frames.tolist()) == set(found.outliers.sampled)


def test_encodes_of_one_reference_get_the_same_frames():
    rng = np.random.default_rng(2)
    common = rng.normal(0, 4, N_FRAMES)
    easy = 90 + 0.1 * common
    hard = 70 + 2 * common + rng.normal(0, 4, N_FRAMES)
    bare = [no_auxiliary(N_FRAMES)] * 2
    material, (first, second) = run([easy, hard], bare, goal=Goal(within=1.0), seed=3, passes=())
    assert first.n_looks < second.n_looks
    assert set(first.sample.frames) < set(material.exact(1))
    assert set(material.exact(0)) <= set(material.exact(1))


def test_the_same_numbers_with_and_without_company():
    rng = np.random.default_rng(4)
    exact, values = quiet(rng)
    other = exact - 3
    alone = run([exact], [signal_variables(values)], goal=Goal(within=1.0), seed=5)[1][0]
    both = run([exact, other], [signal_variables(values)] * 2, goal=Goal(within=1.0), seed=5)[1]
    assert both[0].estimate == alone.estimate


@pytest.mark.parametrize("distance", [-3.0, -1.0, -0.5, 0.5, 1.0, 3.0])
def test_questions_are_seldom_answered_wrongly(distance):
    rng = np.random.default_rng(6)
    wrong = []
    for seed in range(30):
        exact = 80 + 6 * rng.normal(size=N_FRAMES)
        goal = Goal(at_least=float(exact.mean()) + distance)
        _, (found,) = run([exact], [no_auxiliary(N_FRAMES)], goal=goal, seed=seed, passes=())
        right = Answer.NO if distance > 0 else Answer.YES
        wrong.append(found.reason is None and found.answer is not right)
    assert np.mean(wrong) <= 0.07


def test_a_question_about_a_percentile():
    rng = np.random.default_rng(7)
    exact = 80 + 6 * rng.normal(size=10 * N_FRAMES)
    p5 = float(np.percentile(exact, 5))
    bare = [no_auxiliary(len(exact))]
    for threshold, answer in ((p5 - 4, Answer.YES), (p5 + 4, Answer.NO)):
        goal = Goal(at_least=threshold, percentile=5.0)
        _, (found,) = run([exact], bare, goal=goal, seed=1, passes=())
        assert found.answer is answer
