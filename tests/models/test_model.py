# SPDX-License-Identifier: Apache-2.0
import json
import os
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import polars as pl
import pytest
from onnx import helper, numpy_helper

from tinyvmaf.errors import CardError, HashMismatch, ModelError, SchemaError, UsageError
from tinyvmaf.libvmaf.sets import CANONICAL6
from tinyvmaf.models import runtime, zoo
from tinyvmaf.models.card import Golden
from tinyvmaf.models.model import find_model, load_model
from tinyvmaf.models.onnx_file import to_onnx
from tinyvmaf.provenance import sha256

ORDER = ", ".join(CANONICAL6)


@pytest.fixture
def foreign(tmp_path, network):
    """A model as other trainers write it: other names, [N, 1], weights transposed, no clip."""

    def make(name="foreign", **sidecar):
        graph = onnx.ModelProto.FromString(to_onnx(network)).graph
        arrays = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
        nodes = [
            helper.make_node("Gemm", ["input", "0.weight", "0.bias"], ["linear"], transB=1),
            helper.make_node("Relu", ["linear"], ["relu"]),
            helper.make_node("MatMul", ["relu", "2.weight"], ["product"]),
            helper.make_node("Add", ["product", "2.bias"], ["score"]),
        ]
        model = helper.make_model(
            helper.make_graph(
                nodes,
                "main_graph",
                [helper.make_tensor_value_info("input", 1, ["batch", 6])],
                [helper.make_tensor_value_info("score", 1, ["batch", 1])],
                [
                    numpy_helper.from_array(arrays["weight0"].T.copy(), "0.weight"),
                    numpy_helper.from_array(arrays["bias0"], "0.bias"),
                    numpy_helper.from_array(arrays["weight1"][:, :1].copy(), "2.weight"),
                    numpy_helper.from_array(arrays["bias1"][:1], "2.bias"),
                ],
            ),
            opset_imports=[helper.make_opsetid("", 17)],
        )
        path = tmp_path / f"{name}.onnx"
        path.write_bytes(model.SerializeToString())
        if sidecar:
            path.with_suffix(".json").write_text(json.dumps(sidecar))
        return path

    return make


def test_a_model_with_its_card_is_loaded(model_path, network, features, make_card):
    model = load_model(model_path)
    assert model.name == "some_model_v1"
    assert model.features == CANONICAL6
    assert model.sha256 == sha256(to_onnx(network))
    assert model.card == make_card()
    scores = model.predict(features)
    assert (scores.dtype, scores.shape) == (np.float32, (1000,))
    assert np.abs(scores - network.predict(features)).max() <= 1e-3


def test_rows_may_come_as_float32_or_in_another_memory_order(model_path, features):
    model = load_model(str(model_path))
    expected = model.predict(features)
    assert np.array_equal(model.predict(features.astype(np.float32)), expected)
    assert np.array_equal(model.predict(np.asfortranarray(features)), expected)
    assert model.predict(features[:0]).shape == (0,)


def test_a_data_frame_is_read_by_name_whatever_its_order(model_path, features):
    model = load_model(model_path)
    frame = pl.DataFrame({"clip": ["a"] * 1000}).with_columns(
        **{
            name: pl.Series(features[:, index])
            for index, name in reversed([*enumerate(CANONICAL6)])
        }
    )
    assert np.array_equal(model.predict(frame), model.predict(features))
    with pytest.raises(UsageError) as error:
        model.predict(frame.select("clip", *CANONICAL6[1:]))
    assert str(error.value) == (
        "some_model_v1 reads the column adm2, which is not there; found clip, vif_scale0, "
        "vif_scale1, vif_scale2, vif_scale3, motion2"
    )


def test_chunks_do_not_show_in_the_scores(model_path, features, monkeypatch):
    whole = load_model(model_path).predict(features)
    monkeypatch.setattr(runtime, "_CHUNK_ROWS", 7)
    assert np.abs(load_model(model_path).predict(features) - whole).max() < 1e-4


def test_a_wide_model_runs_fewer_rows_at_once(model_path, monkeypatch):
    model = load_model(model_path)
    assert model._runtime.chunk_rows == 65536
    monkeypatch.setattr(runtime, "_CHUNK_VALUES", 1000)
    assert model._runtime.chunk_rows == 10


@pytest.mark.parametrize(
    ("value", "shown"),
    [(np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf"), (1e300, "inf")],
)
def test_a_feature_that_is_not_finite_is_refused_with_its_place(
    model_path, features, value, shown, monkeypatch
):
    monkeypatch.setattr(runtime, "_CHUNK_ROWS", 100)
    rows = features.copy()
    rows[321, 5] = value
    with pytest.raises(SchemaError) as error:
        load_model(model_path).predict(rows)
    assert str(error.value) == (
        f"feature motion2 of row 321 is {shown}, expected a finite number; "
        "leave such rows out, or extract them again"
    )


def test_features_whose_sum_overflows_are_finite_all_the_same(model_path):
    rows = np.full((10_000, 6), 1e34, dtype=np.float32)
    with np.errstate(over="ignore"):
        assert np.isinf(rows.sum())
    assert np.isfinite(load_model(model_path).predict(rows)).all()


@pytest.mark.parametrize("shape", [(6,), (4, 5), (2, 6, 1)])
def test_rows_of_another_shape_are_refused(model_path, shape):
    with pytest.raises(UsageError) as error:
        load_model(model_path).predict(np.zeros(shape))
    assert str(error.value) == (
        f"some_model_v1 reads 6 features ({ORDER}), got an array of shape {shape}; "
        "one row a frame, one column a feature"
    )


def test_a_score_that_is_not_finite_is_refused(foreign):
    model = load_model(foreign(), features=CANONICAL6)
    rows = np.zeros((3, 6))
    rows[1] = 3e38
    with pytest.raises(ModelError) as error:
        model.predict(rows)
    assert str(error.value).startswith("foreign: the score of row 1 is ")
    assert str(error.value).endswith(
        "the model is broken, or the row is far from all that it was trained on"
    )


def test_a_foreign_model_is_read_with_its_order(foreign, features):
    model = load_model(foreign(), features=CANONICAL6)
    assert (model.name, model.features, model.card) == ("foreign", CANONICAL6, None)
    assert model.predict(features).shape == (1000,)


def test_a_foreign_model_without_its_order_is_refused_with_what_is_missing(foreign):
    path = foreign()
    with pytest.raises(ModelError) as error:
        load_model(path)
    assert str(error.value) == (
        f"{path}: the order of its 6 features is not known; give it with `features`, "
        "or put a card of schema tinyvmaf.card/1 beside it"
    )


def test_another_tools_record_gives_order_and_hash(foreign):
    path = foreign("v2", id="v2", kind="fr", features=CANONICAL6)
    assert load_model(path).features == CANONICAL6
    digest = sha256(path.read_bytes())
    assert load_model(foreign("v2", features=CANONICAL6, sha256=digest)).sha256 == digest
    with pytest.raises(HashMismatch):
        load_model(foreign("v2", features=CANONICAL6, sha256="0" * 64))


def test_another_tools_hash_is_that_of_the_file_alone(foreign):
    path = foreign("v1")
    model = onnx.load_model(path)
    onnx.save_model(
        model, path, save_as_external_data=True, location="v1.onnx.data", size_threshold=100
    )
    record = {"features": CANONICAL6, "sha256": sha256(path.read_bytes())}
    path.with_suffix(".json").write_text(json.dumps(record))
    assert load_model(path).sha256 == sha256(
        path.read_bytes() + path.with_name("v1.onnx.data").read_bytes()
    )


@pytest.mark.parametrize("names", ["adm2", [1, 2, 3, 4, 5, 6], None])
def test_a_record_that_names_no_features_gives_no_order(foreign, names):
    with pytest.raises(ModelError, match="the order of its 6 features is not known"):
        load_model(foreign("v2", features=names))


def test_orders_that_contradict_each_other_are_refused(model_path):
    with pytest.raises(ModelError) as error:
        load_model(model_path, features=CANONICAL6[::-1])
    message = str(error.value)
    assert message.startswith(f"{model_path}: the order of its features is contradictory: ")
    assert f"the caller: '{', '.join(CANONICAL6[::-1])}'; " in message
    assert f"some_model_v1.json: '{ORDER}'; " in message
    assert message.endswith(f"the file itself: '{ORDER}'")


@pytest.mark.parametrize("names", [CANONICAL6[:5], (*CANONICAL6[:5], "adm2")])
def test_an_order_of_the_wrong_length_is_refused(foreign, names):
    with pytest.raises(ModelError, match="reads 6 features, but 5 are named: 'adm2, vif_scale0"):
        load_model(foreign(), features=names)


def test_a_model_that_is_not_its_cards_is_refused(model_path, make_card, network):
    model_path.with_suffix(".json").write_text(make_card(sha256="f" * 64).to_json())
    with pytest.raises(HashMismatch) as error:
        load_model(model_path)
    assert str(error.value) == (
        f"{model_path}: its SHA-256 is {sha256(to_onnx(network))}, some_model_v1.json says "
        f"'{'f' * 64}'; the two files do not belong together, get both again"
    )


def test_golden_vectors_are_checked_at_load(model_path, make_card):
    card = make_card()
    off = [*card.golden.vmaf]
    off[4] += 0.0015
    golden = Golden(features=card.golden.features, vmaf=tuple(off))
    model_path.with_suffix(".json").write_text(replace(card, golden=golden).to_json())
    with pytest.raises(CardError) as error:
        load_model(model_path)
    assert str(error.value) == (
        "some_model_v1: golden vector 4 is off by 0.0015 VMAF, allowed is 0.001; "
        "the card or this ONNX Runtime is wrong"
    )


@pytest.mark.parametrize(
    "content", ["", "[]", "{", "NaN", "[" * 100_000, '{"schema": "tinyvmaf.x/1"}']
)
def test_a_malformed_card_is_refused(model_path, content):
    model_path.with_suffix(".json").write_text(content)
    with pytest.raises(CardError):
        load_model(model_path)


def test_a_shipped_model_is_found_by_name(model_path, monkeypatch):
    monkeypatch.setattr(zoo, "ZOO", model_path.parent)
    assert load_model("some_model_v1").name == "some_model_v1"
    assert zoo.names() == ("some_model_v1",)
    with pytest.raises(UsageError) as error:
        load_model("some_modle_v1")
    assert str(error.value) == (
        "some_modle_v1: no such model file and no shipped model; did you mean some_model_v1?"
    )
    with pytest.raises(UsageError, match="no shipped model; shipped: some_model_v1"):
        load_model("zzz")


def test_a_file_in_the_working_folder_does_not_shadow_a_shipped_model(
    model_path, tmp_path, monkeypatch
):
    monkeypatch.setattr(zoo, "ZOO", model_path.parent)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    Path("some_model_v1").write_text("not a model")
    assert find_model("some_model_v1") == model_path
    assert find_model("./some_model_v1.onnx") == Path("some_model_v1.onnx")


def test_many_rows_are_scored_in_little_memory(model_path):
    model = load_model(model_path)
    rows = np.tile(np.linspace(0, 1, 6), (1_000_000, 1))
    tracemalloc.start()
    try:
        scores = model.predict(rows)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Beside the scores a few chunks of 65536 rows of float32, but no copy of the 48 MB of rows.
    assert peak < scores.nbytes + 8_000_000


def test_importing_the_floor_loads_no_heavy_library():
    code = (
        "import sys; import tinyvmaf.models.model, tinyvmaf.models.card, tinyvmaf.models.verify, "
        "tinyvmaf.models.repair, tinyvmaf.models.onnx_file, tinyvmaf.cli.models_command; "
        "heavy = {'onnx', 'onnxruntime', 'jax', 'polars', 'scipy', 'jsonschema', 'sklearn'}; "
        "print(sorted(heavy & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_scoring_leaves_nothing_in_the_home(tmp_path):
    """ONNX Runtime from version 1.29 on sends data on usage unless it is told not to."""
    program = (
        "import numpy as np, tinyvmaf as tv\ntv.load('tinyvmaf_small_v1').predict(np.ones((1, 6)))"
    )
    environment = {"HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    assert list(tmp_path.rglob("*")) == []
