# SPDX-License-Identifier: Apache-2.0
"""No sentence contradicts its table, and the published table gets the sentences that it allows."""

import re
from dataclasses import replace
from functools import cache

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from tests.evaluation.tables import smooth_table
from tests.evaluation.test_record import made_up_run
from tinyvmaf.evaluation.compare import compare_runs
from tinyvmaf.evaluation.comparison_records import ComparisonRow, OptimismRow
from tinyvmaf.evaluation.evaluate import evaluate_run
from tinyvmaf.evaluation.evidence_records import CurvePoint
from tinyvmaf.evaluation.findings import (
    comparison_findings,
    comparison_sentence,
    findings,
    outlier_sentence,
    p_text,
)
from tinyvmaf.evaluation.predictions import MeasuredFold, measure_folds
from tinyvmaf.evaluation.run_evidence import gather_evidence
from tinyvmaf.report.digest import document
from tinyvmaf.stats.fold_diagnosis import outlier_tests
from tinyvmaf.stats.metrics import Metrics
from tinyvmaf.stats.paired import subset_interval
from tinyvmaf.typed_json import from_json, to_json

NUMBERS = (
    r"(?P<kind>ratio a /|difference of atanh a -) b = (?P<effect>\S+?)"
    r"(, 95 % interval \[(?P<low>\S+), (?P<high>\S+)\])?, adjusted p (?P<p>[=<] [\d.e-]*\d)"
)
WIN = re.compile(
    r"(?P<better>[ab]) has (?P<side>lower|higher) (?P<name>[\w ]+) than (?P<worse>[ab]) "
    rf"on (?P<n>\d+) unseen sources, in (?P<wins>\d+) of them: {NUMBERS}"
    r"(?P<caution>; the Nadeau-Bengio test does not confirm it)?"
    r"(; the difference is within the margin of (?P<margin>\S+))?\."
)
NOT_RESOLVED = re.compile(
    rf"(?P<name>[\w ]+) of a and b is not resolved on (?P<n>\d+) unseen sources: {NUMBERS}"
    r"; (they resolve (ratios|differences) from (?P<mde>\S+) on with 80 % power"
    r"|cannot be resolved with (?P<few>\d+) sources)\."
)
EQUIVALENT = re.compile(
    r"a and b are equivalent in (?P<name>[\w ]+) on (?P<n>\d+) unseen sources: they differ by "
    r"(?P<difference>\S+), 90 % interval \[(?P<low>\S+), (?P<high>\S+)\], "
    r"within the margin of (?P<margin>\S+)\."
)
NAMES = {
    ("clip", "rmse"): "RMSE of whole clips",
    ("frame", "rmse"): "RMSE",
    ("frame", "plcc"): "PLCC",
    ("frame", "srocc"): "SROCC",
}


def test_headline_and_finding_name_one_worst_source():
    """One source is the worst by the arithmetic mean over seeds, another by the geometric one."""
    run = made_up_run(noise=1.0)
    uneven, even, *_ = run.predictions["source"].unique(maintain_order=True).to_list()
    source, seed, error = pl.col("source"), pl.col("seed"), pl.col("predicted") - pl.col("vmaf")
    factor = (
        pl.when((source == uneven) & (seed == 0))
        .then(0.1)
        .when((source == uneven) & (seed == 1))
        .then(4.0)
        .when(source == even)
        .then(1.9)
        .otherwise(1.0)
    )
    run = replace(
        run,
        predictions=run.predictions.with_columns(predicted=pl.col("vmaf") + factor * error),
    )
    record = run.record
    (found,) = (each for each in record.findings if each.kind == "outlier")
    assert found.subject == record.aggregate.frame["rmse"].worst_source == uneven
    assert found.sentence.startswith(f"{uneven}, the source with the largest RMSE,")
    assert f"worst source {uneven} with RMSE" in document(record, None).headline[1]


def fold(source="S", *, n_frames=100, clip_rmse=None, rmse=None, plcc=None, srocc=None):
    """A fold of one seed with these metrics."""
    nothing = Metrics(plcc=None, srocc=None, krocc=None, rmse=None, mae=None, bias=None, n=n_frames)
    frame = replace(nothing, rmse=rmse, plcc=plcc, srocc=srocc)
    return MeasuredFold(source, n_frames, 5, (frame,), (replace(nothing, rmse=clip_rmse),))


@st.composite
def two_models(draw):
    """Metrics a source of models a and b; b is a, changed by about the same in every source."""
    k = draw(st.integers(1, 9))
    by, give = draw(st.floats(-2, 2)), draw(st.sampled_from([0.0, 0.001, 0.02, 0.3, 2.0]))
    rows = []
    for _ in range(k):
        start, change = draw(st.floats(-3, 3)), by + give * draw(st.floats(-1, 1))
        tied = draw(st.integers(0, 9)) == 0
        for score in (start, start if tied else start + change):
            error, r = float(np.exp(score)), float(np.tanh(score))
            rows.append(
                {
                    "rmse": error,
                    "clip_rmse": error * draw(st.sampled_from([0.5, 0.51])),
                    "plcc": None if draw(st.integers(0, 9)) == 0 else r,
                    "srocc": round(r, 2),
                }
            )
    return rows[::2], rows[1::2]


def scores_of(folds, row):
    """Both models' scores in the sources where both have one: a row a model."""
    values = [[getattr(each.at(row.level)[0], row.metric) for each in folds[name]] for name in "ab"]
    return np.array([pair for pair in zip(*values, strict=True) if None not in pair]).T


def scaled(scores, metric):
    """Logarithms of errors, atanh of correlations, which are held off the edge."""
    if metric == "rmse":
        return np.log(scores)
    # The ranks of 100 frames do not tell 1 from half a step less.
    most = 1 - 6 / (100 * (100**2 - 1)) if metric == "srocc" else 1 - 1e-9
    return np.arctanh(np.clip(scores, -most, most))


def is_printed(text, value):
    """`text` is `value` rounded to three digits or more."""
    digits = len(text.split("e")[0].lstrip("-0.").replace(".", ""))
    return text == f"{value:.{max(3, digits)}g}"


@given(two_models())
@settings(max_examples=40)
def test_no_sentence_contradicts_its_table(models):
    folds = {name: [fold(**each) for each in rows] for name, rows in zip("ab", models, strict=True)}
    for row in compare_runs(folds):
        sentence = comparison_sentence(row)
        found = [pattern.fullmatch(sentence) for pattern in (WIN, NOT_RESOLVED, EQUIVALENT)]
        win, unresolved, equivalent = found
        assert sum(match is not None for match in found) == 1
        told = (win or unresolved or equivalent).groupdict()
        scores = scores_of(folds, row)
        assert told["name"] == NAMES[row.level, row.metric]
        assert int(told["n"]) == scores.shape[1]
        if win:
            check_win(told, row, scores)
        elif unresolved:
            assert row.verdict == "not_resolved"
            assert row.p_adjusted >= 0.05 or row.low is None or row.low <= 0 <= row.high
            check_numbers(told, row, scores)
            assert (told["mde"] is None) == (row.mde is None) == (row.n_sources < 6)
            assert told["mde"] is None or is_printed(told["mde"], row.mde)
            assert told["few"] in (None, str(row.n_sources))
        else:
            check_equivalence(told, row, scores)


def check_win(told, row, scores):
    """The winner is better by the scores; printed p and interval leave no effect outside."""
    better, worse = ("ab".index(told[role]) for role in ("better", "worse"))
    assert better != worse
    assert row.verdict == f"{told['better']}_better"
    sign = -1 if row.metric == "rmse" else 1
    assert told["side"] == ("lower" if sign < 0 else "higher")
    x = scaled(scores, row.metric)
    assert sign * (x[better].mean() - x[worse].mean()) > 0
    assert int(told["wins"]) == (sign * (scores[better] - scores[worse]) > 0).sum()
    assert row.p_adjusted < 0.05
    assert float(told["p"][2:]) < 0.05
    none = 1 if sign < 0 else 0
    assert not float(told["low"]) <= none <= float(told["high"])
    assert (told["caution"] is None) == row.robust == (row.nadeau_bengio_p < 0.05)
    low, high = subset_interval(scores[0] - scores[1], level=0.9)
    margin = 0.5 if row.metric == "rmse" else 0.005
    assert (told["margin"] is not None) == (-margin <= low <= high <= margin)
    assert told["margin"] in (None, str(margin))
    check_numbers(told, row, scores)


def check_numbers(told, row, scores):
    """Effect, interval and p are the row's, and the effect is that of the scores."""
    ratio = told["kind"].startswith("ratio")
    effect = np.subtract(*scaled(scores, row.metric)).mean()
    assert row.effect == pytest.approx(np.exp(effect) if ratio else effect, abs=1e-9)
    assert ratio == (row.metric == "rmse")
    assert is_printed(told["effect"], row.effect)
    for end in ("low", "high"):
        assert (told[end] is None) == (getattr(row, end) is None)
        assert told[end] is None or is_printed(told[end], getattr(row, end))
    assert told["p"] == p_text(row.p_adjusted).removeprefix("p ")
    assert float(told["p"][2:]) == pytest.approx(row.p_adjusted, rel=0.05)


def check_equivalence(told, row, scores):
    """The 90 % interval of the plain differences lies within the margin, in print too."""
    assert row.verdict == "equivalent"
    assert row.equivalent
    low, high = subset_interval(scores[0] - scores[1], level=0.9)
    margin = 0.5 if row.metric == "rmse" else 0.005
    assert -margin <= low <= high <= margin
    assert (row.difference_low, row.difference_high) == pytest.approx((low, high))
    assert row.difference == pytest.approx((scores[0] - scores[1]).mean())
    assert float(told["margin"]) == row.margin == margin
    for name, key in (("low", "difference_low"), ("high", "difference_high")):
        assert is_printed(told[name], getattr(row, key))
        assert -margin <= float(told[name]) <= margin
    assert is_printed(told["difference"], row.difference)


def wins(a, b):
    (row,) = compare_runs({"a": [fold(rmse=x) for x in a], "b": [fold(rmse=x) for x in b]})
    return row, comparison_sentence(row)


def test_an_interval_near_no_effect_keeps_the_digits_that_tell_it_apart():
    row, sentence = wins([1.0] * 6, [1.0002 + i / 1e6 for i in range(6)])
    assert "interval [0.9998, 0.9998]" in sentence.replace("0.99979", "0.9998")
    assert "[1, 1]" not in sentence
    assert row.verdict == "a_better"


def test_a_win_that_nobody_would_act_on_is_said_to_be_one():
    _, sentence = wins([1.0, 1.1, 1.2, 1.3, 1.4, 1.5], [1.2, 1.3, 1.4, 1.5, 1.6, 1.7])
    assert sentence.endswith("; the difference is within the margin of 0.5.")
    _, sentence = wins([1.0, 1.1, 1.2, 1.3, 1.4, 1.5], [2.2, 2.3, 2.4, 2.5, 2.6, 2.7])
    assert "margin" not in sentence


def test_a_tie_is_nobodys_win():
    row, sentence = wins([2.0] * 8 + [1.0], [1.0, 1.1, 1.0, 1.2, 1.0, 1.0, 1.3, 1.0, 1.0])
    assert (row.a_better_in, row.b_better_in) == (0, 8)
    assert sentence.startswith("b has lower RMSE than a on 9 unseen sources, in 8 of them: ")


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (1.0, "p = 1"),
        (0.117, "p = 0.12"),
        (0.05, "p = 0.05"),
        (0.0498, "p = 0.0498"),
        (0.0502, "p = 0.0502"),
        (0.00390625, "p = 0.0039"),
        (1e-7, "p < 0.0001"),
    ],
)
def test_p_is_neither_rounded_to_zero_nor_to_the_level_of_the_verdict(p, text):
    assert p_text(p) == text


@given(st.floats(1e-12, 1, exclude_min=True))
@example(np.nextafter(0.05, 0))
def test_a_printed_p_is_on_its_side_of_the_level(p):
    assert (float(p_text(p)[3:]) < 0.05) == (p < 0.05)


@cache
def some_evidence():
    run = made_up_run()
    return gather_evidence(run, measure_folds(run.predictions))


def evidence(**parts):
    """Evidence of a run that passed the gate and has nothing but `parts`."""
    gathered = some_evidence()
    nothing = dict.fromkeys(("comparisons", "optimism", "diagnosis", "learning_curve"))
    intervals = replace(gathered.intervals, clip={"rmse": None})
    gate = replace(gathered.gate, outcome="trained", reason="train RMSE 1.00")
    tuples = {name: tuple(rows) for name, rows in parts.items()}
    return replace(gathered, gate=gate, intervals=intervals, **{**nothing, **tuples})


def only(kind, **parts):
    """The one finding of that kind."""
    (found,) = (each for each in findings(evidence(**parts), arch="a") if each.kind == kind)
    return found


def diagnosis(values, *, sources=None, flagged=()):
    sources = sources or [f"S{i}" for i in range(len(values))]
    tests = outlier_tests(values, metric="rmse")
    return [
        replace(
            some_evidence().diagnosis[0],
            source=source,
            rmse=value,
            deleted_t_p=test.p_adjusted if test else None,
            flagged=source in flagged,
        )
        for source, value, test in zip(sources, values, tests, strict=True)
    ]


@given(st.lists(st.floats(0.1, 20), min_size=4, max_size=12, unique=True))
@example([1.0, 1.1, 0.9, 1.05, 0.95, 30.0])
def test_the_worst_fold_is_called_an_outlier_exactly_where_its_test_says_so(values):
    found = only("outlier", diagnosis=diagnosis(values))
    worst = int(np.argmax(values))
    x = np.log(np.delete(values, worst))
    t = (np.log(values[worst]) - x.mean()) / (x.std(ddof=1) * np.sqrt(1 + 1 / len(x)))
    p = min(1.0, len(values) * 2 * stats.t.sf(abs(t), len(x) - 1))
    assert found.data["deleted_t_p"] == pytest.approx(p, rel=1e-6)
    told = re.fullmatch(
        rf"S{worst}, the source with the largest RMSE, (is an|was not shown to be an) outlier "
        rf"among {len(values)} sources \(deleted t, adjusted (p . \S+)\)\.",
        found.sentence,
    )
    is_outlier = found.data["deleted_t_p"] < 0.05
    assert (told[1] == "is an") == (found.verdict == "outlier") == is_outlier
    assert told[2] == p_text(found.data["deleted_t_p"])


def test_sources_outside_are_all_named_and_no_others():
    rows = diagnosis([1.0, 2.0, 1.5, 1.2], flagged=("S1",))
    sentence = "S1 lies outside of what the other sources cover in their features."
    assert only("applicability", diagnosis=rows).sentence == sentence
    rows = diagnosis([1.0, 2.0, 1.5, 1.2], flagged=("S1", "S3"))
    sentence = "S1, S3 lie outside of what the other sources cover in their features."
    assert only("applicability", diagnosis=rows).sentence == sentence
    kinds = [each.kind for each in findings(evidence(diagnosis=diagnosis([1.0] * 4)), arch="a")]
    assert kinds == ["gate"]


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=9))
def test_optimism_is_claimed_only_with_an_interval_below_zero(differences):
    d = np.array(differences)
    interval = subset_interval(d) or (None, None)
    row = OptimismRow("m", "a", "rmse", float(d.mean()), interval[0], interval[1], {})
    found = only("optimism", optimism=[row])
    sentence = found.sentence
    told = re.search(r"is (\S+) VMAF points(?:, 95 % interval \[(\S+), (\S+)\])?\.$", sentence)
    assert is_printed(told[1], row.effect)
    resolved = None not in interval and not interval[0] <= 0 <= interval[1]
    assert ("not resolved" not in sentence) == (found.verdict != "not_resolved") == resolved
    if resolved:
        smaller = "having seen a source makes its RMSE look smaller" in sentence
        assert smaller == (found.verdict == "optimistic") == (interval[1] < 0)
        assert not float(told[2]) <= 0 <= float(told[3])
    for text, value in zip(told.groups()[1:], interval, strict=True):
        assert (text is None) == (value is None)
        assert text is None or is_printed(text, value)


@given(st.lists(st.lists(st.floats(0.5, 9), min_size=1, max_size=5), min_size=1, max_size=4))
def test_a_curve_is_said_to_fall_only_if_its_last_ranges_are_apart(repeats):
    points = [
        CurvePoint(2 + i, float(np.mean(errors)), min(errors), max(errors), len(errors))
        for i, errors in enumerate(repeats)
    ]
    found = findings(evidence(learning_curve=points), arch="a")[1:]
    assert len(found) == (len(points) > 1)
    for each in found:
        falls = max(repeats[-1]) < min(repeats[-2])
        start = "The error still falls" if falls else "Whether the error still falls"
        end = ":" if falls else " is not resolved:"
        assert each.sentence.startswith(f"{start} at the end of the learning curve{end}")
        assert (each.verdict == "falling") == falls
        for point in points[-2:]:
            assert f"{point.rmse_mean:.3g} with {point.n_sources}" in each.sentence


@pytest.mark.parametrize(
    ("train_rmse", "doubling", "reason"),
    [
        (15.4, None, "train RMSE 15.40 is not below 2 VMAF points"),
        (
            1.0,
            {"steps": 10, "folds": 4, "rmse": 4.0, "doubled_rmse": 3.0},
            "train RMSE 1.00, but twice the steps change the held-out RMSE by -1.000 (-25.0%)",
        ),
    ],
)
def test_an_undertrained_run_has_one_finding_and_none_on_unseen_sources(
    train_rmse, doubling, reason
):
    run = made_up_run()
    folds = tuple(replace(each, train_rmse=train_rmse) for each in run.facts.folds)
    curve = [{"n_sources": 2, "rmse_mean": 3.0, "rmse_low": 2.0, "rmse_high": 4.0, "n_repeats": 5}]
    facts = replace(run.facts, folds=folds, doubling=doubling, learning_curve=curve)
    record = evaluate_run(replace(run, facts=facts))
    (found,) = record.findings
    assert (found.kind, found.verdict) == ("gate", "undertrained")
    sentence = f"mlp_small is undertrained: {reason}. No finding about unseen sources is given."
    assert found.sentence == sentence
    assert found.data == to_json(record.evidence.gate)


def test_a_gate_that_was_not_settled_is_said_to_be():
    found = evaluate_run(made_up_run()).findings
    assert found[0].sentence == (
        "Whether training went far enough was not settled: train RMSE 1.00; "
        "the effect of twice the steps was not measured."
    )
    doubling = {"steps": 10, "folds": 4, "rmse": 3.0, "doubled_rmse": 2.99}
    run = made_up_run()
    run = replace(run, facts=replace(run.facts, doubling=doubling))
    assert evaluate_run(run).findings[0].sentence == (
        "Training went far enough: train RMSE 1.00; "
        "twice the steps change the held-out RMSE by -0.010 (-0.3%)."
    )


def test_every_finding_travels_with_the_numbers_of_its_sentence():
    run = made_up_run(table=smooth_table(n_sources=6))
    measured = measure_folds(run.predictions)
    gathered = gather_evidence(run, measured)
    for each in findings(gathered, arch="mlp_small"):
        assert each.sentence.endswith(".")
        if each.kind == "comparison":
            row = from_json(ComparisonRow, each.data)
            assert row in gathered.comparisons
            assert each.sentence == comparison_sentence(row)
    error = next(each for each in findings(gathered, arch="mlp_small") if each.kind == "error")
    values = [np.log(one.clip[seed].rmse) for one in measured for seed in (0, 1)]
    estimate = np.exp(np.mean(values))
    assert f"by RMSE {estimate:.3g} VMAF points, 95 % interval [" in error.sentence
    assert error.sentence.endswith("(geometric mean over 6 sources).")


@pytest.fixture(scope="module")
def published(digest):
    """Folds of the published digests, whose clip scores nobody printed."""

    def folds(arch):
        columns = digest[arch]
        rows = (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
        return [fold(**row) for row in rows]

    return folds


@pytest.fixture(scope="module")
def small_and_medium(published):
    rows = compare_runs({arch: published(arch) for arch in ("mlp_small", "mlp_medium")})
    found = comparison_findings(rows)
    return {each.data["metric"]: each for each in found}


def test_the_published_rankings_are_not_resolved(small_and_medium):
    for metric, alone, adjusted in (("plcc", 0.043, "0.12"), ("srocc", 0.184, "0.37")):
        found = small_and_medium[metric]
        assert found.verdict == "not_resolved"
        assert round(found.data["p"], 3) == alone
        start = f"{metric.upper()} of mlp_small and mlp_medium is not resolved on 9 unseen sources:"
        assert found.sentence.startswith(start)
        assert f", adjusted p = {adjusted}; they resolve differences from " in found.sentence
    told = [small_and_medium[metric].data["p_adjusted"] for metric in ("plcc", "srocc")]
    assert [round(p, 3) for p in told] == [0.117, 0.367]


def test_medium_has_the_lower_published_rmse_in_every_fold(small_and_medium):
    assert small_and_medium["rmse"].sentence == (
        "mlp_medium has lower RMSE than mlp_small on 9 unseen sources, in 9 of them: "
        "ratio mlp_small / mlp_medium = 1.39, 95 % interval [1.22, 1.55], adjusted p = 0.0039."
    )


def test_foxbird_is_no_outlier_in_the_published_folds(digest):
    for arch, plcc_p in (("mlp_small", "0.11"), ("mlp_medium", "1")):
        columns = digest[arch]
        rows = diagnosis(columns["rmse"], sources=columns["source"])
        found = only("outlier", diagnosis=rows)
        assert found.sentence == (
            "FoxBird, the source with the largest RMSE, was not shown to be an outlier "
            "among 9 sources (deleted t, adjusted p = 1)."
        )
        test = outlier_tests(columns["plcc"], metric="plcc")[columns["source"].index("FoxBird")]
        sentence = outlier_sentence("FoxBird", test.p_adjusted, 9)
        assert sentence.endswith(
            f"was not shown to be an outlier among 9 sources (deleted t, adjusted p = {plcc_p})."
        )


def test_foxbird_is_neither_within_a_tenth_nor_the_smallest_sample(digest):
    small, medium = digest["mlp_small"], digest["mlp_medium"]
    fox = small["source"].index("FoxBird")
    assert round(small["rmse"][fox] - medium["rmse"][fox], 2) == 2.83
    frames = dict(zip(small["source"], small["n_frames"], strict=True))
    assert min(frames, key=frames.get) == "Tennis"
    assert (frames["Tennis"], frames["FoxBird"]) == (720, 900)


def test_like_for_like_the_single_split_and_the_folds_are_not_resolved(digest, published):
    single, loso = digest["mlp_small single-split"], digest["mlp_small"]
    assert f"{np.mean(single['plcc']):.4f} ± {np.std(single['plcc'], ddof=1):.4f}" == (
        "0.9862 ± 0.0110"
    )
    assert f"{np.mean(loso['plcc']):.4f} ± {np.std(loso['plcc'], ddof=1):.4f}" == "0.9808 ± 0.0213"
    rows = compare_runs(
        {"single": published("mlp_small single-split"), "loso": published("mlp_small")}
    )
    row = next(row for row in rows if row.metric == "plcc")
    assert round(row.p, 2) == 0.38
    assert comparison_sentence(row).startswith(
        "PLCC of single and loso is not resolved on 9 unseen sources: "
    )


def test_too_few_sources_are_said_once_with_what_would_be_enough():
    """Four sources allow no p below 0.125: it is one sentence, not one a comparison."""
    found = evaluate_run(made_up_run()).findings
    told = [each for each in found if each.kind == "comparison"]
    (few,) = [each for each in told if "cannot be resolved" in each.sentence]
    assert few.sentence == (
        "Differences between mlp_small and constant, least_squares, nearest_neighbours cannot be "
        "resolved with 4 unseen sources: the smallest p that the exact test can give is 0.12, "
        "however large the difference; 6 sources allow 0.031."
    )
    assert {each.verdict for each in told if each is not few} <= {"equivalent"}


def test_headline_and_finding_name_the_same_worst_source():
    """Two seeds whose arithmetic and geometric means disagree on the worst source."""
    run = made_up_run(seeds=(0, 1), noise=0.0)
    errors = {("S00", 0): 1.0, ("S00", 1): 9.0, ("S01", 0): 4.0, ("S01", 1): 4.0}
    added = [
        errors.get((source, seed), 1.0 + 0.1 * seed) * (1 - 2 * (number % 2))
        for number, (source, seed) in enumerate(run.predictions.select("source", "seed").rows())
    ]
    rows = run.predictions.with_columns(predicted=pl.col("predicted") + pl.Series(added))
    record = evaluate_run(replace(run, predictions=rows))
    worst = record.aggregate.frame["rmse"].worst_source
    (outlier,) = [each for each in record.findings if each.kind == "outlier"]
    assert worst == outlier.subject == "S00"
