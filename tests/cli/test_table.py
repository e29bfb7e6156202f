# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from tests.libvmaf.log_layouts import columns, json_3
from tinyvmaf.features.table import read_table


@pytest.fixture
def logs(tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    for number, name in enumerate(["a_100kbps_x264", "a_200kbps_av1", "b_100kbps_x264"]):
        (folder / f"{name}.json").write_text(json_3(columns(seed=number)))
    (folder / "other.json").write_text("{}")
    (folder / "b_200kbps_av1.json").write_text(json_3(columns())[:-5])
    (tmp_path / "o.csv").write_text("clip,mos\na_100kbps_x264,3\nc,1\n")
    return folder


def test_import(tinyvmaf, tmp_path, logs):
    output = tmp_path / "t.parquet"
    call = [
        "table",
        "import",
        logs,
        "-o",
        output,
        "--pattern",
        "{source}_{kbps}kbps_{encoder}.json",
    ]
    done = tinyvmaf(*call, "--opinions", tmp_path / "o.csv")
    assert done.status == 3
    assert done.stdout == (
        f"{output}: 15 frames of 3 clips of 2 sources, teacher unknown, opinions of 1 clip\n"
    )
    cut = logs / "b_200kbps_av1.json"
    lines = done.stderr.splitlines()
    assert lines[0] == (
        f"left out: {logs}/other.json: does not fit the pattern {{source}}_{{kbps}}kbps_"
        "{encoder}.json"
    )
    assert lines[1].startswith(f"failed: {cut}: not a whole log of libvmaf: ")
    assert lines[2:] == [
        "no opinion: clip a/a_200kbps_av1",
        "no opinion: clip b/b_100kbps_x264",
        "no log of 1 clips of the opinions: c",
        (
            "the logs do not name the model of their scores: the teacher is unknown; name it with "
            "--teacher, such as --teacher vmaf_v0.6.1"
        ),
    ]
    assert read_table(output).clips.columns[3:] == ["kbps", "encoder", "mos"]
    cut.unlink()
    (logs / "other.json").unlink()
    done = tinyvmaf(*call, "--teacher", "vmaf_v0.6.1", "--json")
    assert (done.status, done.stderr) == (0, "")
    record = json.loads(done.stdout)
    assert record["schema"] == "tinyvmaf.import/1"
    assert record["sha256"] == read_table(output).sha256
    assert (record["clips"], record["failed"], record["arithmetic"]) == (3, [], "integer")


def test_join(tinyvmaf, tmp_path, logs):
    table, output = tmp_path / "t.parquet", tmp_path / "with.parquet"
    tinyvmaf("table", "import", *sorted(logs.glob("[ab]*x264.json")), "-o", table)
    done = tinyvmaf("table", "join", table, tmp_path / "o.csv", "-o", output)
    assert (done.status, done.stdout) == (0, f"{output}: opinions of 1 of 2 clips\n")
    assert done.stderr.splitlines() == [
        "no opinion: clip logs/b_100kbps_x264",
        "no row of 1 clips of the opinions: c",
    ]
    assert read_table(output).clips["mos"].to_list() == [3.0, None]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["x.json"], "no output given: name the table to write with -o TABLE.parquet"),
        (["-o", "t.parquet"], "no logs given: name files or folders, or a --manifest with a"),
        (["gone", "-o", "t.parquet"], "gone: no such log or folder"),
        (["gone", "-o", "/proc/t.parquet"], "cannot write /proc/t.parquet: "),
    ],
)
def test_calls_that_cannot_work(tinyvmaf, tmp_path, monkeypatch, arguments, reason):
    monkeypatch.chdir(tmp_path)
    done = tinyvmaf("table", "import", *arguments)
    assert done.status == 2
    assert done.stderr.startswith(f"tinyvmaf: {reason}")
    assert list(tmp_path.iterdir()) == []
