# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from tests.evaluation.tables import smooth_table
from tests.evaluation.test_record import made_up_run
from tinyvmaf.evaluation.compare import compare
from tinyvmaf.evaluation.run_files import write_run
from tinyvmaf.typed_json import to_json


@pytest.fixture
def runs(tmp_path):
    """Two runs on one table, the first with the smaller error."""
    table = smooth_table(n_sources=6)
    folders = []
    for name, noise in (("good", 1.0), ("bad", 4.0)):
        write_run(made_up_run(table=table, noise=noise), tmp_path / name)
        folders.append(tmp_path / name)
    return folders


def test_runs_and_sentences_are_printed(tinyvmaf, runs):
    done = tinyvmaf("compare", *runs)
    assert (done.status, done.stderr) == (0, "")
    gate = "train RMSE 1.00; the effect of twice the steps was not measured"
    lines = done.stdout.splitlines()
    assert lines[:3] == [
        f"good: mlp_small, recipe default; {gate}",
        f"bad: mlp_small, recipe default; {gate}",
        "",
    ]
    found = compare(runs).findings
    assert lines[3:] == [f"- {finding.sentence}" for finding in found]
    assert any("good has lower RMSE than bad on 6 unseen sources" in line for line in lines)


def test_json_is_the_record(tinyvmaf, runs):
    done = tinyvmaf("compare", *runs, "--json")
    assert done.status == 0
    record = json.loads(done.stdout)
    assert record == to_json(compare(runs))
    assert record["schema"] == "tinyvmaf.compare/1"


def test_one_run_is_a_wrong_call(tinyvmaf, runs):
    done = tinyvmaf("compare", runs[0])
    assert (done.status, done.stdout) == (2, "")
    assert "comparing needs at least two runs, got 1" in done.stderr


def test_runs_of_other_tables_are_a_wrong_call(tinyvmaf, runs, tmp_path):
    write_run(made_up_run(), tmp_path / "other")
    done = tinyvmaf("compare", runs[0], tmp_path / "other")
    assert (done.status, done.stdout) == (2, "")
    told = " ".join(done.stderr.split())
    assert (
        "these runs come from different tables: rows 360 against 240; sources 6 against 4" in told
    )


def test_a_folder_without_a_run_is_a_wrong_call(tinyvmaf, runs, tmp_path):
    done = tinyvmaf("compare", runs[0], tmp_path / "nothing")
    assert (done.status, done.stdout) == (2, "")
    assert "no run here (no run.json)" in " ".join(done.stderr.split())
