# SPDX-License-Identifier: Apache-2.0
import json

import onnx
import polars as pl
import pytest
from typer.testing import CliRunner

from tinyvmaf.cli.models_command import app
from tinyvmaf.errors import ModelError, UsageError
from tinyvmaf.features.table import TableInfo, make_table, write_table
from tinyvmaf.libvmaf.sets import CANONICAL6
from tinyvmaf.models import zoo
from tinyvmaf.models.model import load_model


@pytest.fixture
def run(model_path, monkeypatch):
    """Run a verb while `some_model_v1` is the only shipped model; stdout, parsed if it is JSON."""
    monkeypatch.setattr(zoo, "ZOO", model_path.parent)

    def run(*arguments, status=0):
        done = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if isinstance(done.exception, Exception):
            raise done.exception
        assert done.exit_code == status
        return json.loads(done.stdout) if "--json" in arguments else done.stdout

    return run


def test_list_names_the_shipped_models(run):
    lines = run("list").splitlines()
    assert lines[0].split() == [
        *("model", "arch", "parameters", "LOSO", "RMSE", "teacher", "sources", "sha256", "path")
    ]
    assert lines[1].split()[:6] == [
        "some_model_v1",
        "mlp_small",
        "257",
        "1.500",
        "vmaf_v0.6.1",
        "2",
    ]
    record = run("list", "--json")
    assert record["schema"] == "tinyvmaf.models/1"
    assert [(model["name"], model["loso_rmse"]) for model in record["models"]] == [
        ("some_model_v1", 1.5)
    ]


def test_show_says_what_is_known(run, network):
    text = run("show", "some_model_v1")
    assert (
        "error, unseen     RMSE 1.500 ± 0.250 over 2 held-out sources, worst 1.750 (Café)" in text
    )
    assert "error, training   RMSE 0.500 (in-sample)" in text
    assert "trained on        2 sources: Bird, Café" in text
    for name in CANONICAL6:
        assert f"\n  {name}" in text
    record = run("show", "some_model_v1", "--json")
    assert record["card"]["n_params"] == network.n_params
    assert record["features"] == list(CANONICAL6)


def test_show_of_a_model_without_a_card_says_so(run, model_path):
    model_path.with_suffix(".json").unlink()
    text = run("show", model_path)
    assert "card              none: its training and its error are unknown" in text
    assert run("show", model_path, "--json")["card"] is None
    with pytest.raises(ModelError, match="contradictory"):
        run("show", model_path, "--features", ",".join(CANONICAL6[::-1]))


def test_verify_passes_a_sound_model_and_fails_a_changed_one(run, model_path, network, features):
    frame = pl.DataFrame(
        {
            "source": ["Owl"] * 5,
            "clip": ["a"] * 5,
            "frame": range(5),
            **{name: features[:5, index] for index, name in enumerate(CANONICAL6)},
            "vmaf": network.predict(features[:5]).astype(float),
        }
    )
    table = model_path.parent / "table.parquet"
    write_table(make_table(frame, TableInfo(teacher="vmaf_v0.6.1")), table)
    lines = run("verify", "some_model_v1", "--table", table).splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["ok", name] for name in ("file", "card", "hash", "order", "golden", "table")
    ]
    record = run("verify", "some_model_v1", "--table", table, "--json")
    assert (record["passed"], record["error"]["n_frames"]) == (True, 5)
    model_path.write_bytes(model_path.read_bytes().replace(b"tinyvmaf:", b"tinyvmag:"))
    assert "FAILED  hash    " in run("verify", "some_model_v1", status=1)
    assert run("verify", "some_model_v1", "--json", status=1)["passed"] is False


def test_repair_looks_first_and_writes_when_told_where(run, model_path, tmp_path):
    broken = tmp_path / "broken.onnx"
    onnx.save_model(
        onnx.load_model(model_path),
        broken,
        save_as_external_data=True,
        location="old.data",
        size_threshold=100,
    )
    (tmp_path / "old.data").rename(tmp_path / "broken.onnx.data")
    before = broken.read_bytes()
    assert run("repair", broken) == ""
    output = tmp_path / "mended.onnx"
    assert run("repair", broken, "-o", output) == f"{output}\n"
    assert broken.read_bytes() == before
    assert load_model(output).features == CANONICAL6


def test_an_unknown_model_is_a_wrong_call(run):
    with pytest.raises(UsageError, match="did you mean some_model_v1"):
        run("show", "some_model")


def test_path_and_export(run, model_path, tmp_path):
    assert run("path", "some_model_v1") == f"{model_path}\n"
    assert str(model_path) in run("show", "some_model_v1")
    assert run("list", "--json")["models"][0]["path"] == str(model_path)
    out = tmp_path / "out"
    written = run("export", "some_model_v1", "-o", out).splitlines()
    assert written == [
        str(out / name)
        for name in (
            "some_model_v1.onnx",
            "some_model_v1.json",
            "some_model_v1.golden.csv",
            "LICENSE",
        )
    ]
    assert load_model(out / "some_model_v1.onnx").card == load_model(model_path).card
    with pytest.raises(UsageError, match="`to='tflite'`: expected one of onnx, libvmaf, vmafx"):
        run("export", "some_model_v1", "-o", out, "--to", "tflite")
    with pytest.raises(UsageError, match="`distil_on` is for `to='libvmaf'`"):
        run("export", "some_model_v1", "-o", out, "--distil", "sample")
