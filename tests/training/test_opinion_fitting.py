# SPDX-License-Identifier: Apache-2.0
"""Models of opinions that libvmaf can run: the fit is scikit-learn's, the pooling libvmaf's."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.svm import NuSVR

import tinyvmaf as tv
from tests.evaluation.tables import smooth_table
from tinyvmaf.errors import UsageError
from tinyvmaf.features.table import FeatureTable
from tinyvmaf.libvmaf.sets import CANONICAL6

ROOT = Path(__file__).resolve().parents[2]


def judged(*, scale=1.0):
    """A table with opinions from 1 to 5 but for one clip that nobody judged."""
    table = smooth_table(n_sources=5, n_clips=4, n_frames=7)
    rng = np.random.default_rng(0)
    clips = table.rows.group_by("source", "clip", maintain_order=True).agg(pl.col("vmaf").mean())
    mos = scale * np.clip(1 + clips["vmaf"].to_numpy() / 25 + rng.normal(0, 0.2, 20), 1, 5)
    labels = clips.select("source", "clip").with_columns(mos=pl.Series(mos))
    labels = labels.with_columns(
        mos=pl.when((pl.col("source") == "S01") & (pl.col("clip") == "c2"))
        .then(None)
        .otherwise(pl.col("mos"))
    )
    rows = table.rows.join(labels, on=["source", "clip"], maintain_order="left")
    return FeatureTable(rows, replace(table.info, labels=("mos",)))


def trained(table, path, **arguments):
    return tv.train(table, path=path, arch="svr", target="mos", **arguments)


def test_the_model_is_scikit_learns_on_mean_features_and_its_error_that_of_mean_scores(tmp_path):
    table = judged()
    found = trained(table, tmp_path / "m.onnx", val_source="S03")
    clips = [
        (source, rows.select(CANONICAL6).to_numpy(), rows["mos"][0])
        for (source, _), rows in table.rows.group_by("source", "clip", maintain_order=True)
        if rows["mos"][0] is not None
    ]
    training = [clip for clip in clips if clip[0] != "S03"]
    x = np.array([frames.mean(axis=0) for _, frames, _ in training])
    y = np.array([mos for _, _, mos in training])
    machine = NuSVR(C=1.0, nu=0.5, gamma=0.1 / 6)
    machine.fit((x - x.mean(axis=0)) / x.std(axis=0), (y - y.mean()) / y.std())

    def score(frames):
        scaled = machine.predict((frames - x.mean(axis=0)) / x.std(axis=0))
        return (scaled * y.std() + y.mean()).mean()

    errors = np.array([score(frames) - mos for _, frames, mos in training])
    assert found.train_rmse == pytest.approx(np.sqrt(np.mean(errors**2)), abs=1e-4)
    held_out = [score(frames) - mos for source, frames, mos in clips if source == "S03"]
    assert found.held_out.rmse == pytest.approx(np.sqrt(np.mean(np.square(held_out))), abs=1e-4)
    frames = clips[0][1]
    assert found.model.predict(frames).mean() == pytest.approx(score(frames), abs=1e-4)
    card = found.model.card
    assert (card.teacher, card.table_sha256) == ("mos", table.sha256)
    assert card.training_sources == ("S00", "S01", "S02", "S04")
    assert "on the scale of their study" in card.notes[0]


def test_leak_canary_a_held_out_source_leaves_no_trace_in_the_model_of_opinions(tmp_path):
    table = judged()
    own = pl.col("source") == "S03"
    changed = table.rows.with_columns(
        mos=pl.when(own).then(99.0).otherwise("mos"),
        adm2=pl.when(own).then(0.0).otherwise("adm2"),
    )
    one, other = (
        trained(FeatureTable(rows, table.info), tmp_path / name, val_source="S03")
        for name, rows in (("one.onnx", table.rows), ("other.onnx", changed))
    )
    assert one.model.path.read_bytes() == other.model.path.read_bytes()
    assert one.held_out.rmse < 1
    assert other.held_out.rmse > 90


def test_what_is_refused(tmp_path):
    path = tmp_path / "m.onnx"
    with pytest.raises(UsageError, match=r"^the target mos is for the arch svr: a study has too "):
        tv.train(judged(), path=path, target="mos")
    with pytest.raises(UsageError, match=r"^target 'dmos': expected vmaf or mos$"):
        tv.train(judged(), path=path, target="dmos")
    with pytest.raises(UsageError, match=r"^this table has no opinion scores: no label mos"):
        trained(smooth_table(), path)
    with pytest.raises(
        UsageError, match=r"^opinion scores from -3\.91.* to -3\.26.*: expected \[0, 100\], "
    ):
        trained(judged(scale=-1.0), path)
    assert not list(tmp_path.iterdir())


def test_the_table_of_the_page_is_that_of_the_runs():
    page = (ROOT / "docs" / "how-to" / "opinions-to-ffmpeg.md").read_text(encoding="utf-8")
    runs = json.loads((ROOT / "docs" / "results" / "opinions.json").read_text(encoding="utf-8"))
    for study, run in runs["studies"].items():
        figures = (f"{run['rmse'][model]:.3f}" for model in ("teacher_map", "svr"))
        row = " | ".join((study, str(run["n_clips"]), str(run["n_sources"]), *figures))
        assert f"| {row} |" in page
