# SPDX-License-Identifier: Apache-2.0
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyvmaf.errors import SchemaError, UsageError
from tinyvmaf.stats.scales import SCALES, higher_is_better, is_perfect, known, scale_of


@given(st.sampled_from(sorted(SCALES)), st.floats(0.001, 0.999))
def test_inverse_undoes_forward(metric, value):
    scale = scale_of(metric)
    assert scale.inverse(float(scale.forward(np.array([value]))[0])) == pytest.approx(value)


@pytest.mark.parametrize(("metric", "value"), [("plcc", 1.0), ("srocc", -1.0), ("rmse", 0.0)])
def test_the_edge_of_a_scale_is_finite(metric, value):
    scale = scale_of(metric)
    on_scale = scale.forward(np.array([value]))
    assert np.isfinite(on_scale).all()
    assert scale.inverse(float(on_scale[0])) == pytest.approx(value, abs=1.1e-9)


def test_a_difference_of_logs_is_told_as_a_ratio():
    assert scale_of("rmse").effect(math.log(12) - math.log(10)) == pytest.approx(1.2)
    assert scale_of("rmse").difference == "ratio"
    assert scale_of("plcc").effect(0.3) == 0.3


def test_directions():
    assert [m for m in ("plcc", "srocc", "krocc", "pair_accuracy") if not higher_is_better(m)] == []
    assert [m for m in ("rmse", "mae") if higher_is_better(m)] == []


def test_unknown_metrics_are_named():
    with pytest.raises(UsageError) as caught:
        scale_of("ssim")
    assert str(caught.value) == (
        "unknown metric 'ssim'; there are plcc, srocc, krocc, rmse, mae, bias, pair_accuracy"
    )


def test_a_bias_has_no_better_side():
    with pytest.raises(UsageError) as caught:
        higher_is_better("bias")
    assert str(caught.value) == (
        "models cannot be compared by 'bias'; "
        "they can by plcc, srocc, krocc, rmse, mae, pair_accuracy"
    )


def test_known_leaves_out_none_and_refuses_nan():
    assert known([1.0, None, 2.0], metric="rmse").tolist() == [1.0, 2.0]
    with pytest.raises(SchemaError) as caught:
        known([math.nan], metric="rmse")
    assert str(caught.value) == "rmse: found [nan]; a value is a finite number or None"


def test_a_rank_correlation_is_perfect_if_no_two_rows_are_out_of_order():
    swapped = 1 - 12 / (8 * 63)
    assert is_perfect(1.0, metric="clip_srocc", n=8)
    assert is_perfect(-1 + 1e-15, metric="krocc", n=8)
    assert not is_perfect(swapped, metric="srocc", n=8)
    assert not is_perfect(1.0, metric="plcc", n=8)
    assert not is_perfect(None, metric="srocc", n=8)
    assert not is_perfect(math.nan, metric="srocc", n=8)
