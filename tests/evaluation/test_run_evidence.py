# SPDX-License-Identifier: Apache-2.0
"""The evidence of a made-up run against the definitions, computed here from its predictions."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy import stats
from sklearn.metrics import root_mean_squared_error

from tests.evaluation.tables import smooth_table
from tests.evaluation.test_record import as_text, made_up_run, record_of
from tinyvmaf.evaluation.baselines import PER_FOLD
from tinyvmaf.evaluation.evaluate import Run
from tinyvmaf.evaluation.predictions import baseline_rows, keyed, measure_folds
from tinyvmaf.evaluation.run_evidence import gather_evidence
from tinyvmaf.typed_json import to_json

TABLE = smooth_table(n_sources=7, n_clips=4)
JUDGED = ("comparisons", "ranking", "optimism", "diagnosis", "learning_curve", "p1401")


def gathered(run):
    return to_json(gather_evidence(run, measure_folds(run.predictions)))


@pytest.fixture(scope="module")
def run():
    """Seven sources; the first's predictions are off by three points, the second's by less."""
    made = made_up_run(table=TABLE, seeds=(0, 1, 2))
    off = pl.when(pl.col("source") == "S00").then(3.0).when(pl.col("source") == "S01").then(0.5)
    rows = made.predictions.with_columns(predicted=pl.col("predicted") + off.otherwise(0.0))
    return Run(made.facts, rows, made.baselines)


@pytest.fixture(scope="module")
def evidence(run):
    return gathered(run)


def of_clips(rows):
    keys = [key for key in ("source", "clip", "seed") if key in rows.columns]
    return rows.group_by(keys).agg(pl.col("vmaf", "predicted").mean()).sort(keys)


def per_source(rows, metric):
    """The metric of every source of these rows, in the order of their names."""
    return [
        metric(part["vmaf"], part["predicted"])
        for part in rows.sort("source").partition_by("source")
    ]


def plcc(target, predicted):
    return stats.pearsonr(target, predicted).statistic


def srocc(target, predicted):
    return stats.spearmanr(target, predicted).statistic


def on_scale(rows, metric, scale):
    """Seeds by sources, on the scale."""
    parts = rows.sort("seed").partition_by("seed")
    return scale(np.array([per_source(part, metric) for part in parts]))


@pytest.mark.parametrize("level", ["frame", "clip"])
@pytest.mark.parametrize(
    ("name", "metric", "scale", "back"),
    [
        ("rmse", root_mean_squared_error, np.log, np.exp),
        ("plcc", plcc, np.arctanh, np.tanh),
        ("srocc", srocc, None, np.tanh),
    ],
)
def test_fold_intervals_are_t_intervals_on_the_stabilised_scale(
    run, evidence, level, name, metric, scale, back
):
    rows = run.predictions if level == "frame" else of_clips(run.predictions)
    if name == "srocc":
        # Ranks of 20 frames, or of 4 clips, do not tell 1 from half a step less.
        n = {"frame": 80, "clip": 4}[level]
        most = 1 - 6 / (n * (n**2 - 1))

        def scale(r):
            return np.arctanh(np.minimum(r, most))

    x = on_scale(rows, metric, scale).mean(axis=0)
    low, high = stats.t.interval(0.95, 6, x.mean(), stats.sem(x))
    found = evidence["intervals"][level][name]
    told = [found[key] for key in ("estimate", "low", "high")]
    assert told == pytest.approx([back(x.mean()), back(low), back(high)])
    assert (found["k"], found["level"]) == (7, 0.95)


def test_the_widened_interval_knows_that_folds_share_training_sources(evidence):
    plain = evidence["intervals"]["frame"]["rmse"]
    wide = evidence["intervals"]["nadeau_bengio"]["rmse"]
    assert wide["estimate"] == pytest.approx(plain["estimate"])
    ratio = np.log(wide["high"] / wide["low"]) / np.log(plain["high"] / plain["low"])
    assert ratio == pytest.approx(np.sqrt(1 + 7 / 6))


@pytest.mark.parametrize("level", ["frame", "clip"])
@pytest.mark.parametrize(
    ("name", "metric", "scale", "back"),
    [
        ("rmse", root_mean_squared_error, np.log, np.exp),
        ("plcc", plcc, np.arctanh, np.tanh),
        ("srocc", srocc, np.arctanh, np.tanh),
    ],
)
def test_pooled_intervals_leave_out_one_source_after_the_other(
    run, evidence, level, name, metric, scale, back
):
    rows = run.predictions if level == "frame" else of_clips(run.predictions)

    def over_seeds(rows):
        seeds = rows.partition_by("seed")
        return np.mean([metric(part["vmaf"], part["predicted"]) for part in seeds])

    left = [rows.filter(pl.col("source") != source) for source in TABLE.sources]
    x = scale(np.array([over_seeds(part) for part in left]))
    full = scale(over_seeds(rows))
    error = np.sqrt(6 / 7 * np.square(x - x.mean()).sum())
    expected = [back(full + sign * stats.t.ppf(0.975, 6) * error) for sign in (0, -1, 1)]
    found = evidence["intervals"]["pooled"][level][name]
    assert [found[key] for key in ("estimate", "low", "high")] == pytest.approx(expected)


def test_the_error_by_frames_and_by_sources(run, evidence):
    mse = np.square(on_scale(run.predictions, root_mean_squared_error, np.asarray))
    found = evidence["intervals"]["rmse_weighting"]
    assert found["source_weighted"] == pytest.approx(np.sqrt(mse.mean(axis=1)).mean())
    seeds = run.predictions.partition_by("seed")
    expected = [root_mean_squared_error(part["vmaf"], part["predicted"]) for part in seeds]
    assert found["frame_weighted"] == pytest.approx(np.mean(expected))


@pytest.mark.parametrize("level", ["frame", "clip"])
def test_a_pooled_interval_centres_on_the_number_beside_it(run, level):
    record = record_of(run)
    beside = record["aggregate"]["pooled"][level]
    found = record["evidence"]["intervals"]["pooled"][level]
    for metric, interval in found.items():
        assert interval["estimate"] == pytest.approx(beside[metric], rel=1e-6)


def test_the_pooled_correlation_is_the_sum_of_its_parts(run, evidence):
    rows = run.predictions
    found = evidence["intervals"]["pooled_parts"]
    assert found["within"] + found["between"] == pytest.approx(
        evidence["intervals"]["pooled"]["frame"]["plcc"]["estimate"]
    )
    means = rows.with_columns(pl.col("vmaf", "predicted").mean().over("source", "seed"))
    between = [
        np.cov(mean["vmaf"], mean["predicted"], ddof=0)[0, 1]
        / (part["vmaf"].std(ddof=0) * part["predicted"].std(ddof=0))
        for mean, part in zip(means.partition_by("seed"), rows.partition_by("seed"), strict=True)
    ]
    assert found["between"] == pytest.approx(np.mean(between))


def test_three_seeds_have_a_spread_and_the_headline_an_error(run, evidence):
    values = on_scale(run.predictions, root_mean_squared_error, np.asarray)
    found = evidence["intervals"]["seeds"]
    assert found["n"] == 3
    assert found["sd_per_fold"] == pytest.approx(values.std(axis=0, ddof=1))
    assert found["se_headline"] == pytest.approx(values.mean(axis=1).std(ddof=1) / np.sqrt(3))
    told = [row["seed_sd"] for row in evidence["diagnosis"]]
    assert told == pytest.approx(values.std(axis=0, ddof=1))


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_one_seed_has_no_spread_and_two_have_none_worth_telling(seeds):
    found = gathered(made_up_run(seeds=seeds))
    assert found["intervals"]["seeds"] == {
        "n": len(seeds), "sd_per_fold": None, "se_headline": None
    }  # fmt: skip
    assert {row["seed_sd"] for row in found["diagnosis"]} == {None}


def test_the_unit_counts_sources_clips_and_frames(evidence):
    unit = evidence["unit"]
    assert (unit["n_sources"], unit["n_clips"], unit["n_frames"]) == (7, 28, 560)
    # A bias of one source makes its frames alike: they are worth far fewer than they are.
    assert unit["icc_source"] > 0.2
    assert unit["n_eff_source"] < 56
    assert unit["n_eff_clip"] < 560


def test_the_parts_of_the_error_of_every_fold(run, evidence):
    first = run.predictions.filter(pl.col("seed") == 0).sort("source").partition_by("source")
    spreads = [part["vmaf"].std(ddof=0) for part in first]
    common = np.sqrt(np.mean(np.square(spreads)))
    rmse = on_scale(run.predictions, root_mean_squared_error, np.asarray).mean(axis=0)
    assert [row["source"] for row in evidence["diagnosis"]] == list(TABLE.sources)
    for part, spread, error, row in zip(first, spreads, rmse, evidence["diagnosis"], strict=True):
        t, p = part["vmaf"].to_numpy(), part["predicted"].to_numpy()
        mse, r = np.square(p - t).mean(), plcc(t, p)
        assert row["rmse"] == pytest.approx(error)
        assert row["bias_share"] == pytest.approx((p - t).mean() ** 2 / mse)
        assert row["slope_share"] == pytest.approx((p.std() - r * t.std()) ** 2 / mse)
        shares = row["bias_share"] + row["slope_share"] + row["residual_share"]
        assert shares == pytest.approx(1)
        assert row["sd_teacher"] == pytest.approx(spread)
        assert row["saturated_share"] == np.isin(t, [0.0, 100.0]).mean()
        u = common / spread
        assert row["corrected_plcc"] == pytest.approx(r * u / np.sqrt(1 + r**2 * (u**2 - 1)))
    assert evidence["diagnosis"][0]["bias_share"] > 0.5


def test_other_learners_stand_beside_every_fold(run, evidence):
    for key, model in (("ols_rmse", "least_squares"), ("knn_rmse", "nearest_neighbours")):
        rows = run.baselines.filter(pl.col("model") == model)
        told = [row[key] for row in evidence["diagnosis"]]
        assert told == pytest.approx(per_source(rows, root_mean_squared_error))


def test_an_outlier_is_tested_against_the_other_folds(run, evidence):
    x = on_scale(run.predictions, root_mean_squared_error, np.log).mean(axis=0)
    others = x[1:]
    t = (x[0] - others.mean()) / (others.std(ddof=1) * np.sqrt(1 + 1 / 6))
    expected = min(1.0, 7 * 2 * stats.t.sf(abs(t), 5))
    assert evidence["diagnosis"][0]["deleted_t_p"] == pytest.approx(expected)


def test_a_fold_is_flagged_where_its_features_lie_outside(run):
    shift = {"median": 1.0, "threshold": 0.5, "share_outside": 0.9}
    inside = {**shift, "threshold": 2.0, "share_outside": 0.0}
    facts = replace(run.facts, applicability={"S00": shift, "S01": inside})
    rows = gathered(Run(facts, run.predictions, run.baselines))["diagnosis"]
    assert [row["flagged"] for row in rows] == [True] + [False] * 6
    assert [row["outside_share"] for row in rows[:3]] == [0.9, 0.0, None]
    assert [row["dissimilarity"] for row in rows[:3]] == [1.0, 1.0, None]


def test_pairs_are_counted_inside_sources(run, evidence):
    clips = of_clips(run.predictions.filter(pl.col("seed") == 0))
    for found in evidence["ranking"]:
        if found["model"] != "mlp_small":
            continue
        shares, pairs, errors = [], 0, 0
        for part in clips.partition_by("source"):
            t, p = part["vmaf"].to_numpy(), part["predicted"].to_numpy()
            own = [
                np.sign(t[i] - t[j]) == np.sign(p[i] - p[j])
                for i in range(4)
                for j in range(i)
                if abs(t[i] - t[j]) > found["threshold"]
            ]
            pairs, errors = pairs + len(own), errors + own.count(False)
            shares += [np.mean(own)] if own else []
        assert (found["n_pairs"], found["n_errors"]) == (pairs, errors)
        assert found["accuracy"] == pytest.approx(np.mean(shares))
        assert found["low"] is None or 0 <= found["low"] <= found["accuracy"] <= found["high"] <= 1
    assert {found["threshold"] for found in evidence["ranking"]} == {0, 2, 6}
    assert {found["model"] for found in evidence["ranking"]} == {"mlp_small", *PER_FOLD}


def test_the_clip_block_says_what_it_assumes(run, evidence):
    clips = of_clips(run.predictions.filter(pl.col("seed") == 0))
    block = evidence["p1401"]
    assert (block["n"], block["dof"]) == (28, 0)
    assert block["assumption"] == "P.1401, clips treated as independent"
    r = stats.pearsonr(clips["vmaf"], clips["predicted"])
    low, high = r.confidence_interval()
    told = [block["plcc"][key] for key in ("estimate", "low", "high")]
    assert told == pytest.approx([r.statistic, low, high])


def test_every_baseline_is_compared_and_the_differences_are_those_of_the_folds(run, evidence):
    rows = {(row["b"], row["level"], row["metric"]): row for row in evidence["comparisons"]}
    assert {b for b, _, _ in rows} == set(PER_FOLD)
    ours = on_scale(run.predictions, root_mean_squared_error, np.log).mean(axis=0)
    for model in PER_FOLD:
        own = run.baselines.filter(pl.col("model") == model)
        theirs = np.log(per_source(own, root_mean_squared_error))
        row = rows[model, "frame", "rmse"]
        assert row["a"] == "mlp_small"
        assert row["effect"] == pytest.approx(np.exp((ours - theirs).mean()))
        difference = np.exp(ours) - np.exp(theirs)
        assert row["difference"] == pytest.approx(difference.mean())
        assert row["a_better_in"] == (difference < 0).sum()
        # With seven sources all 2^7 sign patterns can be gone through.
        flips = 1 - 2 * ((np.arange(128)[:, None] >> np.arange(7)) & 1)
        sums = np.abs(flips @ (ours - theirs))
        assert row["p"] == pytest.approx((sums >= sums[0] - 1e-9).mean())
        assert row["p_adjusted"] >= row["p"]


def with_single_split(run, *, model="vmaf_tiny_small", error=1.0):
    """The run with a model that saw all sources but the last, which was for validation."""
    rng = np.random.default_rng(5)
    target = TABLE.target
    rows = baseline_rows(
        keyed(TABLE),
        model=model,
        models=[model],
        predicted=target + error * rng.normal(size=len(target)),
        seen={**dict.fromkeys(TABLE.sources, "train"), "S06": "val"},
    )
    rows = as_text(rows)
    words = {**run.facts.baselines, model: "mlp_small trained once; S06 for validation"}
    facts = replace(run.facts, baselines=words)
    return Run(facts, run.predictions, pl.concat([run.baselines, rows])), rows


def test_optimism_is_seen_less_held_out_of_the_same_seed_over_the_seen_sources(run):
    made, rows = with_single_split(run)
    (found,) = gathered(made)["optimism"]
    seen = np.array(per_source(rows, root_mean_squared_error))[:6]
    held_out = on_scale(run.predictions, root_mean_squared_error, np.asarray)[0, :6]
    assert list(found["per_source"]) == list(TABLE.sources[:6])
    assert list(found["per_source"].values()) == pytest.approx(seen - held_out)
    assert found["effect"] == pytest.approx((seen - held_out).mean())
    means = sorted(
        np.mean([d for i, d in enumerate(seen - held_out) if subset >> i & 1])
        for subset in range(1, 64)
    )
    assert (found["low"], found["high"]) == pytest.approx((means[0], means[-1]))


def test_models_that_saw_a_source_never_enter_a_comparison_or_a_ranking(run):
    made, _ = with_single_split(run, error=0.001)
    found = gathered(made)
    without = gathered(run)
    assert found["comparisons"] == without["comparisons"]
    assert found["ranking"] == without["ranking"]


def test_a_model_is_compared_only_on_the_sources_that_it_did_not_see(run):
    made, rows = with_single_split(run, model="given", error=0.001)
    partly = rows.with_columns(
        seen=pl.when(pl.col("source") < "S05").then(pl.lit("train")).otherwise(pl.lit("heldout"))
    )
    found = gathered(Run(made.facts, made.predictions, pl.concat([run.baselines, partly])))
    own = [row for row in found["comparisons"] if row["b"] == "given"]
    assert {row["n_sources"] for row in own} == {2}
    assert {row["verdict"] for row in own} <= {"not_resolved"}
    assert not [row for row in found["ranking"] if row["model"] == "given"]


def test_a_model_of_another_arch_has_no_optimism_here(run):
    made, _ = with_single_split(run)
    words = {**made.facts.baselines, "vmaf_tiny_small": "mlp_medium trained once; S06 for"}
    other = Run(replace(made.facts, baselines=words), made.predictions, made.baselines)
    assert gathered(other)["optimism"] == []


@pytest.mark.parametrize(
    ("train_rmse", "doubling", "outcome", "change"),
    [
        (1.0, None, "unchecked", None),
        (1.0, (3.0, 2.9), "trained", 2.9 / 3.0 - 1),
        (1.0, (3.0, 2.0), "undertrained", 2.0 / 3.0 - 1),
        (2.5, (3.0, 3.0), "undertrained", 0.0),
    ],
)
def test_without_passing_the_gate_nothing_else_is_judged(
    run, train_rmse, doubling, outcome, change
):
    folds = tuple(replace(fold, train_rmse=train_rmse) for fold in run.facts.folds)
    if doubling:
        doubling = {"steps": 10, "folds": 7, "rmse": doubling[0], "doubled_rmse": doubling[1]}
    curve = [{"n_sources": 2, "rmse_mean": 3.0, "rmse_low": 2.0, "rmse_high": 4.0, "n_repeats": 5}]
    facts = replace(run.facts, folds=folds, doubling=doubling, learning_curve=curve)
    found = gathered(Run(facts, run.predictions, run.baselines))
    gate = found["gate"]
    assert (gate["outcome"], gate["passed"]) == (outcome, outcome != "undertrained")
    assert (gate["train_rmse"], gate["limit"]) == (pytest.approx(train_rmse), 2.0)
    assert (gate["doubling"] is None) == (doubling is None)
    if doubling:
        assert gate["doubling"]["change"] == pytest.approx(change)
    judged = [key for key in JUDGED if found[key] is not None]
    assert judged == ([] if outcome == "undertrained" else list(JUDGED))
    assert found["intervals"]["frame"]["rmse"] is not None


def with_rows(run, **columns):
    return Run(run.facts, run.predictions.with_columns(**columns), run.baselines)


SATURATED = pl.when(pl.col("source") == "S00").then(100.0)
EDGES = {
    "a constant target in one fold": {"vmaf": SATURATED.otherwise("vmaf")},
    "constant predictions in one fold": {"predicted": SATURATED.otherwise("predicted")},
    "one fold met exactly": {
        "vmaf": SATURATED.otherwise("vmaf"),
        "predicted": SATURATED.otherwise("predicted"),
    },
    "constant predictions": {"predicted": pl.lit(50.0)},
    "a constant target": {"vmaf": pl.lit(50.0)},
    "no error at all": {"predicted": pl.col("vmaf")},
    "nothing varies": {"predicted": pl.lit(50.0), "vmaf": pl.lit(50.0)},
}


@pytest.mark.parametrize("edge", EDGES.values(), ids=EDGES)
@pytest.mark.parametrize("seeds", [(0,), (0, 1, 2)])
def test_edges_give_null_and_never_nan(edge, seeds):
    record = record_of(with_rows(made_up_run(seeds=seeds), **edge))
    assert json.loads(json.dumps(record, allow_nan=False)) == record


def test_an_undefined_fold_is_left_out_and_the_interval_says_over_how_many():
    edge = EDGES["a constant target in one fold"]
    found = gathered(with_rows(made_up_run(), **edge))
    frame = found["intervals"]["frame"]
    assert (frame["plcc"]["k"], frame["rmse"]["k"]) == (3, 4)
    assert found["diagnosis"][0]["corrected_plcc"] is None
    assert found["diagnosis"][0]["sd_teacher"] == 0
    assert found["diagnosis"][0]["saturated_share"] == 1
    counted = {(row["b"], row["metric"]): row["n_sources"] for row in found["comparisons"]}
    assert counted["least_squares", "plcc"] == 3
    assert counted["least_squares", "rmse"] == 4
