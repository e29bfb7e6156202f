# SPDX-License-Identifier: Apache-2.0
"""Models against models on held-out sources: between runs, and inside a run against baselines.

Only cells that are held out for both sides take part. Values of a source are means over seeds;
everything that is compared at once is one family, so that its p-values are adjusted together.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tinyvmaf.errors import UsageError
from tinyvmaf.evaluation.comparison_records import ComparisonRow, OptimismRow, Verdict
from tinyvmaf.evaluation.findings import (
    comparison_findings,
    protocol_findings,
    undertrained_finding,
)
from tinyvmaf.evaluation.gate import judge_training
from tinyvmaf.evaluation.predictions import (
    Level,
    MeasuredFold,
    by_source,
    clip_means,
    fold_values,
    measure_folds,
    measure_rows,
    of_model,
)
from tinyvmaf.evaluation.records import COMPARE_SCHEMA, ComparedRun, CompareRecord
from tinyvmaf.evaluation.run_files import (
    RunFiles,
    protocol,
    read_files,
    refuse_other_table,
    table_facts,
)
from tinyvmaf.stats.metrics import MetricName
from tinyvmaf.stats.model_comparison import MARGINS, Comparison, Outcome, compare_models
from tinyvmaf.stats.paired import subset_interval
from tinyvmaf.stats.scales import CLIP, held_off
from tinyvmaf.storage import address
from tinyvmaf.stored_folder import local_folder

if TYPE_CHECKING:
    import polars as pl

FAMILY: Mapping[str, tuple[Level, MetricName]] = {
    f"{CLIP}rmse": ("clip", "rmse"),
    "rmse": ("frame", "rmse"),
    "plcc": ("frame", "plcc"),
    "srocc": ("frame", "srocc"),
}
"""The metrics that models are compared by; the first is the endpoint declared beforehand."""

_VERDICTS: Mapping[Outcome, Verdict] = {
    "A better": "a_better",
    "B better": "b_better",
    "equivalent": "equivalent",
    "not resolved": "not_resolved",
}

Scores = Mapping[str, Sequence[float | None]]


def compare(runs: Sequence[Path | str]) -> CompareRecord:
    """Compare finished runs on one table: one family of paired tests over its sources.

    Args:
        runs: Their folders, here or in object stores, at least two; a run is named after its
            folder, or by its path if names repeat.

    Raises:
        UsageError: fewer than two, one twice, no run in a folder, or runs on other tables.
        SchemaError: a run is damaged.
    """
    folders = [Path(run) for run in runs]
    if len(folders) < 2:  # noqa: PLR2004 (a pair)
        raise UsageError(f"comparing needs at least two runs, got {len(folders)}")
    if len({folder.resolve() for folder in folders}) != len(folders):
        raise UsageError("a run is named twice; compare different runs")
    names = [folder.resolve().name for folder in folders]
    if len(set(names)) != len(names):
        names = [address(folder) for folder in folders]
    with ExitStack() as copies:
        local = [copies.enter_context(local_folder(folder, fetch=True)) for folder in folders]
        found = dict(zip(names, map(read_files, local), strict=True))
    first = next(iter(found.values())).facts
    for run in found.values():
        refuse_other_table(first.table, run.facts.table)
    gates = {name: judge_training(run) for name, run in found.items()}
    comparisons = compare_runs(
        {name: measure_folds(run.predictions) for name, run in found.items()}
    )
    undertrained = [
        undertrained_finding(name, gate, "Its comparisons judge its training, not its arch.")
        for name, gate in gates.items()
        if not gate.passed
    ]
    return CompareRecord(
        schema=COMPARE_SCHEMA,
        table=table_facts(first),
        runs=tuple(
            ComparedRun(
                name=name,
                arch=run.facts.arch,
                n_params=run.facts.n_params,
                recipe=run.facts.recipe,
                seeds=run.facts.seeds,
                protocol=protocol(run.facts).name,
                n_folds=protocol(run.facts).n_folds,
                gate=gates[name],
            )
            for name, run in found.items()
        ),
        comparisons=comparisons,
        findings=(
            *undertrained,
            *protocol_findings({name: run.facts.held_out for name, run in found.items()}),
            *comparison_findings(comparisons),
        ),
    )


def compare_runs(measured: Mapping[str, Sequence[MeasuredFold]]) -> tuple[ComparisonRow, ...]:
    """Every run against every other, by the metrics of `FAMILY`."""
    return _rows({name: _of_folds(tuple(folds)) for name, folds in measured.items()}, None)


def compare_with_baselines(
    run: RunFiles, measured: Sequence[MeasuredFold]
) -> tuple[ComparisonRow, ...]:
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


def optimism(run: RunFiles, measured: Sequence[MeasuredFold]) -> tuple[OptimismRow, ...]:
    """The reduction of a single-split model's error on sources that it has seen.

    It is compared with the held-out folds of the same arch, recipe and seed only, so that the
    difference measures the effect of having seen a source, not the quality of the model.
    """
    arch = run.facts.arch
    held_out = {fold.source: fold.frame[0].rmse for fold in measured}
    found: list[OptimismRow] = []
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
            OptimismRow(
                model=model,
                arch=arch,
                metric="rmse",
                effect=float(differences.mean()),
                low=interval[0] if interval else None,
                high=interval[1] if interval else None,
                per_source=per_source,
            )
        )
    return tuple(found)


def _of_folds(folds: tuple[MeasuredFold, ...]) -> Scores:
    return {
        name: fold_values(folds, level=level, metric=metric)
        for name, (level, metric) in FAMILY.items()
    }


def _of_baseline(rows: "pl.DataFrame", model: str, sources: Sequence[str]) -> Scores | None:
    """The baseline's metrics on its held-out sources, None elsewhere; None if it has none."""
    parts = {part["source"][0]: part for part in _known_as("heldout", rows, model)}
    if not parts:
        return None
    measured = {
        source: {"frame": measure_rows(part), "clip": measure_rows(clip_means(part))}
        for source, part in parts.items()
    }

    def value(source: str, level: str, metric: MetricName) -> float | None:
        if source not in measured:
            return None
        found = measured[source][level]
        return held_off(getattr(found, metric), metric=metric, n=found.n)

    return {
        name: [value(source, level, metric) for source in sources]
        for name, (level, metric) in FAMILY.items()
    }


def _known_as(seen: str, rows: "pl.DataFrame", model: str) -> "Iterator[pl.DataFrame]":
    """The rows of every source that `model` knew as `seen`; a source has one such word."""
    return (part for part in by_source(of_model(rows, model)) if part["seen"][0] == seen)


def _rows(
    scores: Mapping[str, Scores], pairs: Sequence[tuple[str, str]] | None
) -> tuple[ComparisonRow, ...]:
    margins = {**MARGINS, f"{CLIP}rmse": MARGINS["rmse"]}
    return compare_scores(scores, family=FAMILY, pairs=pairs, margins=margins)


def compare_scores(
    scores: Mapping[str, Scores],
    *,
    family: Mapping[str, tuple[Level, MetricName]],
    pairs: Sequence[tuple[str, str]] | None,
    margins: Mapping[str, float],
) -> tuple[ComparisonRow, ...]:
    """Compare models by every metric of a family; pairs without a common source are left out.

    Args:
        scores: Model -> name in `family` -> one value per source.
        family: Name -> level and metric.
        pairs: Models A and B; by default all pairs.
        margins: Name -> equivalence margin in the metric's unit.
    """
    compared = compare_models(scores, metrics=list(family), pairs=pairs, margins=margins)
    return tuple(_row(item, *family[item.metric]) for item in compared if item.k_eff)


def _row(item: Comparison, level: Level, metric: MetricName) -> ComparisonRow:
    return ComparisonRow(
        a=item.a,
        b=item.b,
        level=level,
        metric=metric,
        n_sources=item.k_eff,
        a_better_in=item.a_better_in,
        b_better_in=item.b_better_in,
        effect=item.effect,
        low=item.effect_low,
        high=item.effect_high,
        effect_kind=item.effect_is,
        difference=item.difference,
        difference_low=item.difference_low,
        difference_high=item.difference_high,
        p=item.p,
        p_adjusted=item.p_adjusted,
        exact=item.exact,
        mde=item.resolvable,
        margin=item.margin,
        alpha=item.alpha,
        equivalent=item.outcome == "equivalent",
        verdict=_VERDICTS[item.outcome],
        robust=item.robust,
        nadeau_bengio_p=item.p_nadeau_bengio,
        wilcoxon_p=item.p_wilcoxon,
        smallest_p=item.smallest_p,
    )
