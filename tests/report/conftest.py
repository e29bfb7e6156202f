# SPDX-License-Identifier: Apache-2.0
import json
from copy import deepcopy
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tinyvmaf.evaluation.baselines import PER_FOLD
from tinyvmaf.evaluation.evaluate import Run, evaluate_run
from tinyvmaf.evaluation.records import LosoRecord
from tinyvmaf.evaluation.run_files import FoldFacts, RunFacts
from tinyvmaf.libvmaf.sets import CANONICAL6
from tinyvmaf.report.chart import by_error
from tinyvmaf.report.points import points_of
from tinyvmaf.typed_json import from_json, to_json

SCRIPT = "<script>alert(1)</script>"
ARABIC = "ساحة المدينة"
BREAKER = "x</script><!--\u2028|`*_[a](http://b)"
SOURCES = (SCRIPT, "Bird", BREAKER, ARABIC)
"""The sources of the run below, in the order of its folds."""


def typed(record):
    """The record of a dictionary, which tests change more easily."""
    return from_json(LosoRecord, record)


@pytest.fixture(scope="session")
def make_run():
    """Make a run with errors of a known size: every source has a bias of its own."""

    def make(
        *, sources=SOURCES, clips=3, frames=40, seeds=(0, 1), command="tinyvmaf loso t.parquet"
    ):
        rng = np.random.default_rng(3)
        per_source = clips * frames
        n = len(sources) * per_source
        vmaf = np.clip(
            rng.uniform(20, 98, (len(sources) * clips, 1)) + rng.normal(0, 5, frames), 0, 100
        )
        rows = pl.DataFrame(
            {
                "source": np.repeat(sources, per_source).tolist(),
                "clip": [f"{SCRIPT} {clip}" for clip in range(clips) for _ in range(frames)]
                * len(sources),
                "frame": list(range(frames)) * (len(sources) * clips),
                "vmaf": vmaf.ravel(),
            },
            schema_overrides={"frame": pl.Int64},
        )
        bias = np.repeat(1.0 + np.arange(len(sources)), per_source)

        def predicted(spread):
            return rows["vmaf"].to_numpy() + bias * spread + rng.normal(0, 0.4, n)

        predictions = pl.concat(
            rows.select(
                "source", "clip", "frame",
                pl.lit(seed, dtype=pl.Int64).alias("seed"),
                "vmaf",
                pl.Series("predicted", predicted(0.5).astype(np.float32)),
            )
            for seed in seeds
        )  # fmt: skip
        baselines = pl.concat(
            rows.select(
                pl.lit(model).alias("model"),
                pl.lit("heldout").alias("seen"),
                "source", "clip", "frame", "vmaf",
                pl.Series("predicted", values),
            )
            for model, values in (
                ("constant", np.full(n, rows["vmaf"].mean())),
                ("least_squares", predicted(0.8)),
                (BREAKER, predicted(0.9)),
            )
        )  # fmt: skip
        facts = RunFacts(
            arch="mlp_small",
            n_params=257,
            recipe="default",
            recipe_settings={"steps": 100},
            seeds=tuple(seeds),
            teacher="vmaf_v0.6.1",
            features=CANONICAL6,
            table={
                "rows": n,
                "sources": len(sources),
                "clips": len(sources) * clips,
                "sha256": "0" * 64,
                "origin": "t.parquet",
                "versions": {},
                "notes": 0,
            },
            folds=tuple(
                FoldFacts(source, seed, n - per_source, 100, 0.5)
                for source in sources
                for seed in seeds
            ),
            baselines={
                **{name: PER_FOLD[name] for name in ("constant", "least_squares")},
                BREAKER: f"given; {SCRIPT}",
            },
            seconds={"train": 1.0},
            command=command,
            versions={"tinyvmaf": "0.1.0"},
        )
        return Run(facts, predictions, baselines)

    return make


@pytest.fixture(scope="session")
def run(make_run):
    return make_run()


@pytest.fixture(scope="session")
def points(run, bare_record):
    return points_of(run, order=by_error(typed(bare_record)))


@pytest.fixture(scope="session")
def bare_record(run):
    """The record without its evidence, as an older version wrote it."""
    record = to_json(evaluate_run(run))
    return {key: value for key, value in record.items() if key not in {"evidence", "findings"}}


@pytest.fixture
def record(bare_record):
    """The record with evidence of every kind, written by hand: what is drawn is known."""
    path = Path(__file__).parent / "evidence.json"
    evidence = json.loads(path.read_text(encoding="utf-8"))
    for row, source in zip(evidence["diagnosis"], SOURCES, strict=True):
        row["source"] = source
    sentence = f"{SCRIPT} is not an outlier."
    findings = [
        {"kind": "outlier", "subject": SCRIPT, "verdict": "no", "sentence": sentence, "data": {}}
    ]
    return deepcopy({**bare_record, "evidence": evidence, "findings": findings})
