# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate
from scipy.stats import kstest

from tinyvmaf.scoring.auxiliary import predicted_score, signal_variables
from tinyvmaf.scoring.plan import FIRST_STRATA
from tinyvmaf.stats.outliers import Outliers, limited, outlying
from tinyvmaf.stats.shares import percentile_interval, share_bounds, unseen_probability
from tinyvmaf.stats.strata import Sample, draw, finer, refine
from tinyvmaf.stats.survey import (
    MIN_STRATA,
    Auxiliary,
    Estimate,
    corrected,
    estimate,
    no_auxiliary,
    part_mean,
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
    fine = refine(coarse, n_strata=factor * n_strata, rng=rng)
    assert len(fine.moments) == factor * n_strata
    assert set(coarse.moments) <= set(fine.moments)
    stratum = (fine.moments - 1) / ((n_frames - 1) / len(fine.moments))
    assert np.all(np.abs(stratum - np.arange(len(stratum)) - 0.5) <= 0.5 + 1e-9)


@given(size=sizes, more=st.integers(1, 300), seed=st.integers(0, 99))
def test_any_finer_design_has_one_moment_a_stratum_and_keeps_most(size, more, seed):
    n_frames, n_strata = size
    rng = np.random.default_rng(seed)
    coarse = draw(n_frames=n_frames, n_strata=n_strata, rng=rng)
    fine = refine(coarse, n_strata=n_strata + more, rng=rng)
    stratum = (fine.moments - 1) / ((n_frames - 1) / len(fine.moments))
    assert len(stratum) == n_strata + more
    assert np.all(np.abs(stratum - np.arange(len(stratum)) - 0.5) <= 0.5 + 1e-9)
    assert len(set(coarse.moments) & set(fine.moments)) >= n_strata / 2


def test_a_moment_is_uniform_in_its_stratum_of_any_finer_design():
    rng = np.random.default_rng(2)
    places = []
    for _ in range(4000):
        fine = refine(draw(n_frames=101, n_strata=5, rng=rng), n_strata=7, rng=rng)
        places.append((fine.moments - 1) / (100 / 7) - np.arange(7))
    for stratum in np.array(places).T:
        assert kstest(stratum, "uniform").pvalue > 0.001


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
    bare = no_auxiliary(8)
    known = dict(enumerate(exact))
    n_strata, width = 4, 7 / 4
    means = []
    for stratum in range(n_strata):

        def shifted(moment, stratum=stratum):
            moments = 1 + (np.arange(n_strata) + 0.5) * width
            moments[stratum] = moment
            return estimate(Sample(moments, 8), auxiliary=bare, exact=known).mean

        start = 1 + stratum * width
        breaks = [i for i in range(8) if start < i < start + width]
        value, _ = integrate.quad(shifted, start, start + width, points=breaks or None)
        means.append(value / width)
    centre = Sample(1 + (np.arange(n_strata) + 0.5) * width, 8)
    at_centre = estimate(centre, auxiliary=bare, exact=known).mean
    # The estimate is additive over strata, so its mean over all samples is this.
    assert sum(means) - (n_strata - 1) * at_centre == pytest.approx(exact.mean(), abs=1e-9)


def test_refined_samples_are_unbiased_too():
    exact, modelled = clip(2, n_frames=50)
    rng = np.random.default_rng(0)
    errors = [
        estimate(
            refine(draw(n_frames=50, n_strata=5, rng=rng), n_strata=10, rng=rng),
            auxiliary=predicted(modelled),
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
        for _ in range(30):
            frames = draw(n_frames=241, n_strata=40, rng=rng).strata_frames
            found = part_mean(
                exact[frames],
                modelled[frames, np.newaxis],
                variable_means=modelled[1:, np.newaxis].mean(axis=0),
                n_frames=240,
                slopes=(1.0,),
                deviations=(0.5,),
                floor_weight=0.0,
            )
            claimed.append(found.standard_error**2)
            seen.append((found.mean - exact[1:].mean()) ** 2)
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
            found = estimate(sample, auxiliary=predicted(modelled), exact=known)
            low, high = found.interval(level=0.9)
            covered.append(low <= exact.mean() <= high)
    # Independent errors are the hardest case. 1 500 draws leave two points of doubt.
    assert 0.93 <= np.mean(covered) <= 0.995


def half_widths(modelled, exact):
    known = dict(enumerate(exact))
    rng = np.random.default_rng(0)
    samples = [draw(n_frames=len(exact), n_strata=16, rng=rng) for _ in range(50)]
    return np.median(
        [
            estimate(item, auxiliary=predicted(modelled), exact=known).half_width(level=0.9)
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
    found = estimate(sample, auxiliary=predicted(factor * exact), exact=dict(enumerate(exact)))
    assert abs(found.slopes[0] * factor - 1) < abs(factor - 1) / 2
    assert half_widths(factor * exact, exact) < 0.4 * half_widths(np.zeros(300), exact)


def test_a_constant_error_is_corrected_and_the_floor_remains():
    exact, _ = clip(6)
    sample = draw(n_frames=300, n_strata=6, rng=np.random.default_rng(0))
    found = estimate(sample, auxiliary=predicted(exact - 7), exact=dict(enumerate(exact)))
    assert found.mean == pytest.approx(exact.mean())
    assert 0 < found.half_width(level=0.9) < 1


def test_every_frame_known_leaves_no_doubt():
    exact, modelled = clip(7, n_frames=5)
    sample = Sample(np.array([1.5, 2.5, 3.5, 4.5]), 5)
    found = estimate(sample, auxiliary=predicted(modelled), exact=dict(enumerate(exact)))
    assert found.mean == pytest.approx(exact.mean())
    assert (found.standard_error, found.degrees_of_freedom) == (0.0, np.inf)
    assert found.half_width(level=0.9) == 0


def test_the_interval_stays_in_the_scale():
    assert Estimate(99.5, 2.0, 4.0).interval(level=0.9)[1] == 100
    assert Estimate(0.5, 2.0, 4.0).interval(level=0.9)[0] == 0


def test_corrected_course_is_exact_where_it_is_known():
    exact, modelled = clip(8)
    sample = draw(n_frames=300, n_strata=10, rng=np.random.default_rng(0))
    course = corrected(
        sample, auxiliary=predicted(modelled), exact=dict(enumerate(exact)), slopes=(1.0,)
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
            sample = draw(n_frames=600, n_strata=FIRST_STRATA, rng=rng)
            while True:
                found = estimate(sample, auxiliary=predicted(modelled), exact=known)
                half = found.half_width(level=level)
                n_strata = len(sample.moments)
                finer_strata = finer(half, n_strata=n_strata, n_frames=600, within=within)
                if finer_strata == n_strata:
                    break
                sample = refine(sample, n_strata=finer_strata, rng=rng)
            covered.append(abs(found.mean - exact.mean()) <= half)
            widths.append(half)
    assert max(widths) <= within
    assert 0.93 <= np.mean(covered) <= 0.995


def signals(exact, *, seed=0):
    """Two measures in decibels that the score follows, each in its own direction."""
    rng = np.random.default_rng(seed)
    psnr = 35 + rng.normal(0, 1, len(exact))
    change = 25 + rng.normal(0, 2, len(exact))
    return exact + 2.5 * (psnr - 35) - 1.2 * (change - 25), np.stack([psnr, change], axis=1)


def test_slopes_of_plain_signals_are_those_of_least_squares_when_there_is_much_to_go_by():
    exact, values = signals(clip(3, n_frames=2000)[0])
    sample = draw(n_frames=2000, n_strata=400, rng=np.random.default_rng(0))
    found = estimate(sample, auxiliary=signal_variables(values), exact=dict(enumerate(exact)))
    frames = sample.strata_frames
    expected, *_ = np.linalg.lstsq(
        np.diff(values[frames], axis=0), np.diff(exact[frames]), rcond=None
    )
    assert found.slopes == pytest.approx(expected, rel=0.02)
    # Differences of neighbours are correlated: about 2/3 of a degree of freedom each.
    assert found.degrees_of_freedom == pytest.approx(397 * 2 / 3, rel=0.02)


def test_skewness_makes_the_interval_wider_where_bad_frames_are_rare():
    rng = np.random.default_rng(11)
    hits = np.zeros(3)
    for _ in range(600):
        # One frame in ten is bad, and nothing tells which.
        exact = 90 - rng.exponential(1, 600) * 30 * (rng.random(600) < 0.1)
        sample = draw(n_frames=600, n_strata=32, rng=rng)
        bare = no_auxiliary(600)
        found = estimate(sample, auxiliary=bare, exact=dict(enumerate(exact)))
        error = found.mean - exact.mean()
        even = replace(found, skewness=0.0)
        halves = found.half_width(level=0.9), even.half_width(level=0.9)
        hits += [error > halves[0], error > halves[1], abs(error) <= halves[0]]
    assert found.skewness != 0
    # An event that nothing shows stays the hardest case: the interval is no cure.
    flattering, without, covered = hits / 600
    assert flattering <= 0.8 * without
    assert covered >= 0.78


def test_plain_signals_narrow_the_interval_and_cover():
    rng = np.random.default_rng(1)
    covered, widths, bare_widths = [], [], []
    for seed in range(60):
        exact, values = signals(clip(seed)[0], seed=seed)
        known = dict(enumerate(exact))
        for _ in range(10):
            sample = draw(n_frames=300, n_strata=12, rng=rng)
            found = estimate(sample, auxiliary=signal_variables(values), exact=known)
            low, high = found.interval(level=0.9)
            covered.append(low <= exact.mean() <= high)
            widths.append(found.half_width(level=0.9))
            bare = estimate(sample, auxiliary=no_auxiliary(300), exact=known)
            bare_widths.append(bare.half_width(level=0.9))
    assert np.mean(covered) >= 0.93
    assert np.median(widths) < 0.6 * np.median(bare_widths)


def test_a_measure_that_never_changes_is_of_no_use_and_of_no_harm():
    exact, _ = clip(5)
    sample = draw(n_frames=300, n_strata=12, rng=np.random.default_rng(0))
    known = dict(enumerate(exact))
    bare = estimate(sample, auxiliary=no_auxiliary(300), exact=known)
    still = estimate(sample, auxiliary=signal_variables(np.full((300, 2), 60.0)), exact=known)
    assert (still.mean, still.standard_error) == pytest.approx((bare.mean, bare.standard_error))


def test_equal_scores_in_a_small_sample_are_no_certainty():
    known = dict.fromkeys(range(300), 97.0)
    values = np.random.default_rng(0).normal(40, 1, (300, 2))
    sample = draw(n_frames=300, n_strata=12, rng=np.random.default_rng(0))
    found = estimate(sample, auxiliary=signal_variables(values), exact=known)
    assert found.mean == pytest.approx(97)
    assert 0.1 < found.half_width(level=0.9) < 1


def slow_part_mean(y, x, x_mean, n_frames, prior_slope, doubt, nu0, floor=2.0):
    """The definition with whole matrices, as it was derived."""
    n, k = x.shape
    q = n - 1
    dy, dx = np.diff(y), np.diff(x, axis=0)
    missed = dy - dx @ prior_slope
    prior = np.diag(np.mean(missed**2) / doubt**2)
    inverse = np.linalg.inv(dx.T @ dx + prior) if prior.any() else np.zeros((k, k))
    b = prior_slope + inverse @ (dx.T @ missed)
    corr = np.eye(q) - 0.5 * np.eye(q, k=1) - 0.5 * np.eye(q, k=-1)
    maker = np.eye(q) - dx @ inverse @ dx.T
    form = maker.T @ maker @ corr
    rest = dy - dx @ b
    s2, nu = rest @ rest / (2 * np.trace(form)), np.trace(form) ** 2 / np.trace(form @ form)
    s2, nu = (nu * s2 + nu0 * floor**2) / (nu + nu0), nu + nu0
    g = inverse @ (x_mean - x.mean(axis=0))
    relative = 1 / n + 2 * g @ (dx.T @ corr @ dx) @ g
    mean = y.mean() + (x_mean - x.mean(axis=0)) @ b
    return mean, np.sqrt(s2 * max(0, 1 - n / n_frames) * relative), nu


TIME = np.arange(12)
SCORES = 80 + 6 * np.sin(TIME) + 0.5 * TIME
VARIABLES = np.stack([38 + 1.2 * np.sin(TIME + 0.2), 3 + np.cos(2 * TIME)], axis=1)


@pytest.mark.parametrize(
    ("n_variables", "floor_weight", "scores", "mean", "error", "freedom", "half"),
    [
        (0, 1.0, SCORES, 82.955599, 0.789966, 8.562500, 1.456565),
        (0, 0.0, SCORES, 82.955599, 0.814474, 7.562500, 1.525991),
        (1, 1.0, SCORES, 83.998789, 0.332831, 8.070907, 0.618211),
        (2, 1.0, SCORES, 83.987691, 0.351299, 7.316131, 0.661262),
        (2, 0.0, SCORES, 83.987691, 0.294456, 6.316131, 0.567093),
        (1, 1.0, np.full(12, 95.0), 95.0, 0.195322, 8.562500, 0.360142),
    ],
)
def test_golden_values(n_variables, floor_weight, scores, mean, error, freedom, half):
    """Source: computed once by the definition with whole matrices (`slow_part_mean`)."""
    found = part_mean(
        scores,
        VARIABLES[:, :n_variables],
        variable_means=np.array([38.3, 3.1])[:n_variables],
        n_frames=600,
        slopes=(0.0,) * n_variables,
        deviations=(3.0, 1.5)[:n_variables],
        floor_weight=floor_weight,
    )
    assert found.mean == pytest.approx(mean, abs=1e-6)
    assert found.standard_error == pytest.approx(error, abs=1e-6)
    assert found.degrees_of_freedom == pytest.approx(freedom, abs=1e-6)
    whole = Estimate(found.mean, found.standard_error, found.degrees_of_freedom)
    assert whole.half_width(level=0.9) == pytest.approx(half, abs=1e-6)


@given(
    n_sampled=st.integers(3, 40),
    n_variables=st.integers(0, 3),
    scale=st.sampled_from([1e-3, 1.0, 1e3]),
    seed=st.integers(0, 999),
)
def test_equals_the_definition(n_sampled, n_variables, scale, seed):
    rng = np.random.default_rng(seed)
    y, x = rng.normal(70, 9, n_sampled), scale * rng.normal(size=(n_sampled, n_variables))
    x_mean, slopes = scale * rng.normal(size=n_variables), rng.normal(size=n_variables)
    deviations = rng.uniform(0.5, 3, n_variables)
    found = part_mean(
        y,
        x,
        variable_means=x_mean,
        n_frames=2 * n_sampled,
        slopes=tuple(slopes.tolist()),
        deviations=tuple(deviations.tolist()),
    )
    mean, error, freedom = slow_part_mean(y, x, x_mean, 2 * n_sampled, slopes, deviations, nu0=1.0)
    assert found.mean == pytest.approx(mean, rel=1e-6)
    assert found.standard_error == pytest.approx(error, rel=1e-5)
    assert found.degrees_of_freedom == pytest.approx(freedom, rel=1e-5)


@given(shift=st.floats(-50, 50), factor=st.floats(0.1, 10), seed=st.integers(0, 99))
def test_shifting_and_scaling_variables_changes_nothing(shift, factor, seed):
    exact, values = signals(clip(seed)[0], seed=seed)
    known = dict(enumerate(exact))
    sample = draw(n_frames=300, n_strata=12, rng=np.random.default_rng(seed))
    plain = Auxiliary(values, (0.0, 0.0), (3.0, 1.5))
    other = Auxiliary(values * factor + shift, (0.0, 0.0), (3.0 / factor, 1.5 / factor))
    first, second = (estimate(sample, auxiliary=item, exact=known) for item in (plain, other))
    assert second.mean == pytest.approx(first.mean, rel=1e-6)
    assert second.standard_error == pytest.approx(first.standard_error, rel=1e-4)


@pytest.mark.parametrize("n_strata", [10, 20, 40])
def test_useless_variables_on_independent_data_still_cover(n_strata):
    rng = np.random.default_rng(3)
    covered = []
    for _ in range(1500):
        exact = 70 + 8 * rng.normal(size=n_strata)
        found = part_mean(
            exact,
            rng.normal(size=(n_strata, 2)),
            variable_means=np.zeros(2),
            n_frames=10**9,
            slopes=(0.0, 0.0),
            deviations=(3.0, 1.5),
        )
        whole = Estimate(
            found.mean,
            found.standard_error,
            found.degrees_of_freedom,
            skewness=found.skewness,
        )
        covered.append(abs(found.mean - 70) <= whole.half_width(level=0.9))
    # Without the term of skewness ten strata cover 0.879, as the reference code of the estimator.
    assert 0.89 <= np.mean(covered) <= 0.95


def rare_event(rng, *, share=0.02, n_frames=600):
    exact = 95 + rng.normal(0, 0.5, n_frames)
    psnr = 42 + rng.normal(0, 0.5, n_frames)
    start = rng.integers(1, n_frames - 20)
    event = slice(start, start + int(share * n_frames))
    exact[event], psnr[event] = 10, 18
    return exact, np.stack([psnr, np.full(n_frames, 30.0)], axis=1)


def test_an_event_that_psnr_sees_is_a_part_of_its_own():
    rng = np.random.default_rng(0)
    exact, values = rare_event(rng)
    auxiliary = signal_variables(values)
    frames = auxiliary.outliers()
    assert frames.tolist() == np.flatnonzero(exact < 50).tolist()
    known, covered = dict(enumerate(exact)), []
    for _ in range(200):
        sample = draw(n_frames=600, n_strata=24, rng=rng)
        drawn = Outliers(frames, tuple(sorted(rng.choice(frames, 8, replace=False).tolist())))
        found = estimate(sample, auxiliary=auxiliary, exact=known, outliers=drawn)
        covered.append(abs(found.mean - exact.mean()) <= found.half_width(level=0.9))
    assert np.mean(covered) > 0.9


def test_many_outliers_are_none_and_frame_0_is_none():
    values = np.full(100, 40.0)
    values[0] = 10
    assert outlying(values).tolist() == []
    values[50:60] = 10
    assert outlying(values).tolist() == list(range(50, 60))
    values[50:62] = 10  # 12 of 100 are too many
    assert outlying(values).tolist() == []


def test_a_group_of_low_frames_is_seen_although_psnr_varies_much():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.uniform(32, 36, 300), rng.uniform(38, 42, 300)])
    values[[100, 103, 106]] = 25.5
    assert outlying(values).tolist() == [100, 103, 106]


def test_an_infinite_likeness_is_cut():
    values = np.array([20.0, 21.0, 22.0, 23.0, 60.0])
    assert limited(values).tolist() == [20, 21, 22, 23, pytest.approx(22 + 4 * 1.4826)]


@pytest.mark.parametrize(("percentile", "enough"), [(10.0, 29), (5.0, 59), (1.0, 299)])
def test_a_percentile_is_known_from_so_many_frames_on(percentile, enough):
    scores = np.arange(float(enough))
    assert percentile_interval(scores[1:], percentile, level=0.9) is None
    assert percentile_interval(scores, percentile, level=0.9) is not None


@pytest.mark.parametrize(("percentile", "n_sampled"), [(10.0, 40), (5.0, 100), (50.0, 25)])
def test_intervals_of_percentiles_cover(percentile, n_sampled):
    rng = np.random.default_rng(0)
    population = rng.normal(70, 10, 100_000)
    truth = np.percentile(population, percentile)
    found = [
        percentile_interval(rng.choice(population, n_sampled), percentile, level=0.9)
        for _ in range(800)
    ]
    covered = np.mean([low <= truth <= high for low, high in found])
    assert 0.89 <= covered <= 0.995


def test_bounds_of_a_share():
    """Source: Clopper and Pearson (1934); the ends are where either tail has probability 0.05."""
    assert share_bounds(0, 59, level=0.9)[1] == pytest.approx(1 - 0.05 ** (1 / 59))
    assert share_bounds(0, 59, level=0.9)[1] < 0.05 < share_bounds(0, 58, level=0.9)[1]
    assert share_bounds(10, 10, level=0.9) == (pytest.approx(0.05 ** (1 / 10)), 1.0)


def test_the_probability_of_missing_an_event():
    assert unseen_probability(0.1, n_exact=17) == pytest.approx(0.167, abs=1e-3)
    assert unseen_probability(0.01, n_exact=17) == pytest.approx(0.843, abs=1e-3)
