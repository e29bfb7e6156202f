# SPDX-License-Identifier: Apache-2.0
import pytest

from tinyvmaf.errors import UsageError
from tinyvmaf.training.archs import ARCHS, layer_sizes, n_params


@pytest.mark.parametrize(
    ("arch", "sizes", "expected"),
    [
        ("linear", (6, 1), 7),
        ("mlp_small", (6, 16, 8, 1), 257),
        ("mlp_mid", (6, 32, 16, 1), 769),
        ("mlp_medium", (6, 64, 32, 1), 2561),
    ],
)
def test_the_three_archs_have_the_published_sizes(arch, sizes, expected):
    assert layer_sizes(arch, 6) == sizes
    assert n_params(arch, 6) == expected


def test_parameters_follow_the_number_of_features():
    assert n_params("mlp_small", 11) == 257 + 5 * 16


def test_an_unknown_arch_is_refused_with_those_there_are():
    with pytest.raises(UsageError) as caught:
        layer_sizes("mlp_huge", 6)
    assert str(caught.value) == (
        "unknown arch 'mlp_huge'; expected one of linear, mlp_small, mlp_mid, mlp_medium, svr"
    )
    assert "mlp_huge" not in ARCHS
