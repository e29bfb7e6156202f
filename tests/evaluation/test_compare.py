# SPDX-License-Identifier: Apache-2.0
import json
from dataclasses import replace

import numpy as np
import pytest

from tests.evaluation.tables import smooth_table, table_of
from tests.evaluation.test_record import made_up_run
from tinyvmaf.errors import SchemaError, UsageError
from tinyvmaf.evaluation.compare import compare
from tinyvmaf.evaluation.comparison_records import ComparisonRow
from tinyvmaf.evaluation.evaluate import Run
from tinyvmaf.evaluation.findings import comparison_sentence
from tinyvmaf.evaluation.predictions import fold_values, measure_folds
from tinyvmaf.evaluation.records import CompareRecord
from tinyvmaf.evaluation.run_files import write_run
from tinyvmaf.stats.model_comparison import compare_models
from tinyvmaf.typed_json import from_json, to_json

TABLE = smooth_table(n_sources=7)


def compare_folders(folders):
    """The record as JSON has it."""
    record = compare(folders)
    found = to_json(record)
    assert from_json(CompareRecord, found) == record
    return found


def sentence_of(row):
    return comparison_sentence(from_json(ComparisonRow, row))


def run_with(noise, *, table=TABLE, train_rmse=1.0):
    run = made_up_run(table=table, noise=noise)
    folds = tuple(replace(fold, train_rmse=train_rmse) for fold in run.facts.folds)
    return Run(replace(run.facts, folds=folds), run.predictions, run.baselines)


@pytest.fixture
def write(tmp_path):
    """Write a run of that noise; its folder."""

    def write(name, noise=2.0, **settings):
        write_run(run_with(noise, **settings), tmp_path / name)
        return tmp_path / name

    return write


@pytest.fixture
def compared(write):
    return compare_folders([write("good", 1.0), write("bad", 4.0)])


def test_the_rows_are_those_of_compare_models_over_fold_values(compared):
    folds = {
        name: measure_folds(run_with(noise).predictions)
        for name, noise in (("good", 1.0), ("bad", 4.0))
    }
    scores = {
        name: {
            "clip_rmse": fold_values(each, level="clip", metric="rmse"),
            **{
                metric: fold_values(each, level="frame", metric=metric)
                for metric in ("rmse", "plcc", "srocc")
            },
        }
        for name, each in folds.items()
    }
    expected = compare_models(scores, metrics=("clip_rmse", "rmse", "plcc", "srocc"))
    assert len(compared["comparisons"]) == 4
    for row, each in zip(compared["comparisons"], expected, strict=True):
        assert (row["a"], row["b"], row["n_sources"]) == ("good", "bad", 7)
        assert f"{row['level']}_{row['metric']}".removeprefix("frame_") == each.metric
        assert (row["effect"], row["low"], row["high"]) == (
            each.effect, each.effect_low, each.effect_high
        )  # fmt: skip
        assert (row["p"], row["p_adjusted"]) == (each.p, each.p_adjusted)
        assert row["verdict"] == each.outcome.lower().replace(" ", "_")
    assert compared["comparisons"][1]["verdict"] == "a_better"


def test_the_record_has_runs_rows_and_their_sentences(compared):
    assert compared["schema"] == "tinyvmaf.compare/1"
    assert compared["table"]["sha256"] == TABLE.sha256
    assert [run["name"] for run in compared["runs"]] == ["good", "bad"]
    assert {run["gate"]["outcome"] for run in compared["runs"]} == {"unchecked"}
    told = [finding["sentence"] for finding in compared["findings"]]
    assert told == [sentence_of(row) for row in compared["comparisons"]]
    assert told[1].startswith("good has lower RMSE than bad on 7 unseen sources, in 7 of them: ")
    assert json.loads(json.dumps(compared, allow_nan=False)) == compared


def test_an_undertrained_run_is_compared_and_said_to_be_undertrained(write):
    found = compare_folders([write("good", 1.0), write("raw", 4.0, train_rmse=15.4)])
    gates = [run["gate"] for run in found["runs"]]
    assert [gate["passed"] for gate in gates] == [True, False]
    assert gates[1]["reason"] == "train RMSE 15.40 is not below 2 VMAF points"
    assert len(found["comparisons"]) == 4
    assert [finding["kind"] for finding in found["findings"]] == ["gate"] + ["comparison"] * 4
    assert found["findings"][0]["sentence"] == (
        "raw is undertrained: train RMSE 15.40 is not below 2 VMAF points. "
        "Its comparisons judge its training, not its arch."
    )


def test_swapping_the_runs_swaps_the_verdict(write):
    one, other = write("good", 1.0), write("bad", 4.0)
    forth, back = compare_folders([one, other]), compare_folders([other, one])
    for row, mirrored in zip(forth["comparisons"], back["comparisons"], strict=True):
        assert row["p_adjusted"] == mirrored["p_adjusted"]
        assert (row["a_better_in"], row["b_better_in"]) == (
            mirrored["b_better_in"], mirrored["a_better_in"]
        )  # fmt: skip
    winners = [found["findings"][1]["sentence"].split(":")[0] for found in (forth, back)]
    assert winners[0] == winners[1]


def test_three_runs_are_one_family_in_which_no_p_is_smaller(write):
    one, other, third = write("good", 1.0), write("bad", 1.4), write("third", 1.2)
    pair = compare_folders([one, other])["comparisons"]
    family = compare_folders([one, other, third])["comparisons"]
    assert {(row["a"], row["b"]) for row in family} == {
        ("good", "bad"), ("good", "third"), ("bad", "third")
    }  # fmt: skip
    for row in pair:
        (same,) = (
            each
            for each in family
            if all(each[key] == row[key] for key in ("a", "b", "level", "metric"))
        )
        assert same["p"] == row["p"]
        assert same["p_adjusted"] >= row["p_adjusted"]


def test_a_run_against_its_copy_is_equivalent(write):
    found = compare_folders([write("one"), write("copy")])
    assert {row["verdict"] for row in found["comparisons"]} == {"equivalent"}
    assert found["findings"][1]["sentence"] == (
        "one and copy are equivalent in RMSE on 7 unseen sources: they differ by 0, "
        "90 % interval [0, 0], within the margin of 0.5."
    )


def test_runs_of_another_table_are_refused_with_all_that_differs(write):
    other = smooth_table(n_sources=5, seed=2)
    folders = [write("one"), write("other", table=other)]
    with pytest.raises(UsageError) as caught:
        compare_folders(folders)
    assert str(caught.value) == (
        "these runs come from different tables: rows 420 against 300; sources 7 against 5; "
        f"clips 21 against 15; sha256 {TABLE.sha256} against {other.sha256}"
    )


def test_a_table_that_differs_in_one_value_is_another_table(write):
    features, target = TABLE.features.copy(), TABLE.target.copy()
    features[0, 0] = np.nextafter(features[0, 0], 2)
    other = table_of(features, target, n_sources=7, n_clips=3)
    folders = [write("one"), write("other", table=other)]
    with pytest.raises(UsageError, match=r"different tables: sha256 \w+ against \w+$"):
        compare_folders(folders)


def test_fewer_than_two_runs_are_refused(write):
    for folders in ([], [write("one")]):
        with pytest.raises(UsageError) as caught:
            compare_folders(folders)
        message = f"comparing needs at least two runs, got {len(folders)}"
        assert str(caught.value) == message


def test_one_run_twice_is_refused_however_it_is_written(write, monkeypatch):
    folder = write("one")
    monkeypatch.chdir(folder.parent)
    for twin in (folder, folder.parent / "one" / ".." / "one", folder.relative_to(folder.parent)):
        with pytest.raises(UsageError) as caught:
            compare_folders([folder, twin])
        assert str(caught.value) == "a run is named twice; compare different runs"


def test_runs_of_one_name_are_told_apart_by_their_paths(write):
    folders = [write("x/run", 1.0), write("y/run", 4.0)]
    names = [run["name"] for run in compare_folders(folders)["runs"]]
    assert names == [str(folder) for folder in folders]


def test_a_folder_without_a_run_and_a_damaged_run_are_refused(write, tmp_path):
    one, other = write("one"), write("other")
    with pytest.raises(UsageError, match="no run here"):
        compare_folders([one, tmp_path])
    (other / "run.json").write_text("{")
    with pytest.raises(SchemaError, match="damaged run"):
        compare_folders([one, other])


def test_runs_with_other_folds_are_compared_and_it_is_said(write, tmp_path):
    alone = write("alone", 1.0)
    run = run_with(1.1)
    sources = TABLE.sources
    facts = replace(run.facts, held_out=(sources[:3], sources[3:5], sources[5:]))
    write_run(Run(facts, run.predictions, run.baselines), tmp_path / "folds")
    record = compare_folders([alone, tmp_path / "folds"])
    assert [each["n_folds"] for each in record["runs"]] == [7, 3]
    assert record["findings"][0]["sentence"] == (
        "These runs held their sources out in different folds (alone: one source at a time, folds: "
        "3 folds of whole sources): a difference may come from how many sources a network trained "
        "on."
    )
