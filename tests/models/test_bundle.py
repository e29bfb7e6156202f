# SPDX-License-Identifier: Apache-2.0
"""What other programs get: the model, its card, golden vectors, the licence."""

import csv
import json
import re

import numpy as np
import onnx
import pytest

import tinyvmaf as tv
from tinyvmaf.errors import ModelError, UsageError
from tinyvmaf.libvmaf.sets import CANONICAL6
from tinyvmaf.models.bundle import export_bundle
from tinyvmaf.models.network import Network
from tinyvmaf.models.onnx_file import to_onnx
from tinyvmaf.models.support_vectors import SupportVectors

FULL_SIZE = ("tinyvmaf_medium_v1", "tinyvmaf_small_v1")


def golden(folder, name):
    with (folder / f"{name}.golden.csv").open() as file:
        rows = list(csv.reader(file))
    return rows[0], np.array(rows[1:], dtype=float)


@pytest.mark.parametrize("name", FULL_SIZE)
def test_a_folder_for_any_program(tmp_path, request, name):
    model = tv.load(name)
    paths = export_bundle(model, tmp_path / "out")
    names = [f"{name}.onnx", f"{name}.json", f"{name}.golden.csv", "LICENSE"]
    assert [path.name for path in paths] == names
    again = tv.load(tmp_path / "out" / f"{name}.onnx")
    assert (again.sha256, again.card) == (model.sha256, model.card)
    head, rows = golden(tmp_path / "out", name)
    assert head == [*CANONICAL6, "vmaf"]
    assert again.predict(rows[:, :-1]) == pytest.approx(rows[:, -1], abs=1e-3)
    licence = (tmp_path / "out" / "LICENSE").read_text()
    assert licence == (request.config.rootpath / "LICENSE").read_text()


def test_a_model_without_a_card(tmp_path, network):
    path = tmp_path / "m.onnx"
    path.write_bytes(to_onnx(network))
    assert [p.name for p in export_bundle(tv.load(path), tmp_path / "out")] == ["m.onnx"]


def test_weights_in_another_file(tmp_path, model_path):
    loaded = onnx.load(model_path)
    for tensor in loaded.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            onnx.external_data_helper.set_external_data(tensor, location="w")
    onnx.save_model(loaded, tmp_path / "m.onnx")
    with pytest.raises(ModelError, match=r"its weights lie in another file; make one file of it"):
        export_bundle(tv.load(tmp_path / "m.onnx"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_network_is_nothing_for_libvmaf(tmp_path):
    with pytest.raises(
        UsageError, match=r"is not a support-vector regression, the only kind of mod"
    ):
        export_bundle(tv.load("tinyvmaf_small_v1"), tmp_path, to="libvmaf")


def test_a_model_for_libvmaf(tmp_path):
    machine = SupportVectors(
        features=CANONICAL6,
        shift=np.full(6, 0.5, np.float32),
        scale=np.full(6, 2.0, np.float32),
        vectors=np.eye(2, 6, dtype=np.float32),
        weights=np.array([1.5, -0.5], np.float32),
        bias=0.25,
        gamma=0.5,
        target_shift=60.0,
        target_scale=20.0,
    )
    model = tv.load("tinyvmaf_small_v1")
    path = export_bundle(model, tmp_path, to="libvmaf", machine=machine)[0]
    assert path.name == "tinyvmaf_small_v1.libvmaf.json"
    record = json.loads(path.read_text())["model_dict"]
    assert record["feature_names"][0] == "VMAF_integer_feature_adm2_score"
    assert record["slopes"] == [0.05, *[0.5] * 6]
    assert record["intercepts"] == [-3.0, *[-0.25] * 6]
    assert record["model"].splitlines() == [
        *("svm_type nu_svr", "kernel_type rbf", "gamma 0.5", "nr_class 2", "total_sv 2"),
        *("rho -0.25", "SV", "1.5 1:1.0 2:0.0 3:0.0 4:0.0 5:0.0 6:0.0 "),
        "-0.5 1:0.0 2:1.0 3:0.0 4:0.0 5:0.0 6:0.0 ",
    ]
    # The golden vectors are those of what was written, not of the network.
    _, rows = golden(tmp_path, "tinyvmaf_small_v1")
    assert rows[:, -1] == pytest.approx(machine.predict(rows[:, :-1]))


def first(text, key):
    """What VMAFx' loader finds: the value behind the first `"key"` in the text, nesting unknown."""
    match = re.search(rf'"{key}"\s*:\s*(\[[^\]]*\]|"[^"]*"|[^,}}\s]+)', text)
    return None if match is None else json.loads(match[1])


@pytest.mark.parametrize("name", FULL_SIZE)
def test_vmafx_finds_its_keys_and_computes_the_golden_vectors(tmp_path, name):
    import onnxruntime

    onnx_path, json_path, *_ = export_bundle(tv.load(name), tmp_path, to="vmafx")
    assert onnx_path.read_bytes() == tv.load(name).path.read_bytes()
    assert onnx_path.stat().st_size <= 50 * 2**20
    assert json_path.stat().st_size <= 2**20
    text = json_path.read_text()
    assert first(text, "kind") == "fr"
    assert first(text, "name") == name
    assert first(text, "quant_mode") == "fp32"
    order = first(text, "feature_order") or first(text, "features")
    mean = first(text, "feature_mean") or first(text, "input_mean")
    has_scaler = first(text, "onnx_has_scaler")
    assert (mean, has_scaler) == (None, True)
    session = onnxruntime.InferenceSession(onnx_path)
    assert session.get_modelmeta().custom_metadata_map["tinyvmaf.features"] == ",".join(order)
    assert first(text, "onnx_opset") == 17
    head, rows = golden(tmp_path, name)
    fed = rows[:, [head.index(feature) for feature in order]].astype(np.float32)
    source, result = first(text, "input_name"), first(text, "output_name")
    # A frame at a time, as there.
    scores = [session.run([result], {source: fed[n : n + 1]})[0][0] for n in range(len(fed))]
    assert np.abs(np.array(scores) - rows[:, -1]).max() < 1e-3
    assert len(set(scores)) > 5
    # What lies there is still a model of ours, with its order and hash.
    assert tv.load(onnx_path).features == CANONICAL6


def test_reduced_models_are_nothing_for_vmafx(tmp_path):
    with pytest.raises(UsageError, match=r"^VMAFx does not make half_adm2, "):
        export_bundle(tv.load("tinyvmaf_half_v1"), tmp_path, to="vmafx")


def test_networks_are_written_as_ever(network):
    assert isinstance(network, Network)
    assert b"dense2" in to_onnx(network)
