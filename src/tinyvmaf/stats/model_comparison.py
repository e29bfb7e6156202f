# SPDX-License-Identifier: Apache-2.0
"""Paired comparison of models over the same sources: effect, interval, tests and verdict.

The input is metrics per source, held out for both models and averaged over seeds; the result is one
record for every pair and metric, with p-values adjusted for all of them together. The verdict is a
function of numbers in the record, so that no sentence made from it can claim more than they do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from jaxtyping import Float

from tinyvmaf.errors import SchemaError
from tinyvmaf.stats.paired import (
    detectable_effects,
    nadeau_bengio_p,
    sign_flip,
    smallest_p,
    subset_interval,
    wilcoxon_p,
)
from tinyvmaf.stats.scales import higher_is_better, known, scale_of

Outcome = Literal["A better", "B better", "equivalent", "not resolved"]
Scores = Mapping[str, Sequence[float | None]]

MARGINS: Mapping[str, float] = {"rmse": 0.5, "mae": 0.5, "plcc": 0.005, "srocc": 0.005}
"""Negligible differences, fixed beforehand: VMAF points, and correlation."""

_ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Comparison:
    """One metric of models A and B on the same sources.

    Attributes:
        a, b: The models.
        metric: The metric that is compared.
        k: Sources.
        k_eff: Sources where both have the metric; the rest of the record is about these.
        a_better_in, b_better_in: Sources where A, or B, is the better one; the rest are ties.
        effect: Mean paired difference A - B on the metric's scale, as `effect_is` says; for an
            error the ratio A / B of geometric means. None without sources.
        effect_low, effect_high: Its exact interval at 1 - alpha; None with fewer than six sources.
        effect_is: `ratio`, `difference of atanh` or `difference`.
        difference: Mean of A - B in the metric's own unit.
        difference_low, difference_high: Its exact interval at 1 - 2 alpha, for equivalence.
        margin: Differences within it count as none; None if there is none for the metric.
        p: Sign-flip test of this comparison alone.
        p_adjusted: The same, adjusted for all comparisons of the family.
        p_nadeau_bengio, p_wilcoxon: For sensitivity only.
        resolvable: The smallest effect, as `effect_is` says, that the adjusted test resolves with
            80 % power on sources with this spread; None if no effect can reach alpha.
        smallest_p: The smallest p that this number of sources allows.
        alpha: Level of the verdict.
        exact: True if all sign patterns were enumerated.
        outcome: The verdict.
        robust: True if a win also has p_nadeau_bengio below alpha.
    """

    a: str
    b: str
    metric: str
    k: int
    k_eff: int
    a_better_in: int
    b_better_in: int
    effect: float | None
    effect_low: float | None
    effect_high: float | None
    effect_is: str
    difference: float | None
    difference_low: float | None
    difference_high: float | None
    margin: float | None
    p: float
    p_adjusted: float
    p_nadeau_bengio: float | None
    p_wilcoxon: float | None
    resolvable: float | None
    smallest_p: float
    alpha: float
    exact: bool
    outcome: Outcome
    robust: bool


def decide(
    *,
    interval: tuple[float, float] | None,
    p: float,
    alpha: float,
    higher_is_better: bool,
    equivalence: tuple[float, float] | None = None,
    margin: float | None = None,
) -> Outcome:
    """The verdict that these numbers allow.

    Args:
        interval: Interval of A - B on the scale; None if there is none.
        p: Adjusted p-value.
        alpha: A difference needs p below it, and an interval without 0.
        higher_is_better: True if a positive difference favours A.
        equivalence: Interval of A - B in the metric's unit at 1 - 2 alpha.
        margin: Equivalent if `equivalence` lies inside [-margin, margin].
    """
    if interval is not None and p < alpha and (interval[0] > 0 or interval[1] < 0):
        return "A better" if (interval[0] > 0) == higher_is_better else "B better"
    if equivalence is not None and margin is not None:
        low, high = equivalence
        if -margin <= low and high <= margin:
            return "equivalent"
    return "not resolved"


def compare_models(
    scores: Mapping[str, Scores],
    *,
    metrics: Sequence[str],
    pairs: Sequence[tuple[str, str]] | None = None,
    margins: Mapping[str, float] = MARGINS,
    alpha: float = _ALPHA,
    seed: int = 0,
) -> tuple[Comparison, ...]:
    """Compare models by every metric, with p-values adjusted for the whole family.

    Args:
        scores: Model -> metric -> one value per source, in one order for all; None where the metric
            does not exist. Only held-out cells belong here.
        metrics: Those to compare by; together with `pairs` they make the family.
        pairs: Models A and B; by default all pairs in the order of `scores`.
        margins: Metric -> equivalence margin in the metric's unit.
        alpha: Family-wise error rate of the verdicts.
        seed: Seed of random sign patterns beyond 16 sources.

    Raises:
        SchemaError: models have different numbers of sources, or a value is not finite.
        UsageError: a metric is unknown or has no better side.
    """
    pairs = tuple(combinations(scores, 2)) if pairs is None else pairs
    family = [(a, b, metric) for a, b in pairs for metric in metrics]
    if not family:
        return ()
    paired = [_paired(scores[a], scores[b], metric) for a, b, metric in family]
    on_scale = np.array(
        [
            np.subtract(*scale_of(metric).forward(values))
            for values, (_, _, metric) in zip(paired, family, strict=True)
        ]
    )
    flips = sign_flip(on_scale, seed=seed)
    resolvable = detectable_effects(on_scale, alpha=alpha, seed=seed)
    return tuple(
        _compare(
            of,
            in_unit=values[0] - values[1],
            on_scale=differences,
            tests=(p, p_adjusted, flips.exact),
            resolvable=effect,
            margin=margins.get(of[2]),
            alpha=alpha,
            seed=seed,
        )
        for of, values, differences, p, p_adjusted, effect in zip(
            family, paired, on_scale, flips.p, flips.p_max_t, resolvable, strict=True
        )
    )


def _paired(a: Scores, b: Scores, metric: str) -> Float[np.ndarray, "2 k"]:
    """The values of A and B in every source, NaN for both where either has none."""
    if len(a[metric]) != len(b[metric]):
        raise SchemaError(
            f"{metric} has {len(a[metric])} and {len(b[metric])} sources; compare the same sources"
        )
    known([*a[metric], *b[metric]], metric=metric)
    values = np.array([a[metric], b[metric]], dtype=np.float64)
    values[:, np.isnan(values).any(axis=0)] = np.nan
    return values


def _compare(
    of: tuple[str, str, str],
    *,
    in_unit: Float[np.ndarray, " k"],
    on_scale: Float[np.ndarray, " k"],
    tests: tuple[float, float, bool],
    resolvable: float | None,
    margin: float | None,
    alpha: float,
    seed: int,
) -> Comparison:
    a, b, metric = of
    p, p_adjusted, exact = tests
    scale, higher = scale_of(metric), higher_is_better(metric)
    defined = ~np.isnan(on_scale)
    raw, d = in_unit[defined], on_scale[defined]
    some, several = len(d) > 0, len(d) > 1
    interval = subset_interval(d, level=1 - alpha, seed=seed)
    equivalence = subset_interval(raw, level=1 - 2 * alpha, seed=seed)
    outcome = decide(
        interval=interval,
        p=p_adjusted,
        alpha=alpha,
        higher_is_better=higher,
        equivalence=equivalence,
        margin=margin,
    )
    p_nadeau_bengio = nadeau_bengio_p(d) if several else None
    return Comparison(
        a=a,
        b=b,
        metric=metric,
        k=len(on_scale),
        k_eff=len(d),
        a_better_in=int(np.count_nonzero(raw > 0 if higher else raw < 0)),
        b_better_in=int(np.count_nonzero(raw < 0 if higher else raw > 0)),
        effect=scale.effect(float(d.mean())) if some else None,
        effect_low=scale.effect(interval[0]) if interval else None,
        effect_high=scale.effect(interval[1]) if interval else None,
        effect_is=scale.difference,
        difference=float(raw.mean()) if some else None,
        difference_low=equivalence[0] if equivalence else None,
        difference_high=equivalence[1] if equivalence else None,
        margin=margin,
        p=p,
        p_adjusted=p_adjusted,
        p_nadeau_bengio=p_nadeau_bengio,
        p_wilcoxon=wilcoxon_p(d, seed=seed) if some else None,
        resolvable=None if resolvable is None else scale.effect(resolvable),
        smallest_p=smallest_p(len(d)),
        alpha=alpha,
        exact=exact,
        outcome=outcome,
        robust=outcome in ("A better", "B better")
        and p_nadeau_bengio is not None
        and p_nadeau_bengio < alpha,
    )
