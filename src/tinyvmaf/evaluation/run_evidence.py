# SPDX-License-Identifier: Apache-2.0
"""Evidence of a run: intervals, tests and diagnosis, from the run's files alone.

Reports print it and findings are made from it. A run that does not pass the training gate gets no
evidence on unseen content.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tinyvmaf.evaluation.baselines import LEAST_SQUARES, NEIGHBOURS
from tinyvmaf.evaluation.compare import compare_with_baselines, optimism
from tinyvmaf.evaluation.comparison_records import RankingRow
from tinyvmaf.evaluation.evidence_records import (
    CurvePoint,
    DiagnosisRow,
    Evidence,
    IntervalsRecord,
    PooledIntervals,
    PooledParts,
    RmseWeighting,
    SampleSize,
    SeedErrors,
)
from tinyvmaf.evaluation.gate import judge_training
from tinyvmaf.evaluation.predictions import (
    Level,
    MeasuredFold,
    all_in_order,
    by_seed,
    by_source,
    clip_index,
    clip_means,
    fold_values,
    measure_rows,
    of_model,
    source_index,
)
from tinyvmaf.evaluation.run_files import RunFiles
from tinyvmaf.evaluation.split_records import NestedChoice, SplitRow
from tinyvmaf.libvmaf.sets import TARGET
from tinyvmaf.stats.fold_diagnosis import (
    error_shares,
    outlier_tests,
    range_corrected,
    target_range,
)
from tinyvmaf.stats.intervals import (
    Interval,
    fold_interval,
    nadeau_bengio_interval,
    pooled_intervals,
)
from tinyvmaf.stats.metrics import METRICS
from tinyvmaf.stats.p1401 import clip_block
from tinyvmaf.stats.ranking import pair_accuracy
from tinyvmaf.stats.seeds import MIN_SEEDS, seed_spread
from tinyvmaf.stats.structure import (
    correlation_parts,
    dependence,
    source_sums,
    weighted_rmse,
)
from tinyvmaf.typed_json import from_json

if TYPE_CHECKING:
    import polars as pl


def gather_evidence(run: RunFiles, measured: Sequence[MeasuredFold]) -> Evidence:
    """All evidence of `run`; parts that do not apply are None."""
    folds = tuple(measured)
    first = by_seed(run.predictions)[0]
    gate = judge_training(run)
    unit, intervals = _unit(first), _intervals(run, folds)
    if not gate.passed:
        asked = run.facts.splits is not None or run.facts.nested is not None
        return Evidence(gate=gate, unit=unit, intervals=intervals, splits=() if asked else None)
    curve, splits, nested = run.facts.learning_curve, run.facts.splits, run.facts.nested
    clips = clip_means(first)
    return Evidence(
        gate=gate,
        unit=unit,
        intervals=intervals,
        comparisons=compare_with_baselines(run, folds),
        ranking=_ranking(run, first),
        optimism=optimism(run, folds),
        diagnosis=_diagnosis(run, folds, first),
        learning_curve=None
        if curve is None
        else tuple(from_json(CurvePoint, point, at="learning_curve") for point in curve),
        p1401=clip_block(predicted=clips["predicted"].to_numpy(), target=clips[TARGET].to_numpy()),
        splits=None
        if splits is None
        else tuple(from_json(SplitRow, row, at="splits") for row in splits),
        nested=None if nested is None else from_json(NestedChoice, nested, at="nested"),
    )


def _unit(rows: "pl.DataFrame") -> SampleSize:
    errors = (rows["predicted"] - rows[TARGET]).to_numpy()
    clips = clip_index(rows)
    by_clip = dependence(errors=errors, groups=clips)
    by_content = dependence(errors=errors, groups=source_index(rows))
    return SampleSize(
        n_sources=rows["source"].n_unique(),
        n_clips=int(clips[-1]) + 1,
        n_frames=rows.height,
        icc_clip=by_clip.icc if by_clip else None,
        icc_source=by_content.icc if by_content else None,
        n_eff_clip=by_clip.n_effective if by_clip else None,
        n_eff_source=by_content.n_effective if by_content else None,
    )


def _intervals(run: RunFiles, folds: tuple[MeasuredFold, ...]) -> IntervalsRecord:
    groups = _fold_of_source(run, [fold.source for fold in folds])
    seeds = by_seed(run.predictions)

    def over_folds(level: Level) -> dict[str, Interval | None]:
        return {
            metric: None
            if all_in_order(folds, level=level, metric=metric)
            else fold_interval(
                fold_values(folds, level=level, metric=metric), metric=metric, folds=groups
            )
            for metric in METRICS
        }

    def pooled(parts: "Sequence[pl.DataFrame]") -> dict[str, Interval | None]:
        found = pooled_intervals(
            predicted=[part["predicted"].to_numpy() for part in parts],
            target=parts[0][TARGET].to_numpy(),
            source_index=np.asarray(groups)[source_index(parts[0]) - 1],
            unit="fold" if run.facts.held_out else "source",
        )
        return {str(metric): item for metric, item in found.items()}

    widened = nadeau_bengio_interval(
        fold_values(folds, level="frame", metric="rmse"), metric="rmse", folds=groups
    )
    return IntervalsRecord(
        frame=over_folds("frame"),
        clip=over_folds("clip"),
        pooled=PooledIntervals(
            frame=pooled(seeds), clip=pooled([clip_means(rows) for rows in seeds])
        ),
        nadeau_bengio={"rmse": widened},
        rmse_weighting=_weighting(folds),
        pooled_parts=_pooled_parts(seeds),
        seeds=_seed_errors(folds),
    )


def _weighting(folds: tuple[MeasuredFold, ...]) -> RmseWeighting:
    n = [fold.n_frames for fold in folds]
    weighted = [
        weighted_rmse(rmse=[fold.frame[seed].rmse or 0.0 for fold in folds], n=n)
        for seed in range(len(folds[0].frame))
    ]
    return RmseWeighting(
        frame_weighted=float(np.mean([each.by_frame for each in weighted])),
        source_weighted=float(np.mean([each.by_source for each in weighted])),
    )


def _pooled_parts(seeds: "Sequence[pl.DataFrame]") -> PooledParts | None:
    found = [
        correlation_parts(
            source_sums(
                predicted=rows["predicted"].to_numpy(),
                target=rows[TARGET].to_numpy(),
                source_index=source_index(rows),
            )
        )
        for rows in seeds
    ]
    parts = [each for each in found if each is not None]
    if len(parts) < len(found):
        return None
    return PooledParts(
        within=float(np.mean([each.within for each in parts])),
        between=float(np.mean([each.between for each in parts])),
    )


def _seed_errors(folds: tuple[MeasuredFold, ...]) -> SeedErrors:
    n = len(folds[0].frame)
    values = [[fold.frame[seed].rmse for fold in folds] for seed in range(n)]
    found = seed_spread(np.array(values, dtype=np.float64))
    return SeedErrors(
        n=n,
        sd_per_fold=found.by_fold if found else None,
        se_headline=found.headline_se if found else None,
    )


def _fold_of_source(run: RunFiles, sources: Sequence[str]) -> list[int]:
    """For each of the sorted `sources` the number of its fold."""
    number = {
        source: number for number, fold in enumerate(run.facts.held_out) for source in fold
    } or {source: number for number, source in enumerate(sources)}
    return [number[source] for source in sources]


def _ranking(run: RunFiles, first: "pl.DataFrame") -> tuple[RankingRow, ...]:
    models = {run.facts.arch: first}
    for model in run.facts.baselines:
        rows = of_model(run.baselines, model)
        if (rows["seen"] == "heldout").all():
            models[model] = rows
    records: list[RankingRow] = []
    groups = _fold_of_source(run, sorted(first["source"].unique().to_list()))
    for model, rows in models.items():
        clips = clip_means(rows)
        for item in pair_accuracy(
            predicted=clips["predicted"].to_numpy(),
            target=clips[TARGET].to_numpy(),
            source_index=source_index(clips),
        ):
            interval = fold_interval(item.by_source, metric="pair_accuracy", folds=groups)
            records.append(
                RankingRow(
                    model=model,
                    threshold=item.threshold,
                    accuracy=item.accuracy,
                    low=max(0.0, interval.low) if interval else None,
                    high=min(1.0, interval.high) if interval else None,
                    n_pairs=item.pairs,
                    n_errors=item.errors,
                )
            )
    return tuple(records)


def _diagnosis(
    run: RunFiles, folds: tuple[MeasuredFold, ...], first: "pl.DataFrame"
) -> tuple[DiagnosisRow, ...]:
    rows = {part["source"][0]: part for part in by_source(first)}
    ranges = {source: target_range(part[TARGET].to_numpy()) for source, part in rows.items()}
    typical = float(np.sqrt(np.mean([found.sd**2 for found in ranges.values()])))
    outliers = outlier_tests(fold_values(folds, level="frame", metric="rmse"), metric="rmse")
    beside = {
        model: {
            part["source"][0]: measure_rows(part).rmse
            for part in by_source(of_model(run.baselines, model))
        }
        for model in (LEAST_SQUARES, NEIGHBOURS)
    }
    records: list[DiagnosisRow] = []
    for fold, outlier in zip(folds, outliers, strict=True):
        own = rows[fold.source]
        shares = error_shares(predicted=own["predicted"].to_numpy(), target=own[TARGET].to_numpy())
        spread = ranges[fold.source]
        shift = run.facts.applicability.get(fold.source)
        plcc = fold.frame[0].plcc
        errors = [item.rmse for item in fold.frame if item.rmse is not None]
        records.append(
            DiagnosisRow(
                source=fold.source,
                # The mean that the table of folds prints, so that both name the same worst source.
                rmse=float(np.mean(errors)) if errors else None,
                bias_share=shares.bias if shares else None,
                slope_share=shares.slope if shares else None,
                residual_share=shares.residual if shares else None,
                sd_teacher=spread.sd,
                saturated_share=spread.at_bottom + spread.at_top,
                corrected_plcc=None
                if plcc is None
                else range_corrected(plcc, sd=spread.sd, reference_sd=typical),
                dissimilarity=shift["median"] if shift else None,
                outside_share=shift["share_outside"] if shift else None,
                flagged=bool(shift) and shift["median"] > shift["threshold"],
                ols_rmse=beside[LEAST_SQUARES].get(fold.source),
                knn_rmse=beside[NEIGHBOURS].get(fold.source),
                deleted_t_p=outlier.p_adjusted if outlier else None,
                seed_sd=float(np.std(errors, ddof=1)) if len(errors) >= MIN_SEEDS else None,
            )
        )
    return tuple(records)
