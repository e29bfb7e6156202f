# SPDX-License-Identifier: Apache-2.0
"""Splits by a label and nested folds: what they hold out, and that nothing leaks."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from tests.evaluation.tables import smooth_table, table_of
from tinyvmaf.errors import SplitError, UsageError
from tinyvmaf.evaluation.loso import loso
from tinyvmaf.evaluation.splits import group_splits, nested_choice
from tinyvmaf.evaluation.sweep import source_error
from tinyvmaf.features.table import FeatureTable
from tinyvmaf.report.digest import write_digest
from tinyvmaf.training import fitting
from tinyvmaf.training.recipes import load_recipe, with_epochs

RECIPE = with_epochs(load_recipe("default"), 300)


def labelled(table, label="encoder"):
    """The table with the clip's name as a label."""
    rows = table.rows.with_columns(pl.col("clip").alias(label))
    return FeatureTable(rows, replace(table.info, labels=(label,)))


def rows_of(table, **settings):
    found = group_splits(
        table, group="encoder", arch="mlp_small", recipe=RECIPE, seed=0, **settings
    )
    return {row["split"]: row for row in found}


def test_leak_canary_for_groups():
    """Features tell the encoder, the target is a constant of it: only a seen encoder has skill."""
    rng = np.random.default_rng(2)
    n_sources, n_clips, n_frames = 4, 5, 12
    clip = np.tile(np.repeat(np.arange(n_clips), n_frames), n_sources)
    features = rng.uniform(0.2, 0.8, (n_clips, 6))[clip] + rng.normal(0, 1e-3, (len(clip), 6))
    target = np.linspace(10, 90, n_clips)[rng.permutation(n_clips)][clip]
    found = rows_of(labelled(table_of(features, target, n_sources=n_sources, n_clips=n_clips)))
    assert found["source"]["rmse"] < 2
    assert found["group"]["rmse"] > np.std(target) / 2
    assert found["both"]["rmse"] > np.std(target) / 2


def test_every_frame_is_predicted_without_what_its_split_holds_out(monkeypatch):
    table = labelled(smooth_table(n_sources=3, n_clips=2))
    asked = {}

    def spy(cells, *, held_out, **settings):
        asked.update(table=cells, held_out=held_out)
        return real(cells, held_out=held_out, **settings)

    real = fitting.fit
    monkeypatch.setattr(fitting, "fit", spy)
    found = rows_of(table)
    names = [name.split("\x1f") for name in asked["table"].sources]
    assert names == [[f"S{s:02d}", f"c{c}"] for s in range(3) for c in range(2)]
    sources = [tuple(k for k in range(6) if k // 2 == s) for s in range(3)]
    groups = [tuple(k for k in range(6) if k % 2 == c) for c in range(2)]
    both = [tuple(sorted({*s, *g})) for s in sources for g in groups]
    assert asked["held_out"] == [*sources, *groups, *both]
    told = {name: (row["source_seen"], row["group_seen"]) for name, row in found.items()}
    assert told == {"source": (False, True), "group": (True, False), "both": (False, False)}
    assert [found[name]["networks"] for name in found] == [3, 2, 6]
    assert list(found["both"]["by_group"]) == ["c0", "c1"]


def test_the_splits_stand_in_the_digest(tmp_path):
    table = labelled(smooth_table())
    run = loso(table, folder=tmp_path, recipe=RECIPE, group="encoder")
    assert not run.record.evidence.gate.passed
    assert run.record.evidence.splits == ()
    # On so few rows twice the steps still change a little, and an undertrained run tells nothing.
    run = replace(run, facts=replace(run.facts, doubling=None))
    (row, *_) = run.record.evidence.splits
    plain = {fold.source: fold.frame.rmse for fold in run.record.folds}
    assert set(row.by_source) == set(plain)
    assert max(*row.by_source.values(), *plain.values()) < 3
    text = write_digest(run, tmp_path).markdown.read_text()
    assert "## Other splits" in text
    assert "| unseen | unseen | 12 |" in text


def test_labels_that_are_not_there_or_have_one_value_are_refused():
    table = labelled(smooth_table())
    with pytest.raises(
        UsageError, match=r"^no label 'height' in this table; its labels are: encoder"
    ):
        group_splits(table, group="height", arch="linear", recipe=RECIPE, seed=0)
    same = FeatureTable(table.rows.with_columns(encoder=pl.lit("x264")), table.info)
    with pytest.raises(SplitError, match="encoder is x264 in every clip"):
        rows_of(same)


def test_the_choice_of_a_fold_does_not_see_its_source():
    """Other scores and features in a source change no inner error of its own outer fold."""
    table = smooth_table(n_sources=4, n_clips=2, n_frames=10)
    own = pl.col("source") == "S02"
    changed = replace(
        table,
        rows=table.rows.with_columns(
            pl.when(own).then(1.0).otherwise("vmaf").alias("vmaf"),
            pl.when(own).then(0.5).otherwise("adm2").alias("adm2"),
        ),
    )
    recipes = [with_epochs(RECIPE, 5), replace(with_epochs(RECIPE, 40), name="long")]
    one, other = (
        nested_choice(each, recipes, arch="mlp_small", seed=0) for each in (table, changed)
    )
    assert one["folds"][2]["inner_rmse"] == other["folds"][2]["inner_rmse"]
    assert one["folds"][2]["recipe"] == other["folds"][2]["recipe"]
    assert one["folds"][1]["inner_rmse"] != other["folds"][1]["inner_rmse"]


def test_leak_canary_for_the_nested_choice():
    """What is better for a source is known from that source alone: an honest choice must be wrong.

    Features tell nothing. One recipe predicts the mean of its training sources, the other stays at
    the start and predicts about 0. Half of the sources lie at 8, half at 98. Without the
    held-out source the other kind is the majority, so that the choice inside the fold suits the
    others. A choice that sees the held-out source takes the better recipe for it.
    """
    low, high = 8.0, 98.0
    constants = np.array([low, high] * 3)
    rng = np.random.default_rng(5)
    source = np.repeat(np.arange(6), 20)
    features = 0.5 + rng.normal(0, 1e-3, (len(source), 6))
    table = table_of(features, constants[source], n_sources=6, n_clips=2)
    start = replace(with_epochs(RECIPE, 1), name="start", scaling="none", learning_rate=1e-9)
    recipes = [RECIPE, start]
    found = nested_choice(table, recipes, arch="linear", seed=0)
    chosen = [fold["recipe"] for fold in found["folds"]]
    assert chosen == [recipes[0].name if value == low else "start" for value in constants]
    held_out = [(k,) for k in range(6)]
    outer = [
        [
            source_error(table, fitted[out, 0].network, out[0])
            for fitted in (
                fitting.fit(table, arch="linear", recipe=recipe, held_out=held_out, seeds=[0]),
            )
            for out in held_out
        ]
        for recipe in recipes
    ]
    assert np.min(outer, axis=0).mean() < 45  # of a choice that sees the held-out source
    assert found["rmse"] > 70


def test_no_choice_has_skill_where_there_is_none():
    """Targets are random constants of sources, which features tell: whatever is chosen fails."""
    rng = np.random.default_rng(5)
    source = np.repeat(np.arange(6), 20)
    features = rng.uniform(0.2, 0.8, (6, 6))[source] + rng.normal(0, 1e-3, (len(source), 6))
    target = rng.permutation(np.linspace(10, 90, 6))[source]
    table = table_of(features, target, n_sources=6, n_clips=2)
    recipes = [RECIPE, replace(RECIPE, name="other", learning_rate=RECIPE.learning_rate / 3)]
    found = nested_choice(table, recipes, arch="mlp_small", seed=0)
    assert found["rmse"] > np.std(target) / 2
    assert sum(row["chosen_in"] for row in found["recipes"]) == 6


def test_a_choice_needs_two_recipes_and_four_sources():
    table = smooth_table(n_sources=3)
    with pytest.raises(UsageError, match="a choice needs two, of different names"):
        nested_choice(table, [RECIPE, RECIPE], arch="linear", seed=0)
    with pytest.raises(SplitError, match="nested folds need 4 sources, this table has 3"):
        nested_choice(table, [RECIPE, replace(RECIPE, name="b")], arch="linear", seed=0)
