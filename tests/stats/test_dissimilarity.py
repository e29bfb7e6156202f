# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tinyvmaf.errors import SchemaError, SplitError
from tinyvmaf.stats import dissimilarity as module
from tinyvmaf.stats.dissimilarity import applicability, nearest_neighbours


def table(seed, *, sources=5, rows=40, far=()):
    rng = np.random.default_rng(seed)
    source = np.repeat(np.arange(sources), rows)
    features = (
        rng.normal(size=(len(source), 3)) * [1, 10, 0.1] + rng.normal(size=(sources, 3))[source]
    )
    for k in far:
        features[source == k] += [30, 0, 0]
    return features, source


def naive_applicability(features, source, held_out):
    training, own = source != held_out, source == held_out
    z = (features - features[training].mean(axis=0)) / features[training].std(axis=0)
    x, labels = z[training], source[training]
    pairs = [np.linalg.norm(x[i] - x[j]) for i in range(len(x)) for j in range(i)]
    mean = np.mean(pairs)
    between = [
        min(np.linalg.norm(x[i] - b) for b in x[labels != labels[i]]) / mean for i in range(len(x))
    ]
    index = [min(np.linalg.norm(a - b) for b in x) / mean for a in z[own]]
    threshold = np.quantile(between, 0.95)
    return np.median(index), threshold, np.mean(index > threshold)


def test_equals_its_definition():
    features, source = table(0, sources=4, rows=12, far=(3,))
    for k, found in enumerate(applicability(features=features, source_index=source)):
        expected = naive_applicability(features, source, k)
        assert (found.median, found.threshold, found.share_outside) == pytest.approx(expected)


def test_only_a_source_far_away_is_outside():
    features, source = table(1, far=(2,))
    found = applicability(features=features, source_index=source)
    assert [each.share_outside > 0.5 for each in found] == [False, False, True, False, False]
    assert found[2].median > found[2].threshold


def test_scale_and_offset_of_a_feature_do_not_matter():
    features, source = table(2)
    one = applicability(features=features, source_index=source)
    other = applicability(features=features * [5, 0.1, 1000] + [1, 2, 3], source_index=source)
    for a, b in zip(one, other, strict=True):
        assert b.median == pytest.approx(a.median)
        assert b.share_outside == a.share_outside


def test_a_feature_that_is_constant_in_training_is_no_division_by_zero():
    features, source = table(3)
    features[:, 1] = 0.0
    features[source == 0, 1] = 50.0
    found = applicability(features=features, source_index=source)
    assert found[0].share_outside == 1.0


def test_sources_that_are_all_alike_are_inside():
    source = np.repeat(np.arange(3), 4)
    found = applicability(features=np.ones((12, 2)), source_index=source)
    assert [each.share_outside for each in found] == [0, 0, 0]


def test_thinning_is_even_and_keeps_small_sources_whole(monkeypatch):
    features, source = table(4, rows=300)
    whole = applicability(features=features, source_index=source)
    monkeypatch.setattr(module, "MAX_ROWS", 500)
    thinned = applicability(features=features, source_index=source)
    for a, b in zip(whole, thinned, strict=True):
        assert b.share_outside == pytest.approx(a.share_outside, abs=0.1)


def test_nearest_neighbours_equal_scikit_learns_out_of_fold():
    features, source = table(5)
    target = features @ [3, 0.2, 10] + 50
    expected = cross_val_predict(
        make_pipeline(StandardScaler(), KNeighborsRegressor(5)),
        features,
        target,
        groups=source,
        cv=LeaveOneGroupOut(),
    )
    found = nearest_neighbours(features=features, target=target, source_index=source)
    assert found == pytest.approx(expected)


def test_a_held_out_source_never_predicts_itself():
    features, source = table(6)
    target = np.random.default_rng(0).uniform(0, 100, 5)[source]
    found = nearest_neighbours(features=features, target=target, source_index=source)
    assert not np.isclose(found, target).any()


def test_few_rows_are_all_neighbours():
    found = nearest_neighbours(
        features=np.array([[0.0], [1.0], [5.0]]),
        target=np.array([1.0, 2.0, 6.0]),
        source_index=np.arange(3),
    )
    assert found == pytest.approx([4.0, 3.5, 1.5])


@pytest.mark.parametrize("function", [applicability, nearest_neighbours])
def test_two_sources_are_too_few(function):
    target = {} if function is applicability else {"target": np.zeros(4)}
    with pytest.raises(SplitError) as caught:
        function(features=np.zeros((4, 2)), source_index=np.array([0, 0, 1, 1]), **target)
    assert str(caught.value) == (
        "distances between training sources need 3 sources, found 2; add clips of other contents"
    )


def test_a_feature_must_be_finite():
    features, source = table(7)
    features[3, 1] = np.nan
    with pytest.raises(SchemaError) as caught:
        applicability(features=features, source_index=source)
    assert str(caught.value) == "feature 1 is nan in row 3"
