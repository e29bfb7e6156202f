# SPDX-License-Identifier: Apache-2.0
import pytest

from tinyvmaf.errors import UsageError
from tinyvmaf.models.card import Residuals
from tinyvmaf.scoring.mode import check_level
from tinyvmaf.scoring.modelled import unseen_source_interval


def calibration(*largest):
    return tuple(
        Residuals(source=f"source{number}", residuals=(0.0, -float(radius)))
        for number, radius in enumerate(largest)
    )


def test_nine_sources_give_ninety_percent_by_their_largest_error():
    # Source: the radius at K = 9, alpha = 0.1 is the largest residual (the mass is exactly 0.9).
    found = unseen_source_interval(
        50.0, calibration=calibration(1, 2, 3, 4, 5, 6, 7, 8, 9), level=0.9
    )
    assert found is not None
    assert (found.low, found.high, found.level) == (41.0, 59.0, 0.9)
    assert found.guarantee.startswith(
        "for a clip of a new source, if it is exchangeable with the 9 sources that were held out: "
        "about 90% on average over such sources; not proven"
    )


def test_too_few_sources_give_none():
    assert unseen_source_interval(50.0, calibration=calibration(1, 2, 3), level=0.9) is None


def test_an_interval_stays_within_the_scale():
    found = unseen_source_interval(98.0, calibration=calibration(*[5.0] * 9), level=0.5)
    assert found is not None
    assert (found.low, found.high) == (93.0, 100.0)


@pytest.mark.parametrize("level", [0.0, 1.0, 90.0])
def test_a_level_is_a_probability(level):
    with pytest.raises(UsageError) as caught:
        check_level(level)
    assert str(caught.value) == (
        f"`level={level:g}`: expected a probability between 0 and 1, such as 0.9"
    )
