# SPDX-License-Identifier: Apache-2.0
"""Opinions as the target: nothing of a held-out source is used, and the numbers are SciPy's."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy import stats

from tests.evaluation.tables import smooth_table
from tinyvmaf.errors import UsageError
from tinyvmaf.evaluation.mos_folds import (
    BASELINE,
    BOTH,
    FEATURES,
    _clips_of,
    _models,
    loso_opinions,
)
from tinyvmaf.evaluation.records import OpinionRecord
from tinyvmaf.features.table import FeatureTable
from tinyvmaf.report.opinion_report import write_opinion_report
from tinyvmaf.training.archs import SVR
from tinyvmaf.typed_json import from_json, to_json


def judged(*, n_sources=7, n_clips=8, noise=0.15, source_noise=0.0, ci=0.2, seed=4):
    """A table whose opinions are a curve of the teacher's mean score, and noise."""
    table = smooth_table(n_sources=n_sources, n_clips=n_clips, n_frames=10, seed=seed)
    rng = np.random.default_rng(seed)
    clips = table.rows.group_by("source", "clip", maintain_order=True).agg(pl.col("vmaf").mean())
    offset = np.repeat(rng.normal(0, source_noise, n_sources), n_clips)
    score = 1 + 4 * (clips["vmaf"].to_numpy() / 100) ** 2 + rng.normal(0, noise, len(clips))
    labels = clips.select("source", "clip").with_columns(
        mos=pl.Series(score + offset), mos_ci=pl.lit(ci)
    )
    rows = table.rows.join(labels, on=["source", "clip"], maintain_order="left")
    return FeatureTable(rows, replace(table.info, labels=("mos", "mos_ci")))


@pytest.fixture(scope="module")
def table():
    return judged()


@pytest.fixture(scope="module")
def record(table):
    return loso_opinions(table)


def test_the_numbers_are_those_of_scipy(table, record):
    clips = _clips_of(table)
    for name, predict in _models(clips).items():
        (model,) = (each for each in record.models if each.model == name)
        predicted = np.empty(len(clips.mos))
        errors = []
        for position, source in enumerate(clips.sources):
            own = clips.source == position
            predicted[own] = predict(~own, own)
            found = model.per_source[source]
            error = predicted[own] - clips.mos[own]
            errors.append(np.sqrt(np.mean(error**2)))
            assert found.rmse == pytest.approx(errors[-1])
            assert found.plcc == pytest.approx(stats.pearsonr(predicted[own], clips.mos[own])[0])
            assert found.srocc == pytest.approx(stats.spearmanr(predicted[own], clips.mos[own])[0])
        assert (model.rmse, model.rmse_std) == pytest.approx(
            (np.mean(errors), np.std(errors, ddof=1))
        )
        outside = np.abs(predicted - clips.mos) > 0.2
        assert model.p1401.outlier_ratio.estimate == pytest.approx(outside.mean())
        beyond = np.maximum(np.abs(predicted - clips.mos) - 0.2, 0)
        dof = 4 if name == BASELINE else 0
        expected = np.sqrt((beyond**2).sum() / (len(beyond) - dof))
        assert model.p1401.rmse_star == pytest.approx(expected)


def test_the_paired_test_is_the_exact_one_of_scipy(record):
    models = {model.model: model for model in record.models}
    for row in record.comparisons:
        if row.metric != "rmse":
            continue
        d = [
            np.log(models[row.a].per_source[s].rmse) - np.log(models[row.b].per_source[s].rmse)
            for s in record.sources
        ]
        found = stats.permutation_test(
            (d,), np.mean, permutation_type="samples", n_resamples=np.inf
        )
        assert row.p == pytest.approx(found.pvalue)
        assert row.effect == pytest.approx(np.exp(np.mean(d)))


@pytest.mark.parametrize("name", [BASELINE, FEATURES, BOTH, SVR])
def test_no_opinion_of_a_held_out_source_is_used(table, name):
    clips = _clips_of(table)
    own = clips.source == 2
    changed = replace(clips, mos=np.where(own, 1.0, clips.mos))
    one, other = (_models(each)[name](~own, own) for each in (clips, changed))
    assert np.array_equal(one, other)


def test_leak_canary_for_opinions():
    """Opinions are random constants of sources: no model has skill on a source not seen."""
    table = judged(noise=0.01, source_noise=0.0)
    rng = np.random.default_rng(1)
    constant = dict(zip(table.sources, rng.uniform(1, 5, len(table.sources)), strict=True))
    rows = table.rows.with_columns(
        mos=pl.col("source").replace_strict(constant, return_dtype=pl.Float64)
        + pl.col("clip").rank("dense") * 1e-6
    )
    found = loso_opinions(FeatureTable(rows, table.info), learning_curve=False)
    for model in found.models:
        assert model.rmse > np.std(list(constant.values())) / 2


def test_few_clips_are_shrunk_to_their_mean_and_not_fitted(record):
    curve = record.learning_curve
    assert curve[FEATURES][0].n_sources == 2
    assert curve[FEATURES][0].rmse_mean < 2
    assert len({len(points) for points in curve.values()}) == 1


def test_the_record_comes_back_and_the_report_has_its_sentences(record, tmp_path):
    assert from_json(OpinionRecord, json.loads(json.dumps(to_json(record)))) == record
    text = write_opinion_report(record, tmp_path).read_text()
    assert text.startswith("# Leave-one-source-out: mean opinion scores")
    assert text.count("teacher\\_map") > 5
    assert (tmp_path / "tables" / "sources.tex").is_file()
    assert repr(record) == "<OpinionRecord 7 sources, 56 clips>"


def test_a_table_without_opinions_is_refused():
    with pytest.raises(UsageError, match="this table has no opinion scores: no label mos"):
        loso_opinions(smooth_table())


def test_clips_that_nobody_judged_are_counted():
    table = judged()
    rows = table.rows.with_columns(
        mos=pl.when(pl.col("clip") == "c0").then(None).otherwise(pl.col("mos"))
    )
    found = loso_opinions(FeatureTable(rows, table.info), learning_curve=False)
    assert (found.n_clips, found.n_without_opinion) == (49, 7)
