# SPDX-License-Identifier: Apache-2.0
"""`tinyvmaf frontier` from real clips to the record, the table and the chart."""

import json

import pytest

import tinyvmaf as tv
from tests.cli.conftest import check_records
from tinyvmaf.typed_json import to_json

pytestmark = pytest.mark.ffmpeg


@pytest.fixture(scope="module")
def corpus(tmp_path_factory, moving, make_video):
    """Two drawn sources of 40 frames with two encodes each, as a manifest."""
    folder = tmp_path_factory.mktemp("frontier")
    lines = ["source,reference,distorted"]
    for source, size in (("wide", "384x216"), ("narrow", "256x192")):
        reference = moving(folder / f"{source}.mkv", "-c:v", "ffv1", frames=40, size=size)
        for crf in (30, 42):
            clip = folder / f"{source}_{crf}.mp4"
            make_video(clip, "-i", reference, "-c:v", "libx264", "-crf", crf)
            lines.append(f"{source},{reference},{clip}")
    (folder / "corpus.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.mark.slow
def test_from_clips_to_a_recommendation(tinyvmaf, corpus, tmp_path):
    output = tmp_path / "frontier"
    some = ("--replicates", 4, "--cpu-pairs", 1, "--for-error", 5, "-o", output)
    done = tinyvmaf("frontier", corpus, *some)
    assert done.status == 0, done.stderr
    record = json.loads((output / "frontier.json").read_text())
    assert record["cpu_pairs"] == ["wide/wide_30"]
    methods = {method["name"]: method for method in record["methods"]}
    assert methods["libvmaf on every frame"]["rmse"] == 0
    # Costs are measured: nothing that decodes both videos is below decoding them.
    assert all(each["cpu_ms"] >= record["cpu_ms"]["decoding"] for each in record["methods"])
    assert methods["signal, 10 exact"]["exact_frames"] == pytest.approx(10, abs=0.5)
    assert {"tinyvmaf_half_v1 alone", "tinyvmaf_quarter_v1, 5 exact", "every 5th frame"} < set(
        methods
    )
    assert "signal, 10 exact" in (output / "frontier.md").read_text()
    assert (output / "frontier.svg").read_text().startswith("<svg")
    assert "For an RMSE of 5: " in done.stdout
    ours = tv.frontier(corpus, replicates=4, costs=output / "costs.json")
    changing = ("command", "date")
    theirs = {name: value for name, value in record.items() if name not in changing}
    assert {k: v for k, v in to_json(ours.record).items() if k not in changing} == theirs
    assert to_json(ours.costs) == json.loads((output / "costs.json").read_text())
    assert repr(ours) == f"<Frontier {len(methods)} methods, 4 clips>"
    for name in ("frontier", "costs"):
        check_records((output / f"{name}.json").read_text())


def test_predictions_of_no_model_are_refused_before_anything_slow(tinyvmaf, tmp_path):
    done = tinyvmaf("frontier", tmp_path, "--predictions", tmp_path / "other.parquet")
    assert done.status == 2
    assert "there is no model other; expected one of tinyvmaf_half_v1" in done.stderr


def test_a_model_that_has_seen_every_source_is_refused(tinyvmaf, corpus):
    done = tinyvmaf("frontier", corpus, "--model", "tinyvmaf_small_v1", "--cpu-pairs", 1)
    assert done.status == 2
    assert "reads features at full size" in done.stderr


def test_a_table_needs_figures_of_cpu_time(tinyvmaf, tmp_path):
    costs = tmp_path / "costs.json"
    costs.write_text("{}")
    done = tinyvmaf("frontier", tmp_path / "table.parquet", "--costs", costs)
    assert done.status == 2
    assert f"{costs}: expected schema tinyvmaf.costs/1" in done.stderr
    done = tinyvmaf("frontier", tmp_path / "table.parquet", "--costs", tmp_path / "none.json")
    assert done.status == 2
    assert "none.json: cannot be read: No such file or directory" in done.stderr
    done = tinyvmaf("frontier", tmp_path / "table.parquet")
    assert done.status == 2
    assert "name a corpus with --cpu, or give --costs" in done.stderr
