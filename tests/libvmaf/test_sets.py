# SPDX-License-Identifier: Apache-2.0
import pytest

from tinyvmaf.errors import UsageError
from tinyvmaf.libvmaf.sets import FULL, HALF, QUARTER, SETS, SIGNAL, find_sets, sets_of


def test_sets_are_found_by_name_in_the_order_asked_for():
    assert find_sets("quarter, canonical6,signal") == (QUARTER, FULL, SIGNAL)
    assert find_sets("all") == (FULL,)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        pytest.param(
            "third",
            "unknown feature set 'third'; expected one of canonical6, half, quarter, signal, ssim, "
            "all, or several separated by commas",
        ),
        ("half,half", "`features='half,half'`: names a feature set twice"),
    ],
)
def test_names_that_are_refused(names, message):
    with pytest.raises(UsageError) as caught:
        find_sets(names)
    assert str(caught.value) == message


def test_columns_tell_their_set():
    assert sets_of(["signal_psnr", "half_adm2"]) == (HALF, SIGNAL)
    assert sets_of(["vif_scale0"]) == (FULL,)
    columns = [name for item in SETS.values() for name in item.columns]
    assert len(set(columns)) == len(columns)
    assert sets_of(columns) == tuple(SETS.values())


def test_only_one_set_is_the_teachers():
    assert [item for item in SETS.values() if item.is_full] == [FULL]


def test_reduced_pictures_need_pixels():
    QUARTER.check_size(width=128, height=128)
    SIGNAL.check_size(width=2, height=2)
    with pytest.raises(UsageError, match="feature set quarter: 320x127 reduced 4 times has fewer"):
        QUARTER.check_size(width=320, height=127)
