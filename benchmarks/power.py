# SPDX-License-Identifier: Apache-2.0
"""Power of the digest's paired comparisons at the effect that the digest says they resolve.

For families of several sizes, differences of a few sources are drawn, the smallest resolvable
effect is computed from them as the digest does, and new families with that effect in one test are
put through the adjusted sign-flip test. The share that it resolves should be 80 %. Beside it stand
the share at the effect of the t test's formula, which was printed before, and the share of families
without any effect in which some test claims one, which should be at most 5 %.

Prints one Markdown table; the same numbers every time. Run: `python benchmarks/power.py
[REPLICATES]` (2000 by default, some two minutes).
"""

import sys

import numpy as np
from scipy.optimize import brentq
from scipy.stats import nct, t

from tinyvmaf.stats.paired import detectable_effects, sign_flip, smallest_p

FAMILIES = ((1, 5), (1, 6), (4, 6), (12, 6), (1, 9), (12, 9), (12, 12))
"""Tests of a family, and sources."""

OBSERVED = 8
"""Observed families of each size; the replicates are shared out among them."""

SHARED = 0.5
"""Variance that the tests of a family share, as metrics of the same models do."""


def drawn(rng, tests, k):
    """Differences: a row a test, a column a source."""
    return SHARED**0.5 * rng.normal(size=k) + (1 - SHARED) ** 0.5 * rng.normal(size=(tests, k))


def formula(d):
    """The effect that the t test of one comparison resolves with 80 % power."""
    k = len(d)
    critical = t.ppf(0.975, k - 1)
    root = brentq(lambda e: nct.sf(critical, k - 1, e * k**0.5) - 0.8, 0.0, 2 * (critical + 5))
    return root * d.std(ddof=1)


def resolved(rng, d, effect, replicates):
    """For every made-up family whether its first test, and whether any, is resolved at 5 %."""
    centred = d - d.mean(axis=1, keepdims=True)
    norm = (centred.shape[1] - 1) ** 0.5
    found = []
    for _ in range(replicates):
        # The covariance of the observed families, whatever their rank.
        made = centred @ rng.normal(size=(d.shape[1], d.shape[1])) / norm
        made[0] += effect
        p = np.array(sign_flip(made).p_max_t)
        found.append((p[0] < 0.05, (p < 0.05).any()))
    return np.array(found)


def main():
    replicates = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    print("| family | smallest p | power at the printed effect | at the t test's | false claims |")
    print("| --- | --- | --- | --- | --- |")
    for tests, k in FAMILIES:
        rng = np.random.default_rng([tests, k])
        ours, before, none = [], [], []
        for _ in range(OBSERVED):
            d = drawn(rng, tests, k)
            effect = detectable_effects(d)[0]
            share = replicates // OBSERVED
            if effect is not None:
                ours.append(resolved(rng, d, effect, share)[:, 0])
            before.append(resolved(rng, d, formula(d[0]), share)[:, 0])
            none.append(resolved(rng, d, 0.0, share)[:, 1])
        told = f"{np.mean(ours):.3f}" if ours else "none can be resolved"
        noun = "test" if tests == 1 else "tests"
        print(
            f"| {tests} {noun}, {k} sources | {smallest_p(k):.4f} | {told} | "
            f"{np.mean(before):.3f} | {np.mean(none):.3f} |"
        )


if __name__ == "__main__":
    main()
