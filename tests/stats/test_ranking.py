# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyvmaf.errors import SchemaError
from tinyvmaf.stats.ranking import pair_accuracy


def naive(predicted, target, source, threshold):
    """All pairs of clips of one source, one at a time."""
    shares, pairs, errors = [], 0, 0.0
    for k in sorted(set(source)):
        own = [i for i in range(len(source)) if source[i] == k]
        right = total = 0.0
        for i in own:
            for j in own:
                if i < j and abs(target[i] - target[j]) > threshold:
                    total += 1
                    agree = (predicted[i] - predicted[j]) * (target[i] - target[j])
                    right += 1 if agree > 0 else 0.5 if agree == 0 else 0
        pairs += total
        errors += total - right
        shares.append(right / total if total else None)
    defined = [share for share in shares if share is not None]
    return sum(defined) / len(defined) if defined else None, pairs, errors, tuple(shares)


@given(st.integers(0, 1000), st.sampled_from([0.0, 2.0, 6.0, 50.0]))
def test_equals_its_definition(seed, threshold):
    rng = np.random.default_rng(seed)
    source = rng.integers(0, 4, 15)
    target = np.round(rng.uniform(0, 30, 15))
    predicted = np.round(target + rng.normal(0, 4, 15))
    (found,) = pair_accuracy(
        predicted=predicted, target=target, source_index=source, thresholds=[threshold]
    )
    accuracy, pairs, errors, shares = naive(predicted, target, source, threshold)
    assert found.accuracy == pytest.approx(accuracy)
    assert (found.pairs, found.errors) == (pairs, pytest.approx(errors))
    assert found.by_source == pytest.approx(shares)
    assert sum(found.pairs_by_source) == pairs
    assert sum(found.errors_by_source) == pytest.approx(errors)


def test_a_source_counts_once_however_many_clips_it_has():
    target = np.array([1.0, 2.0, *range(10)])
    predicted = np.array([2.0, 1.0, *range(10)])
    source = np.array([0] * 2 + [1] * 10)
    found = pair_accuracy(predicted=predicted, target=target, source_index=source)[0]
    assert (found.accuracy, found.pairs, found.errors) == (0.5, 46, 1)


def test_clips_of_different_sources_are_no_pair():
    found = pair_accuracy(
        predicted=np.array([1.0, 2.0]), target=np.array([9.0, 1.0]), source_index=np.array([0, 1])
    )
    assert [(each.accuracy, each.pairs, each.by_source) for each in found] == [
        (None, 0, (None, None))
    ] * 3


def test_a_tie_of_the_model_is_half_an_error_and_of_the_teacher_no_pair():
    tied = np.array([5.0, 5.0])
    apart = np.array([1.0, 2.0])
    source = np.zeros(2, dtype=int)
    half = pair_accuracy(predicted=tied, target=apart, source_index=source)[0]
    none = pair_accuracy(predicted=apart, target=tied, source_index=source)[0]
    assert (half.accuracy, half.errors) == (0.5, 0.5)
    assert (none.accuracy, none.pairs) == (None, 0)


def test_the_netflix_public_corpus_has_247_pairs():
    clips = [10, 8, 7, 7, 9, 6, 7, 10, 6]
    source = np.repeat(np.arange(9), clips)
    scores = np.arange(70.0)
    found = pair_accuracy(predicted=scores, target=scores, source_index=source)[0]
    assert (found.pairs, found.errors, found.accuracy) == (247, 0, 1)


def test_a_higher_threshold_keeps_fewer_pairs():
    rng = np.random.default_rng(0)
    target = rng.uniform(0, 30, 40)
    found = pair_accuracy(
        predicted=target + rng.normal(0, 3, 40), target=target, source_index=np.arange(40) // 10
    )
    assert [each.threshold for each in found] == [0, 2, 6]
    assert found[0].pairs > found[1].pairs > found[2].pairs
    assert found[0].errors >= found[1].errors >= found[2].errors


def test_clips_without_a_source_are_refused():
    with pytest.raises(SchemaError):
        pair_accuracy(
            predicted=np.zeros(3), target=np.zeros(3), source_index=np.zeros(2, dtype=int)
        )
