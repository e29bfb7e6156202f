# SPDX-License-Identifier: Apache-2.0
import json

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from tinyvmaf.cli.app import app
from tinyvmaf.errors import UsageError
from tinyvmaf.evaluation.evaluate import Run
from tinyvmaf.evaluation.run_files import FoldFacts, RunFacts, write_run
from tinyvmaf.libvmaf.sets import CANONICAL6
from tinyvmaf.report import digest


@pytest.fixture
def folder(tmp_path):
    """A run of three sources with two clips of ten frames."""
    rng = np.random.default_rng(0)
    sources = [source for source in ("A", "B", "C") for _ in range(20)]
    vmaf = rng.uniform(30, 95, 60)
    rows = pl.DataFrame(
        {
            "source": sources,
            "clip": (["a"] * 10 + ["b"] * 10) * 3,
            "frame": list(range(10)) * 6,
            "seed": [0] * 60,
            "vmaf": vmaf,
            "predicted": (vmaf + rng.normal(0, 1, 60)).astype(np.float32),
        }
    )
    baselines = rows.select(
        pl.lit("constant").alias("model"),
        pl.lit("heldout").alias("seen"),
        "source", "clip", "frame", "vmaf",
        pl.lit(60.0).alias("predicted"),
    )  # fmt: skip
    facts = RunFacts(
        arch="linear",
        n_params=7,
        recipe="default",
        recipe_settings={},
        seeds=(0,),
        teacher="vmaf_v0.6.1",
        features=CANONICAL6,
        table={"rows": 60, "sources": 3, "clips": 6, "sha256": "0" * 64},
        folds=tuple(FoldFacts(source, 0, 40, 10, 1.0) for source in "ABC"),
        baselines={"constant": "the mean"},
        command="tinyvmaf loso t.parquet",
    )
    write_run(Run(facts, rows, baselines), tmp_path)
    return tmp_path


def test_the_report_is_written_again_and_its_files_are_named(folder):
    result = CliRunner().invoke(app, ["report", str(folder)], catch_exceptions=False)
    assert result.exit_code == 0
    names = [folder / f"loso_linear_eval.{end}" for end in ("json", "md", "html")]
    assert result.stdout.splitlines() == [str(name) for name in names]
    assert all(name.is_file() for name in names)
    assert (folder / "charts" / "folds_rmse.png").is_file()


def test_the_record_goes_to_stdout_as_json(folder):
    result = CliRunner().invoke(app, ["report", str(folder), "--json"], catch_exceptions=False)
    written = (folder / "loso_linear_eval.json").read_text(encoding="utf-8")
    assert json.loads(result.stdout) == json.loads(written)


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no run here") as found:
        CliRunner().invoke(app, ["report", str(tmp_path)], catch_exceptions=False)
    assert found.value.exit_status == 2


def test_without_the_extra_one_line_says_how_to_get_the_page(folder, monkeypatch):
    monkeypatch.setattr(digest, "find_spec", lambda name: None)
    result = CliRunner().invoke(app, ["report", str(folder)], catch_exceptions=False)
    assert result.exit_code == 0
    assert [name.rsplit(".")[-1] for name in result.stdout.splitlines()] == ["json", "md"]
    assert result.stderr.count("pip install 'tinyvmaf[report]'") == 1
