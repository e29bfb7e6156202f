# SPDX-License-Identifier: Apache-2.0
"""The record of a frontier: every scoring method with its error, coverage and measured cost.

It is made from a table with the teacher's scores and reduced feature sets, models' scores of its
clips, and measured costs; tables, charts and recommendations are made from its JSON.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

import numpy as np

from tinyvmaf.errors import UsageError
from tinyvmaf.features.table import FeatureTable, make_table
from tinyvmaf.frontier.cpu_time import EVERY, every_nth
from tinyvmaf.frontier.judged_models import Judged, clips_of
from tinyvmaf.frontier.study import (
    Clip,
    Outcome,
    Way,
    bare,
    every_nth_way,
    model_way,
    sampled_ways,
)
from tinyvmaf.libvmaf.sets import FULL, HALF, QUARTER, SIGNAL, SSIM, FeatureSet
from tinyvmaf.scoring.auxiliary import predicted_score, signal_variables
from tinyvmaf.scoring.costs import DECODING, EXACT_FRAME, SPARE_FRAME, costs_of

SCHEMA: Final = "tinyvmaf.frontier/1"
SETS: Final = ",".join(item.name for item in (FULL, HALF, QUARTER, SIGNAL, SSIM))
"""The feature sets that the corpus is extracted with."""


def frontier_record(
    table: FeatureTable,
    models: Sequence[Judged],
    *,
    cpu: Mapping[str, float],
    draws: int,
    seed: int,
    level: float,
) -> dict[str, Any]:
    """Every scoring method with its error, coverage and cost, sorted by cost.

    Args:
        table: The feature table of the corpus.
        models: The models to evaluate, with their scores.
        cpu: The result of `measure_cpu`.
        draws: Replicates for each clip and method.
        seed: Seed of the random numbers.
        level: Nominal coverage of the intervals.
    """
    n_clips = table.n_clips
    table, models = _same_clips(table, models)
    signal = table.rows.select(SIGNAL.columns).to_numpy()
    clips = list(clips_of(table.rows, [signal], signal_variables))
    draw = partial(
        sampled_ways,
        draws=draws,
        seed=seed,
        level=level,
        costs=costs_of({name: 1000 * value for name, value in cpu.items()}),
    )
    ways: list[Way] = []
    for item in models:
        names = [feature_set.name for feature_set in item.sets]
        ways.append(model_way(item.clips, model=item.name, sets=names))
        ways += draw(item.clips, model=item.name, sets=item.sets)
    judged = [(item.name, item.sets, item.clips) for item in models]
    bad = [
        way
        for name, sets, those in [("signal", (SIGNAL,), clips), *judged]
        for way in draw(_shuffled(those, seed), model=name, sets=sets)
    ]
    for name, those, sets in (
        ("signal", clips, (SIGNAL,)),
        ("exact frames alone", bare(clips), ()),
    ):
        plain = draw(those, model=name, sets=sets)
        ways += [Way(way.name, None, way.sets, way.outcomes) for way in plain]
    ways += [every_nth_way(clips, n, name=every_nth(n)) for n in EVERY]
    ways += [_regression(table, SIGNAL, "psnr"), _regression(table, SSIM, "ssim")]
    ways.append(
        Way(
            "libvmaf on every frame",
            None,
            (FULL.name,),
            tuple(Outcome(clip.source, clip.name, 0.0, len(clip.exact)) for clip in clips),
        )
    )
    costs = {way.name: _cost(way, cpu) * 1000 for way in ways}
    ways.sort(key=lambda way: costs[way.name])
    found = [{**way.summary(), "cpu_ms": costs[way.name]} for way in ways]
    return {
        "schema": SCHEMA,
        "sources": list(table.sources),
        "clips": table.n_clips,
        "clips_left_out": n_clips - table.n_clips,
        "frames": table.rows.height,
        "table_sha256": table.sha256,
        "teacher": table.info.teacher,
        "draws": draws,
        "seed": seed,
        "level": level,
        "models": [
            {
                "name": item.name,
                "held_out": item.held_out,
                "seeds": len(item.clips[0].auxiliary),
                "sources": len({clip.source for clip in item.clips}),
            }
            for item in models
        ],
        "cpu_ms": {name: value * 1000 for name, value in cpu.items()},
        "ways": found,
        "shuffled": [way.summary() for way in bad],
    }


def recommend(
    record: Mapping[str, Any], *, error: float | None = None, budget: float | None = None
) -> Mapping[str, Any] | None:
    """The cheapest method with an RMSE up to `error`, or the most accurate within `budget`.

    Args:
        record: The result of `frontier_record`.
        error: Largest RMSE, in VMAF points.
        budget: CPU time as a share of libvmaf's on every frame.
    """
    full = next(way for way in record["ways"] if way["sets"] == [FULL.name])
    fit = [
        way
        for way in record["ways"]
        if way["rmse"] is not None
        and (error is None or way["rmse"] <= error)
        and (budget is None or way["cpu_ms"] <= budget * full["cpu_ms"])
    ]
    if not fit:
        return None
    first, second = ("cpu_ms", "rmse") if error is not None else ("rmse", "cpu_ms")
    return min(fit, key=lambda way: (way[first], way[second]))


def _cost(way: Way, cpu: Mapping[str, float]) -> float:
    """CPU seconds per 1080p frame: decoding, feature sets, exact and spare frames."""
    found = way.summary()
    decodes, exact, spare = found["decodes"], found["exact_share"], found["spare_share"]
    if not (isinstance(decodes, float) and isinstance(exact, float) and isinstance(spare, float)):
        return cpu[FULL.name]
    added = sum(cpu[name] - cpu[DECODING] for name in way.sets)
    return cpu[DECODING] * decodes + added + exact * cpu[EXACT_FRAME] + spare * cpu[SPARE_FRAME]


def _same_clips(table: FeatureTable, models: Sequence[Judged]) -> tuple[FeatureTable, list[Judged]]:
    """The clips that every model has scores for, so that all methods use the same ones."""
    import polars as pl

    judged = [{(clip.source, clip.name) for clip in item.clips} for item in models]
    known = set(table.rows.select("source", "clip").unique().rows()).intersection(*judged)
    if not known:
        raise UsageError("no clip is judged by all models; name fewer with `models`")
    names = pl.DataFrame(sorted(known), schema=["source", "clip"], orient="row")
    rows = table.rows.join(names, on=["source", "clip"], how="semi", maintain_order="left")
    kept = [
        replace(item, clips=tuple(c for c in item.clips if (c.source, c.name) in known))
        for item in models
    ]
    return make_table(rows, table.info), kept


def _shuffled(clips: Sequence[Clip], seed: int) -> list[Clip]:
    """Clips with uninformative auxiliary variables, taken from frames of other clips."""
    rng = np.random.default_rng(seed)
    values = rng.permutation(np.concatenate([clip.auxiliary[0].values for clip in clips]))
    ends = np.cumsum([len(clip.exact) for clip in clips])
    parts = np.split(values, ends[:-1])
    return [
        replace(clip, auxiliary=(replace(clip.auxiliary[0], values=part),))
        for clip, part in zip(clips, parts, strict=True)
    ]


def _regression(table: FeatureTable, feature_set: FeatureSet, feature: str) -> Way:
    """Isotonic regression of the score on one feature, fitted on all other sources' frames."""
    from sklearn.isotonic import IsotonicRegression
    from sklearn.model_selection import LeaveOneGroupOut

    measure = table.rows[feature_set.prefix + feature].to_numpy()
    predicted = np.empty(len(table.target))
    for train, test in LeaveOneGroupOut().split(measure, groups=table.source_index):
        fitted = IsotonicRegression(out_of_bounds="clip").fit(measure[train], table.target[train])
        predicted[test] = fitted.predict(measure[test])
    name = feature.upper()
    clips = clips_of(table.rows, [predicted[:, np.newaxis]], predicted_score)
    way = model_way(clips, model=name, sets=(feature_set.name,))
    return Way(f"regression on {name}", name, way.sets, way.outcomes)
