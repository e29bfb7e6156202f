# SPDX-License-Identifier: Apache-2.0
import pytest

from tinyvmaf.evaluation.metric_records import OverFolds
from tinyvmaf.report.numbers import bounds, count, interval, number, p_value, plural, share, spread
from tinyvmaf.stats.intervals import Interval


@pytest.mark.parametrize(
    ("metric", "value", "printed"),
    [
        ("rmse", 1.23456, "1.235"),
        ("plcc", 0.98765, "0.9877"),
        ("plcc", 0.999961, "0.999961"),
        ("plcc", 1.0, "1.0000"),
        ("plcc", 0.9999972, "0.9999972"),
        ("plcc", 0.99999987, "> 0.999999"),
        ("plcc", -0.99999987, "< -0.999999"),
        ("plcc", 1 - 1e-15, "1.0000"),
        ("plcc", 0.000012, "0.000012"),
        ("rmse", 0.0081, "0.0081"),
        ("rmse", 0.0362, "0.036"),
        ("rmse", 0.0, "0.000"),
        ("rmse", 1.0, "1.000"),
        ("srocc", -0.99998, "-0.999980"),
        ("bias", -0.5, "-0.500"),
        ("krocc", None, "\N{EN DASH}"),
    ],
)
def test_a_number_claims_no_more_than_it_is(metric, value, printed):
    assert number(metric, value) == printed


def test_an_interval_stands_behind_its_estimate():
    found = Interval(2.0, 1.5, 2.75, level=0.95, k=4, method="t")
    assert interval("rmse", found) == "2.000 [1.500, 2.750]"
    assert interval("rmse", None) == "\N{EN DASH}"
    assert bounds(0.5, None) == "\N{EN DASH}"


def test_a_p_value_is_never_printed_as_zero():
    assert [p_value(value) for value in (0.00001, 0.0039, 1.0, None)] == [
        "< 0.0001",
        "0.0039",
        "1.0000",
        "\N{EN DASH}",
    ]


def test_counts_take_their_noun_in_the_right_number():
    assert [plural(1, "clip"), plural(12000, "frame"), count(1234)] == [
        "1 clip",
        "12,000 frames",
        "1,234",
    ]
    assert share(0.125) == "12.5 %"
    assert spread("rmse", OverFolds(1.0, None, 1.0, "A", k=1, k_eff=1)) == "1.000 ± \N{EN DASH}"
