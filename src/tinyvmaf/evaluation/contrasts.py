# SPDX-License-Identifier: Apache-2.0
"""Models against models on held-out sources: between runs, and inside a run against baselines.

Only cells that are held out for both sides take part. Values of a source are means over seeds;
everything that is compared at once is one family, so that its p-values are adjusted together.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyvmaf.evaluation.comparison import MARGINS, Comparison, compare_models
from tinyvmaf.evaluation.measured import MeasuredFold, clip_means, fold_values, measure_rows
from tinyvmaf.evaluation.predictions import by_source, of_model
from tinyvmaf.evaluation.run import Run
from tinyvmaf.stats.paired import subset_interval
from tinyvmaf.stats.scales import CLIP

if TYPE_CHECKING:
    import polars as pl

FAMILY = ("clip_rmse", "rmse", "plcc", "srocc")
"""What models are compared by; the first is the endpoint that was declared beforehand."""

_VERDICTS = {
    "A better": "a_better",
    "B better": "b_better",
    "equivalent": "equivalent",
    "not resolved": "not_resolved",
}

Scores = dict[str, Sequence[float | None]]


def compare_runs(measured: Mapping[str, Sequence[MeasuredFold]]) -> list[dict[str, Any]]:
    """Every run against every other, by the metrics of `FAMILY`; rows as in the record."""
    return _rows({name: _of_folds(tuple(folds)) for name, folds in measured.items()}, None)


def compare_with_baselines(run: Run, measured: Sequence[MeasuredFold]) -> list[dict[str, Any]]:
    """The sweep's model against every baseline that has held-out sources."""
    arch = run.facts.arch
    scores = {arch: _of_folds(tuple(measured))}
    sources = [fold.source for fold in measured]
    for model in run.facts.baselines:
        found = _of_baseline(run.baselines, model, sources)
        if found is not None:
            scores[model] = found
    pairs = [(arch, model) for model in scores if model != arch]
    return _rows(scores, pairs)


def optimism(run: Run, measured: Sequence[MeasuredFold]) -> list[dict[str, Any]]:
    """How much smaller the error of a single-split model is on sources that it has seen.

    Set against the held-out folds of the same arch, recipe and seed only; what is measured is
    seen-ness, not quality.
    """
    arch = run.facts.arch
    held_out = {fold.source: fold.frame[0].rmse for fold in measured}
    found: list[dict[str, Any]] = []
    for model, words in run.facts.baselines.items():
        if not words.startswith(f"{arch} trained once"):
            continue
        per_source: dict[str, float] = {}
        for part in _known_as("train", run.baselines, model):
            seen, unseen = measure_rows(part).rmse, held_out[part["source"][0]]
            if seen is not None and unseen is not None:
                per_source[part["source"][0]] = seen - unseen
        if not per_source:
            continue
        differences = np.array(list(per_source.values()))
        interval = subset_interval(differences)
        found.append(
            {
                "model": model,
                "arch": arch,
                "metric": "rmse",
                "effect": float(differences.mean()),
                "low": interval[0] if interval else None,
                "high": interval[1] if interval else None,
                "per_source": per_source,
            }
        )
    return found


def _of_folds(folds: tuple[MeasuredFold, ...]) -> Scores:
    return {
        "clip_rmse": fold_values(folds, level="clip", metric="rmse"),
        "rmse": fold_values(folds, level="frame", metric="rmse"),
        "plcc": fold_values(folds, level="frame", metric="plcc"),
        "srocc": fold_values(folds, level="frame", metric="srocc"),
    }


def _of_baseline(rows: "pl.DataFrame", model: str, sources: Sequence[str]) -> Scores | None:
    """The baseline's metrics on its held-out sources, None elsewhere; None if it has none."""
    parts = {part["source"][0]: part for part in _known_as("heldout", rows, model)}
    if not parts:
        return None
    frame = {source: measure_rows(part) for source, part in parts.items()}
    clip = {source: measure_rows(clip_means(part)) for source, part in parts.items()}
    return {
        "clip_rmse": [clip[source].rmse if source in clip else None for source in sources],
        **{
            metric: [
                getattr(frame[source], metric) if source in frame else None for source in sources
            ]
            for metric in ("rmse", "plcc", "srocc")
        },
    }


def _known_as(seen: str, rows: "pl.DataFrame", model: str) -> "Iterator[pl.DataFrame]":
    """The rows of every source that `model` knew as `seen`; a source is known as one thing."""
    return (part for part in by_source(of_model(rows, model)) if part["seen"][0] == seen)


def _rows(
    scores: Mapping[str, Scores], pairs: Sequence[tuple[str, str]] | None
) -> list[dict[str, Any]]:
    margins = {**MARGINS, "clip_rmse": MARGINS["rmse"]}
    compared = compare_models(scores, metrics=FAMILY, pairs=pairs, margins=margins)
    return [_row(item) for item in compared if item.k_eff]


def _row(item: Comparison) -> dict[str, Any]:
    return {
        "a": item.a,
        "b": item.b,
        "level": "clip" if item.metric.startswith(CLIP) else "frame",
        "metric": item.metric.removeprefix(CLIP),
        "n_sources": item.k_eff,
        "a_better_in": item.a_better_in,
        "b_better_in": item.b_better_in,
        "effect": item.effect,
        "low": item.effect_low,
        "high": item.effect_high,
        "effect_kind": item.effect_is,
        "difference": item.difference,
        "difference_low": item.difference_low,
        "difference_high": item.difference_high,
        "p": item.p,
        "p_adjusted": item.p_adjusted,
        "exact": item.exact,
        "mde": item.resolvable,
        "margin": item.margin,
        "alpha": item.alpha,
        "equivalent": item.outcome == "equivalent",
        "verdict": _VERDICTS[item.outcome],
        "robust": item.robust,
        "nadeau_bengio_p": item.p_nadeau_bengio,
        "wilcoxon_p": item.p_wilcoxon,
    }
