# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate

from tinyvmaf.scoring.proxy import predicted_score, signal_measures
from tinyvmaf.scoring.sampled import first_strata
from tinyvmaf.stats.survey import (
    MIN_STRATA,
    Cheap,
    Estimate,
    Sample,
    corrected,
    draw,
    estimate,
    finer,
    refine,
)

sizes = st.tuples(st.integers(2, 400), st.integers(MIN_STRATA, 30))


def clip(seed, *, n_frames=300, spread=3.0, smooth=0.8):
    """The exact scores of a clip and a model that misses them by a wandering error."""
    rng = np.random.default_rng(seed)
    exact = 80 + 5 * np.sin(np.arange(n_frames) / 40) + rng.normal(size=n_frames)
    error = rng.normal(size=n_frames, scale=spread)
    for i in range(1, n_frames):
        error[i] = smooth * error[i - 1] + (1 - smooth**2) ** 0.5 * error[i]
    return exact, exact + 4 + error


def predicted(modelled):
    return predicted_score(np.asarray(modelled)[:, np.newaxis])


@given(size=sizes, seed=st.integers(0, 99))
def test_one_moment_a_stratum(size, seed):
    n_frames, n_strata = size
    sample = draw(n_frames=n_frames, n_strata=n_strata, rng=np.random.default_rng(seed))
    stratum = (sample.moments - 1) / ((n_frames - 1) / n_strata)
    assert np.all(np.abs(stratum - np.arange(n_strata) - 0.5) <= 0.5 + 1e-9)
    assert sample.frames[0] == 0
    assert max(sample.frames) < n_frames


@given(size=sizes, factor=st.integers(2, 5), seed=st.integers(0, 99))
def test_a_finer_design_keeps_every_moment(size, factor, seed):
    n_frames, n_strata = size
    rng = np.random.default_rng(seed)
    coarse = draw(n_frames=n_frames, n_strata=n_strata, rng=rng)
    fine = refine(coarse, factor=factor, rng=rng)
    assert len(fine.moments) == factor * n_strata
    assert set(coarse.moments) <= set(fine.moments)
    stratum = (fine.moments - 1) / ((n_frames - 1) / len(fine.moments))
    assert np.all(np.abs(stratum - np.arange(len(stratum)) - 0.5) <= 0.5 + 1e-9)


def test_the_same_seed_draws_the_same_frames():
    first, second = (
        draw(n_frames=200, n_strata=9, rng=np.random.default_rng(3)).frames for _ in range(2)
    )
    assert first == second


def test_unbiased_over_all_samples_of_a_small_clip():
    """Integrate over the moment of each stratum; their means add up to the exact mean.

    Without anything cheap: fitted slopes are not the same for all samples.
    """
    exact, _ = clip(1, n_frames=8)
    bare = Cheap(np.empty((8, 0)), (), ())
    known = dict(enumerate(exact))
    n_strata, width = 4, 7 / 4
    means = []
    for stratum in range(n_strata):

        def shifted(moment, stratum=stratum):
            moments = 1 + (np.arange(n_strata) + 0.5) * width
            moments[stratum] = moment
            return estimate(Sample(moments, 8), cheap=bare, exact=known).mean

        start = 1 + stratum * width
        breaks = [i for i in range(8) if start < i < start + width]
        value, _ = integrate.quad(shifted, start, start + width, points=breaks or None)
        means.append(value / width)
    centre = Sample(1 + (np.arange(n_strata) + 0.5) * width, 8)
    at_centre = estimate(centre, cheap=bare, exact=known).mean
    # The estimate is additive over strata, so its mean over all samples is this.
    assert sum(means) - (n_strata - 1) * at_centre == pytest.approx(exact.mean(), abs=1e-9)


def test_refined_samples_are_unbiased_too():
    exact, modelled = clip(2, n_frames=50)
    rng = np.random.default_rng(0)
    errors = [
        estimate(
            refine(draw(n_frames=50, n_strata=5, rng=rng), factor=2, rng=rng),
            cheap=predicted(modelled),
            exact=dict(enumerate(exact)),
        ).mean
        - exact.mean()
        for _ in range(1000)
    ]
    # Fitting the slope leaves a bias of order 1/n.
    assert abs(np.mean(errors)) < 0.1 * np.std(errors) + 4 * np.std(errors) / len(errors) ** 0.5


def test_variance_is_that_of_the_draws_when_errors_are_independent():
    rng = np.random.default_rng(0)
    claimed, seen = [], []
    for seed in range(60):
        exact, modelled = clip(seed, n_frames=241, smooth=0.0)
        known = dict(enumerate(exact))
        for _ in range(30):
            sample = draw(n_frames=241, n_strata=40, rng=rng)
            found = estimate(sample, cheap=predicted(modelled), exact=known)
            claimed.append(found.standard_error**2)
            seen.append((found.mean - exact.mean()) ** 2)
    assert np.mean(claimed) == pytest.approx(np.mean(seen), rel=0.1)


@pytest.mark.parametrize("n_strata", [5, 12, 20])
@pytest.mark.parametrize("smooth", [0.0, 0.9])
@pytest.mark.parametrize("shuffled", [False, True])
def test_a_90_percent_interval_covers(n_strata, smooth, shuffled):
    rng = np.random.default_rng(5)
    covered = []
    for seed in range(60):
        exact, modelled = clip(seed, smooth=smooth)
        modelled = rng.permutation(modelled) if shuffled else modelled
        known = dict(enumerate(exact))
        for _ in range(25):
            sample = draw(n_frames=300, n_strata=n_strata, rng=rng)
            found = estimate(sample, cheap=predicted(modelled), exact=known)
            low, high = found.interval(level=0.9)
            covered.append(low <= exact.mean() <= high)
    # Independent errors are the hardest case. 1 500 draws leave two points of doubt.
    assert 0.86 <= np.mean(covered) <= 0.99


def half_widths(modelled, exact):
    known = dict(enumerate(exact))
    rng = np.random.default_rng(0)
    samples = [draw(n_frames=len(exact), n_strata=16, rng=rng) for _ in range(50)]
    return np.median(
        [
            estimate(item, cheap=predicted(modelled), exact=known).half_width(level=0.9)
            for item in samples
        ]
    )


def test_a_worse_model_makes_only_the_interval_wider():
    exact, modelled = clip(4, spread=0.3)
    good = half_widths(modelled, exact)
    bare = half_widths(np.zeros(len(exact)), exact)
    shuffled = half_widths(np.random.default_rng(1).permutation(modelled), exact)
    assert 2 * good < bare < shuffled < 1.4 * bare


@pytest.mark.parametrize("factor", [0.5, 0.7, 1.5])
def test_a_model_that_follows_too_timidly_or_too_boldly_is_put_right(factor):
    exact, _ = clip(4)
    sample = draw(n_frames=300, n_strata=20, rng=np.random.default_rng(0))
    found = estimate(sample, cheap=predicted(factor * exact), exact=dict(enumerate(exact)))
    assert abs(found.slopes[0] * factor - 1) < abs(factor - 1) / 2
    assert half_widths(factor * exact, exact) < 0.4 * half_widths(np.zeros(300), exact)


def test_a_constant_error_is_corrected_without_doubt():
    exact, _ = clip(6)
    sample = draw(n_frames=300, n_strata=6, rng=np.random.default_rng(0))
    found = estimate(sample, cheap=predicted(exact - 7), exact=dict(enumerate(exact)))
    assert found.mean == pytest.approx(exact.mean())
    assert found.half_width(level=0.9) == pytest.approx(0, abs=1e-9)


def test_every_frame_known_leaves_no_doubt():
    exact, modelled = clip(7, n_frames=5)
    sample = Sample(np.array([1.5, 2.5, 3.5, 4.5]), 5)
    found = estimate(sample, cheap=predicted(modelled), exact=dict(enumerate(exact)))
    assert found == Estimate(float(exact.mean()), 0.0, np.inf, (1.0,))
    assert found.half_width(level=0.9) == 0


def test_the_interval_stays_in_the_scale():
    assert Estimate(99.5, 2.0, 4.0).interval(level=0.9)[1] == 100
    assert Estimate(0.5, 2.0, 4.0).interval(level=0.9)[0] == 0


def test_corrected_course_is_exact_where_it_is_known():
    exact, modelled = clip(8)
    sample = draw(n_frames=300, n_strata=10, rng=np.random.default_rng(0))
    course = corrected(
        sample, cheap=predicted(modelled), exact=dict(enumerate(exact)), slopes=(1.0,)
    )
    assert course[list(sample.frames)] == pytest.approx(exact[list(sample.frames)])
    assert np.abs(course - exact).mean() < np.abs(modelled - exact).mean()


@pytest.mark.parametrize("smooth", [0.0, 0.9])
@pytest.mark.parametrize("within", [1.0, 0.5])
def test_stopping_when_narrow_enough_still_covers(within, smooth):
    rng = np.random.default_rng(9)
    level = 0.9
    covered, widths = [], []
    for seed in range(75):
        exact, modelled = clip(seed, spread=(1.0, 2.0, 4.0)[seed % 3], smooth=smooth, n_frames=600)
        known = dict(enumerate(exact))
        for _ in range(8):
            sample = draw(n_frames=600, n_strata=first_strata(within, n_frames=600), rng=rng)
            found = estimate(sample, cheap=predicted(modelled), exact=known)
            while (factor := finer(found, sample=sample, within=within, level=level)) > 1:
                sample = refine(sample, factor=factor, rng=rng)
                found = estimate(sample, cheap=predicted(modelled), exact=known)
            low, high = found.interval(level=level)
            covered.append(low <= exact.mean() <= high)
            widths.append(found.half_width(level=level))
    assert max(widths) <= within
    assert 0.86 <= np.mean(covered) <= 0.98


def signals(exact, *, seed=0):
    """Two measures in decibels that the score follows, each in its own direction."""
    rng = np.random.default_rng(seed)
    psnr = 35 + rng.normal(0, 1, len(exact))
    change = 25 + rng.normal(0, 2, len(exact))
    return exact + 2.5 * (psnr - 35) - 1.2 * (change - 25), np.stack([psnr, change], axis=1)


def test_slopes_of_plain_signals_are_those_of_least_squares_when_there_is_much_to_go_by():
    exact, values = signals(clip(3, n_frames=2000)[0])
    sample = draw(n_frames=2000, n_strata=400, rng=np.random.default_rng(0))
    found = estimate(sample, cheap=signal_measures(values), exact=dict(enumerate(exact)))
    frames = sample.strata_frames
    expected, *_ = np.linalg.lstsq(
        np.diff(values[frames], axis=0), np.diff(exact[frames]), rcond=None
    )
    assert found.slopes == pytest.approx(expected, rel=0.02)
    assert found.degrees_of_freedom == pytest.approx(397, abs=0.1)


def test_plain_signals_narrow_the_interval_and_cover():
    rng = np.random.default_rng(1)
    covered, widths, bare_widths = [], [], []
    for seed in range(60):
        exact, values = signals(clip(seed)[0], seed=seed)
        known = dict(enumerate(exact))
        for _ in range(10):
            sample = draw(n_frames=300, n_strata=12, rng=rng)
            found = estimate(sample, cheap=signal_measures(values), exact=known)
            low, high = found.interval(level=0.9)
            covered.append(low <= exact.mean() <= high)
            widths.append(found.half_width(level=0.9))
            bare = estimate(sample, cheap=Cheap(values[:, :0], (), ()), exact=known)
            bare_widths.append(bare.half_width(level=0.9))
    assert np.mean(covered) >= 0.86
    assert np.median(widths) < 0.6 * np.median(bare_widths)


def test_a_measure_that_never_changes_is_of_no_use_and_of_no_harm():
    exact, _ = clip(5)
    sample = draw(n_frames=300, n_strata=12, rng=np.random.default_rng(0))
    known = dict(enumerate(exact))
    bare = estimate(sample, cheap=Cheap(np.empty((300, 0)), (), ()), exact=known)
    still = estimate(sample, cheap=signal_measures(np.full((300, 2), 60.0)), exact=known)
    assert (still.mean, still.standard_error) == pytest.approx((bare.mean, bare.standard_error))


def test_a_still_clip_leaves_no_doubt():
    known = dict.fromkeys(range(300), 97.0)
    values = np.random.default_rng(0).normal(40, 1, (300, 2))
    sample = draw(n_frames=300, n_strata=12, rng=np.random.default_rng(0))
    found = estimate(sample, cheap=signal_measures(values), exact=known)
    assert (found.mean, found.standard_error) == (pytest.approx(97), 0)
