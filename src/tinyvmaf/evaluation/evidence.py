# SPDX-License-Identifier: Apache-2.0
"""What the numbers of a run carry: intervals, tests and diagnosis, from the run's files alone.

Everything here is a record for JSON; reports print it and findings are made from it. A run that
does not pass the training gate gets no evidence on unseen content: there is nothing to explain.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyvmaf.evaluation.baselines import LEAST_SQUARES, NEIGHBOURS
from tinyvmaf.evaluation.contrasts import compare_with_baselines, optimism
from tinyvmaf.evaluation.diagnosis import (
    MAX_TRAIN_RMSE,
    error_shares,
    outlier_tests,
    range_corrected,
    target_range,
    training_gate,
)
from tinyvmaf.evaluation.measured import (
    Level,
    MeasuredFold,
    by_seed,
    clip_means,
    fold_values,
    measure_rows,
)
from tinyvmaf.evaluation.predictions import by_source, clip_index, of_model, source_index
from tinyvmaf.evaluation.run import Run
from tinyvmaf.evaluation.seeds import seed_spread
from tinyvmaf.libvmaf.sets import TARGET
from tinyvmaf.stats.intervals import (
    Interval,
    fold_interval,
    nadeau_bengio_interval,
    pooled_intervals,
)
from tinyvmaf.stats.metrics import MetricName
from tinyvmaf.stats.p1401 import clip_block
from tinyvmaf.stats.ranking import pair_accuracy
from tinyvmaf.stats.structure import (
    correlation_parts,
    dependence,
    source_sums,
    weighted_rmse,
)

if TYPE_CHECKING:
    import polars as pl

METRICS: tuple[MetricName, ...] = ("plcc", "srocc", "krocc", "rmse", "mae", "bias")

Record = dict[str, Any]


def gather_evidence(run: Run, measured: Sequence[MeasuredFold]) -> Record:
    """All evidence of `run`; keys that do not apply are None."""
    folds = tuple(measured)
    first = by_seed(run.predictions)[0]
    gate = judge_training(run)
    found: Record = {
        "gate": gate,
        "unit": _unit(first),
        "intervals": _intervals(run, folds, first),
        **dict.fromkeys(
            ("comparisons", "ranking", "optimism", "diagnosis", "learning_curve", "p1401")
        ),
    }
    if not gate["passed"]:
        return found
    return found | {
        "comparisons": compare_with_baselines(run, folds),
        "ranking": _ranking(run, first),
        "optimism": optimism(run, folds),
        "diagnosis": _diagnosis(run, folds, first),
        "learning_curve": run.facts.learning_curve,
        "p1401": _p1401(first),
    }


def judge_training(run: Run) -> Record:
    """The training gate of `run`: whether its models were trained enough to be judged."""
    doubling = run.facts.doubling
    found = training_gate(
        train_rmse=float(np.mean([fold.train_rmse for fold in run.facts.folds])),
        heldout_rmse=doubling["rmse"] if doubling else None,
        doubled_rmse=doubling["doubled_rmse"] if doubling else None,
    )
    return {
        "passed": found.outcome != "undertrained",
        "outcome": found.outcome,
        "train_rmse": found.train_rmse,
        "limit": MAX_TRAIN_RMSE,
        "doubling": None if doubling is None else {**doubling, "change": found.change},
        "reason": found.reason,
    }


def _unit(rows: "pl.DataFrame") -> Record:
    errors = (rows["predicted"] - rows[TARGET]).to_numpy()
    clips = clip_index(rows)
    by_clip = dependence(errors=errors, groups=clips)
    by_content = dependence(errors=errors, groups=source_index(rows))
    return {
        "n_sources": rows["source"].n_unique(),
        "n_clips": int(clips[-1]) + 1,
        "n_frames": rows.height,
        "icc_clip": by_clip.icc if by_clip else None,
        "icc_source": by_content.icc if by_content else None,
        "n_eff_clip": by_clip.n_effective if by_clip else None,
        "n_eff_source": by_content.n_effective if by_content else None,
    }


def _intervals(run: Run, folds: tuple[MeasuredFold, ...], first: "pl.DataFrame") -> Record:
    groups = _fold_of_source(run, [fold.source for fold in folds])
    unit = "fold" if run.facts.held_out else "source"
    levels: tuple[Level, ...] = ("frame", "clip")
    rmse = [fold.frame[0].rmse or 0.0 for fold in folds]
    parts = correlation_parts(
        source_sums(
            predicted=first["predicted"].to_numpy(),
            target=first[TARGET].to_numpy(),
            source_index=source_index(first),
        )
    )
    weighted = weighted_rmse(rmse=rmse, n=[fold.n_frames for fold in folds])
    by_seed_and_fold = np.array(
        [[fold.frame[seed].rmse for fold in folds] for seed in range(len(folds[0].frame))],
        dtype=np.float64,
    )
    seeds = seed_spread(by_seed_and_fold)
    return {
        **{
            level: {
                metric: _interval(
                    fold_interval(
                        fold_values(folds, level=level, metric=metric), metric=metric, folds=groups
                    )
                )
                for metric in METRICS
            }
            for level in levels
        },
        "pooled": {
            level: {
                metric: _interval(interval)
                for metric, interval in pooled_intervals(
                    predicted=rows["predicted"].to_numpy(),
                    target=rows[TARGET].to_numpy(),
                    source_index=np.asarray(groups)[source_index(rows) - 1],
                    unit=unit,
                ).items()
            }
            for level, rows in (("frame", first), ("clip", clip_means(first)))
        },
        "nadeau_bengio": {
            "rmse": _interval(
                nadeau_bengio_interval(
                    fold_values(folds, level="frame", metric="rmse"), metric="rmse", folds=groups
                )
            )
        },
        "rmse_weighting": {
            "frame_weighted": weighted.by_frame,
            "source_weighted": weighted.by_source,
        },
        "pooled_parts": None
        if parts is None
        else {"within": parts.within, "between": parts.between},
        "seeds": {
            "n": len(folds[0].frame),
            "sd_per_fold": list(seeds.by_fold) if seeds else None,
            "se_headline": seeds.headline_se if seeds else None,
        },
    }


def _fold_of_source(run: Run, sources: Sequence[str]) -> list[int]:
    """For each of the sorted `sources` the number of its fold."""
    number = {
        source: number for number, fold in enumerate(run.facts.held_out) for source in fold
    } or {source: number for number, source in enumerate(sources)}
    return [number[source] for source in sources]


def _interval(found: Interval | None) -> Record | None:
    return None if found is None else asdict(found)


def _ranking(run: Run, first: "pl.DataFrame") -> list[Record]:
    models = {run.facts.arch: first}
    for model in run.facts.baselines:
        rows = of_model(run.baselines, model)
        if (rows["seen"] == "heldout").all():
            models[model] = rows
    records: list[Record] = []
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
                {
                    "model": model,
                    "threshold": item.threshold,
                    "accuracy": item.accuracy,
                    "low": max(0.0, interval.low) if interval else None,
                    "high": min(1.0, interval.high) if interval else None,
                    "n_pairs": item.pairs,
                    "n_errors": item.errors,
                }
            )
    return records


def _diagnosis(run: Run, folds: tuple[MeasuredFold, ...], first: "pl.DataFrame") -> list[Record]:
    rows = {part["source"][0]: part for part in by_source(first)}
    ranges = {source: target_range(part[TARGET].to_numpy()) for source, part in rows.items()}
    typical = float(np.sqrt(np.mean([found.sd**2 for found in ranges.values()])))
    values = fold_values(folds, level="frame", metric="rmse")
    outliers = outlier_tests(values, metric="rmse")
    beside = {
        model: {
            part["source"][0]: measure_rows(part).rmse
            for part in by_source(of_model(run.baselines, model))
        }
        for model in (LEAST_SQUARES, NEIGHBOURS)
    }
    records: list[Record] = []
    for fold, value, outlier in zip(folds, values, outliers, strict=True):
        own = rows[fold.source]
        shares = error_shares(predicted=own["predicted"].to_numpy(), target=own[TARGET].to_numpy())
        spread = ranges[fold.source]
        shift = run.facts.applicability.get(fold.source)
        plcc = fold.frame[0].plcc
        by_seed_rmse = [item.rmse for item in fold.frame if item.rmse is not None]
        several = len(by_seed_rmse) > 1
        records.append(
            {
                "source": fold.source,
                "rmse": value,
                "bias_share": shares.bias if shares else None,
                "slope_share": shares.slope if shares else None,
                "residual_share": shares.residual if shares else None,
                "sd_teacher": spread.sd,
                "saturated_share": spread.at_bottom + spread.at_top,
                "corrected_plcc": None
                if plcc is None
                else range_corrected(plcc, sd=spread.sd, reference_sd=typical),
                "dissimilarity": shift["median"] if shift else None,
                "outside_share": shift["share_outside"] if shift else None,
                "flagged": bool(shift) and shift["median"] > shift["threshold"],
                "ols_rmse": beside[LEAST_SQUARES].get(fold.source),
                "knn_rmse": beside[NEIGHBOURS].get(fold.source),
                "deleted_t_p": outlier.p_adjusted if outlier else None,
                "seed_sd": float(np.std(by_seed_rmse, ddof=1)) if several else None,
            }
        )
    return records


def _p1401(first: "pl.DataFrame") -> Record:
    clips = clip_means(first)
    block = clip_block(predicted=clips["predicted"].to_numpy(), target=clips[TARGET].to_numpy())
    return asdict(block)
