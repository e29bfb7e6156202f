# SPDX-License-Identifier: Apache-2.0
"""Each verb is a public function that gives the command's record."""

import json

import onnx
import pytest

import tinyvmaf as tv
from tests.evaluation.tables import smooth_table
from tests.libvmaf.log_layouts import columns, json_3
from tinyvmaf.features.parts import write_parts
from tinyvmaf.features.table import write_table
from tinyvmaf.models.onnx_file import to_onnx
from tinyvmaf.training.recipes import load_recipe, with_epochs
from tinyvmaf.typed_json import to_json

RECIPE = with_epochs(load_recipe("default"), 3)
# What names the call, or takes as long as it takes.
OWN = ("command", "seconds")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A table, and a run of it that `tv.loso` wrote."""
    folder = tmp_path_factory.mktemp("made")
    write_table(smooth_table(), folder / "table.parquet")
    tv.loso(folder / "table.parquet", folder=folder / "ours", recipe=RECIPE)
    return folder


def plain(record):
    return {key: value for key, value in record.items() if key not in OWN}


@pytest.mark.slow
def test_loso_and_report(tinyvmaf, made):
    table, run = made / "table.parquet", made / "command"
    done = tinyvmaf("loso", table, "-o", run, "--epochs", "3", "--json")
    ours = to_json(tv.read_run(made / "ours").record)
    assert plain(json.loads(done.stdout)) == plain(ours)
    found = tinyvmaf("report", made / "ours", "--json")
    assert json.loads(found.stdout) == ours == to_json(tv.report(made / "ours").record)


def test_evaluate(tinyvmaf, made):
    model = made / "ours" / "fold_S02" / "mlp_small_final.onnx"
    done = tinyvmaf("evaluate", made / "table.parquet", model, "--json")
    assert json.loads(done.stdout) == to_json(tv.evaluate(made / "table.parquet", [model]))


def test_compare(tinyvmaf, made):
    tv.loso(made / "table.parquet", folder=made / "linear", arch="linear", recipe=RECIPE)
    runs = made / "ours", made / "linear"
    done = tinyvmaf("compare", *runs, "--json")
    assert json.loads(done.stdout) == to_json(tv.compare(runs))


def test_train(tinyvmaf, made):
    path = made / "one.onnx"
    tinyvmaf("train", made / "table.parquet", "--epochs", "3", "--val-source", "S01", "-o", path)
    trained = tv.train(
        made / "table.parquet", path=made / "two.onnx", recipe=RECIPE, val_source="S01"
    )
    assert path.read_bytes() == (made / "two.onnx").read_bytes()
    assert repr(trained).startswith("<Trained two, 257 parameters, train RMSE ")
    assert trained.held_out is not None


@pytest.fixture(scope="module")
def extracted(tiny_corpus, tmp_path_factory):
    """The table of the tiny corpus, by `tv.extract`."""
    return tv.extract(tiny_corpus, output=tmp_path_factory.mktemp("extracted") / "t.parquet")


@pytest.mark.ffmpeg
def test_extract(tinyvmaf, tiny_corpus, extracted, tmp_path):
    done = tinyvmaf("extract", tiny_corpus, "-o", tmp_path / "t.parquet", "--json")
    ours, theirs = to_json(extracted.record), json.loads(done.stdout)
    assert theirs["cached"] == ours["clips"] == 12
    for record in (ours, theirs):
        for changing in ("table", "computed", "cached"):
            del record[changing]
    assert ours == theirs
    assert repr(extracted) == "<Extraction 96 frames of 12 clips of 3 sources, 0 pairs failed>"
    in_memory = tv.extract(tiny_corpus)
    assert in_memory.record.table is None
    assert in_memory.table.sha256 == ours["sha256"] == extracted.table.sha256


@pytest.mark.ffmpeg
def test_scan_corpus(tinyvmaf, tiny_corpus):
    done = tinyvmaf("corpus", "scan", tiny_corpus, "--json")
    found = tv.scan_corpus(tiny_corpus)
    assert json.loads(done.stdout) == to_json(found.record)
    assert repr(found) == "<Scan 3 sources, 12 clips, 0 problems>"


@pytest.mark.ffmpeg
def test_build_corpus(tinyvmaf, moving, tmp_path):
    source = moving(tmp_path / "drawn.mkv", "-c:v", "ffv1", frames=4)
    ladder = tmp_path / "one.toml"
    ladder.write_text('[[rung]]\nencoder = "libx264"\ncrf = [30]\n')
    built = tv.build_corpus([source], output=tmp_path / "ours", ladder=ladder)
    assert (built.n_made, built.n_kept, built.failures) == (1, 0, ())
    tinyvmaf("corpus", "build", source, "-o", tmp_path / "theirs", "--ladder", ladder)
    rows = [(tmp_path / name / "corpus.csv").read_text() for name in ("ours", "theirs")]
    assert rows[0].replace(str(tmp_path / "ours"), "X") == rows[1].replace(
        str(tmp_path / "theirs"), "X"
    )


@pytest.mark.ffmpeg
def test_doctor(tinyvmaf):
    done = tinyvmaf("doctor", "--json")
    ours, theirs = to_json(tv.doctor()), json.loads(done.stdout)
    for record in (ours, theirs):
        # The space that is left changes.
        record["checks"] = [item for item in record["checks"] if item["name"] != "temporary files"]
    assert ours == theirs


def test_models(tinyvmaf, made):
    done = tinyvmaf("models", "list", "--json")
    assert json.loads(done.stdout) == to_json(tv.list_models())
    name = tv.list_models().models[0].name
    shown = json.loads(tinyvmaf("models", "show", name, "--json").stdout)
    assert shown == json.loads(json.dumps(to_json(tv.describe_model(name))))
    model = made / "ours" / "fold_S02" / "mlp_small_final.onnx"
    done = tinyvmaf("models", "verify", model, "--table", made / "table.parquet", "--json")
    found = tv.verify(model, table=made / "table.parquet")
    assert json.loads(done.stdout) == to_json(found.record)
    assert found.passed


def test_models_are_exported_and_found(tinyvmaf, made, tmp_path):
    name, table = "tinyvmaf_small_v1", made / "table.parquet"
    assert tinyvmaf("models", "path", name).stdout == f"{tv.model_path(name)}\n"
    words = ("models", "export", name, "--to", "libvmaf", "--distil", table)
    done = tinyvmaf(*words, "-o", tmp_path / "theirs")
    found = tv.export_model(name, tmp_path / "ours", to="libvmaf", distil_on=table)
    theirs = [tmp_path / "theirs" / path.name for path in found.files]
    assert done.stdout.splitlines() == list(map(str, theirs))
    assert str(found.distilled) in done.stderr.replace("\n", " ")
    assert [path.read_bytes() for path in theirs] == [path.read_bytes() for path in found.files]


def test_a_model_is_repaired(tinyvmaf, make_network, tmp_path):
    broken = tmp_path / "a.onnx"
    model = onnx.ModelProto.FromString(to_onnx(make_network(widths=(64, 32))))
    outside = {"save_as_external_data": True, "location": "old.data", "size_threshold": 1000}
    onnx.save_model(model, broken, **outside)
    (tmp_path / "old.data").rename(tmp_path / "a.onnx.data")
    tinyvmaf("models", "repair", broken, "-o", tmp_path / "theirs.onnx")
    plan = tv.repair_model(broken, output=tmp_path / "ours.onnx")
    assert len(plan.steps) == 1
    assert tv.repair_model(broken) == plan
    assert (tmp_path / "theirs.onnx").read_bytes() == (tmp_path / "ours.onnx").read_bytes()


def test_compact_table(tinyvmaf, made, tmp_path):
    table = tv.read_table(made / "table.parquet")
    write_parts([table.rows], table.info.record(), tmp_path / "parts")
    done = tinyvmaf("table", "compact", tmp_path / "parts", "-o", tmp_path / "theirs.parquet")
    found = tv.compact_table(tmp_path / "parts", output=tmp_path / "ours.parquet")
    assert f"{found.rows.height} frames of {found.n_clips} clips" in done.stdout
    assert found.sha256 == table.sha256
    files = [tmp_path / f"{name}.parquet" for name in ("ours", "theirs")]
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.ffmpeg
@pytest.mark.slow
def test_demo(tinyvmaf, tmp_path):
    digest = tv.demo(tmp_path, n_frames=4)
    ours = json.loads(digest.json.read_text())
    assert ours == json.loads(json.dumps(to_json(digest.record)))
    done = tinyvmaf("demo", "-o", tmp_path, "--frames", "4")
    assert done.stdout.splitlines()[-1].endswith(str(digest.html))
    assert plain(json.loads(digest.json.read_text())) == plain(ours)


def test_opinions(tinyvmaf, made):
    table = made / "table.parquet"
    names = dict.fromkeys(tv.read_table(table).clips["clip"])
    opinions = made / "opinions.csv"
    opinions.write_text("clip,mos\n" + "".join(f"{clip},{3 + n}\n" for n, clip in enumerate(names)))
    done = tinyvmaf("table", "join", table, opinions, "-o", made / "theirs.parquet", "--json")
    joined = tv.join_opinions(table, opinions, output=made / "theirs.parquet")
    assert json.loads(done.stdout) == to_json(joined.record)
    assert tv.read_table(made / "theirs.parquet").sha256 == joined.record.sha256


def test_read_logs(tinyvmaf, tmp_path):
    folder = tmp_path / "logs" / "a"
    folder.mkdir(parents=True)
    (folder / "one.json").write_text(json_3(columns()))
    table = tmp_path / "t.parquet"
    done = tinyvmaf("table", "import", tmp_path / "logs", "-o", table, "--json")
    assert json.loads(done.stdout) == to_json(tv.read_logs(tmp_path / "logs", output=table).record)


# What changes from run to run, or names the call.
CHANGING = ("fps", "seconds", "command", "ffmpeg_command")


def steady(record):
    """A record of scores without times and temporary folders."""
    if isinstance(record, dict):
        times = ("cpu_s", "times_cheaper_measured", *CHANGING)
        return {key: steady(value) for key, value in record.items() if key not in times}
    return [steady(each) for each in record] if isinstance(record, list) else record


@pytest.fixture(scope="module")
def encodes(moving, make_video, tmp_path_factory):
    """A reference and two encodes of it."""
    folder = tmp_path_factory.mktemp("encodes")
    reference = moving(folder / "reference.mkv", "-c:v", "ffv1", frames=30)
    made = [
        make_video(folder / f"crf{crf}.mp4", "-i", reference, "-c:v", "libx264", "-crf", crf)
        for crf in (24, 36)
    ]
    return reference, *made


@pytest.mark.ffmpeg
def test_score(tinyvmaf, encodes):
    done = tinyvmaf("score", *encodes[:2], "--exact-frames", 12, "--seed", 1, "--json")
    found = tv.score(reference=encodes[0], distorted=encodes[1], exact_frames=12, seed=1)
    assert steady(json.loads(done.stdout)) == steady(json.loads(json.dumps(found.record())))
    assert repr(found).startswith("<Score VMAF ")
    assert "<td>crf24.mp4</td>" in found._repr_html_()


@pytest.mark.ffmpeg
def test_score_ladder(tinyvmaf, encodes):
    done = tinyvmaf("score", *encodes, "--exact-frames", 12, "--seed", 1, "--json")
    ladder = tv.score_ladder(
        tv.encodes_of(encodes[0], encodes[1:]),
        scorer=tv.make_scorer(tv.choose_mode(exact_frames=12, seed=1)),
    )
    assert steady(json.loads(done.stdout)) == steady(json.loads(json.dumps(ladder.record())))
    assert repr(ladder) == "<Ladder 2 encodes of reference.mkv>"
    assert ladder._repr_html_().count("<tr>") == 3


@pytest.mark.ffmpeg
def test_score_many(tinyvmaf, encodes, tmp_path):
    batch = tmp_path / "pairs.csv"
    batch.write_text(f"reference,distorted\n{encodes[0]},{encodes[1]}\n")
    done = tinyvmaf("score", "--batch", batch, "--mode", "exact", "--json")
    (found,) = tv.score_many(batch, scorer=tv.make_scorer(tv.choose_mode("exact")))
    assert steady(json.loads(done.stdout)) == steady(json.loads(json.dumps(found.score.record())))


def test_tables_show_themselves_and_go_to_pandas(made):
    table = tv.read_table(made / "table.parquet")
    assert repr(table).startswith(f"<FeatureTable {table.rows.height} frames of ")
    assert table._repr_html_().count("<tr>") == 11
    pandas = table.to_pandas()
    assert list(pandas.columns) == table.rows.columns
    assert pandas["vmaf"].to_numpy() == pytest.approx(table.target)
    assert "<table>" in tv.read_run(made / "ours")._repr_html_()
