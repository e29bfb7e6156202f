# SPDX-License-Identifier: Apache-2.0
"""Archs: the named shapes of networks, and support vectors. Sizes are known without JAX.

A name stands for the widths of the hidden layers; the number of inputs comes from the feature set
and there is one output, so that `mlp_small` on six features is 6-16-8-1.
"""

from collections.abc import Mapping
from itertools import pairwise

from tinyvmaf.errors import UsageError

ARCHS: Mapping[str, tuple[int, ...]] = {
    "linear": (),
    "mlp_small": (16, 8),
    "mlp_mid": (32, 16),
    "mlp_medium": (64, 32),
}
"""Name -> widths of the hidden layers. A name is never given another shape."""


SVR = "svr"
"""The arch that is not a network: a support-vector regression, as VMAF itself is one."""


def check_arch(arch: str) -> None:
    """Refuse a name that is not an arch.

    Raises:
        UsageError: there is no such arch; those there are are named.
    """
    if arch not in (*ARCHS, SVR):
        raise UsageError(f"unknown arch {arch!r}; expected one of {', '.join((*ARCHS, SVR))}")


def layer_sizes(arch: str, n_features: int) -> tuple[int, ...]:
    """Widths from the inputs to the one output.

    Raises:
        UsageError: there is no such network.

    Example:
        >>> layer_sizes("mlp_small", 6)
        (6, 16, 8, 1)
    """
    check_arch(arch)
    if arch == SVR:
        raise UsageError("svr is not a network: training decides how many support vectors it has")
    return (n_features, *ARCHS[arch], 1)


def n_params(arch: str, n_features: int) -> int:
    """Weights and biases of the arch on that many features.

    Raises:
        UsageError: there is no such arch.

    Example:
        >>> [n_params(arch, 6) for arch in ARCHS]
        [7, 257, 769, 2561]
    """
    return sum(n_in * n_out + n_out for n_in, n_out in pairwise(layer_sizes(arch, n_features)))
