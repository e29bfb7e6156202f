# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import root_mean_squared_error

from tinyvmaf.errors import SchemaError
from tinyvmaf.stats.structure import (
    correlation_parts,
    dependence,
    positions,
    source_sums,
    weighted_rmse,
)


def rows(seed, *, sizes=(5, 9, 40), offset=5.0):
    rng = np.random.default_rng(seed)
    source = np.repeat(np.arange(len(sizes)), sizes)
    target = rng.uniform(20, 80, len(sizes))[source] + rng.normal(0, 10, len(source))
    shift = rng.normal(0, offset, len(sizes))[source]
    return target + shift + rng.normal(0, 3, len(source)), target, source


def test_positions_close_gaps():
    assert positions(np.array([7, 3, 7]), n=3).tolist() == [1, 0, 1]


@pytest.mark.parametrize("n", [0, 4])
def test_every_row_needs_a_group(n):
    with pytest.raises(SchemaError) as caught:
        positions(np.arange(n and n - 1), n=n)
    assert str(caught.value) == (
        f"{n} rows have {n and n - 1} group numbers; give one for each, and rows"
    )


def test_the_published_concat_rmse_follows_from_its_folds(digest):
    folds = digest["mlp_small single-split"]
    found = weighted_rmse(rmse=folds["rmse"], n=folds["n_frames"])
    assert round(found.by_frame, 3) == digest["mlp_small single-split concat"]["rmse"][0] == 14.772


@given(st.integers(0, 1000))
def test_weighted_rmse_equals_the_rmse_of_all_rows(seed):
    predicted, target, source = rows(seed)
    folds = [source == k for k in range(3)]
    each = [root_mean_squared_error(target[f], predicted[f]) for f in folds]
    found = weighted_rmse(rmse=each, n=[int(f.sum()) for f in folds])
    assert found.by_frame == pytest.approx(root_mean_squared_error(target, predicted))
    assert found.by_source == pytest.approx(np.sqrt(np.mean(np.square(each))))


def test_weighted_rmse_needs_a_count_for_every_fold():
    with pytest.raises(SchemaError) as caught:
        weighted_rmse(rmse=[1.0], n=[1, 2])
    assert str(caught.value) == "1 RMSE and 2 row counts; give both for every fold"


@given(st.integers(0, 1000))
def test_parts_sum_to_the_pooled_correlation(seed):
    predicted, target, source = rows(seed)
    found = correlation_parts(source_sums(predicted=predicted, target=target, source_index=source))
    assert found.pooled == pytest.approx(np.corrcoef(predicted, target)[0, 1])
    assert found.within + found.between == pytest.approx(found.pooled)


def test_parts_equal_their_definition():
    predicted, target, source = rows(4)
    found = correlation_parts(source_sums(predicted=predicted, target=target, source_index=source))

    def mean_of(values):
        return np.array([values[source == k].mean() for k in range(3)])[source]

    mean_p, mean_t = mean_of(predicted), mean_of(target)
    spread = predicted.std() * target.std()
    within = ((predicted - mean_p) * (target - mean_t)).mean() / spread
    between = ((mean_p - predicted.mean()) * (mean_t - target.mean())).mean() / spread
    assert found.within == pytest.approx(within)
    assert found.between == pytest.approx(between)
    assert found.r_within == pytest.approx(np.corrcoef(predicted - mean_p, target - mean_t)[0, 1])
    assert found.r_between == pytest.approx(np.corrcoef(mean_p, mean_t)[0, 1])


def test_offsets_of_sources_lower_only_the_part_between():
    predicted, target, source = rows(1)
    shifted = predicted + np.array([40.0, -40.0, 0.0])[source]
    before, after = (
        correlation_parts(source_sums(predicted=p, target=target, source_index=source))
        for p in (predicted, shifted)
    )
    assert after.r_within == pytest.approx(before.r_within)
    assert after.pooled < before.pooled


def test_parts_that_are_constant_have_no_correlation():
    source = np.array([0, 0, 1, 1])
    target = np.array([1.0, 2.0, 3.0, 4.0])
    level = np.array([1.0, 1.0, 2.0, 2.0])
    found = correlation_parts(source_sums(predicted=level, target=target, source_index=source))
    assert (found.r_within, found.r_between) == (None, pytest.approx(1.0))
    constant = source_sums(predicted=np.ones(4), target=target, source_index=source)
    assert correlation_parts(constant) is None


def naive_icc(errors, groups):
    """One-way analysis of variance, summed by hand."""
    names = sorted(set(groups))
    members = {g: [e for e, h in zip(errors, groups, strict=True) if g == h] for g in names}
    n, k = len(errors), len(names)
    grand = sum(errors) / n
    msb = sum(len(m) * (sum(m) / len(m) - grand) ** 2 for m in members.values()) / (k - 1)
    msw = sum((e - sum(m) / len(m)) ** 2 for m in members.values() for e in m) / (n - k)
    n0 = (n - sum(len(m) ** 2 for m in members.values()) / n) / (k - 1)
    return (msb - msw) / (msb + (n0 - 1) * msw), n0


@given(st.integers(0, 1000))
def test_dependence_equals_its_definition(seed):
    predicted, target, source = rows(seed)
    found = dependence(errors=predicted - target, groups=source)
    icc, n0 = naive_icc((predicted - target).tolist(), source.tolist())
    assert found.icc == pytest.approx(icc)
    assert found.design_effect == pytest.approx(max(1, 1 + (n0 - 1) * icc))
    assert found.n_effective == pytest.approx(found.n / found.design_effect)
    assert (found.n, found.groups) == (54, 3)


def test_rows_that_repeat_their_group_are_worth_one_each():
    found = dependence(errors=np.repeat([1.0, 5.0, 2.0], 100), groups=np.repeat([0, 1, 2], 100))
    assert found.icc == pytest.approx(1)
    assert found.n_effective == pytest.approx(3)


def test_dependence_ignores_shift_and_scale():
    predicted, target, source = rows(2)
    one = dependence(errors=predicted - target, groups=source)
    other = dependence(errors=7 - 3 * (predicted - target), groups=source)
    assert other.icc == pytest.approx(one.icc)


@pytest.mark.parametrize(
    ("errors", "groups"),
    [([1.0, 2.0], [0, 0]), ([1.0, 2.0], [0, 1]), ([3.0, 3.0, 3.0], [0, 0, 1])],
    ids=["one group", "one row each", "no spread"],
)
def test_dependence_that_does_not_exist(errors, groups):
    assert dependence(errors=np.array(errors), groups=np.array(groups)) is None
