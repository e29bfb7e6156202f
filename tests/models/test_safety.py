# SPDX-License-Identifier: Apache-2.0
import hashlib

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from tinyvmaf.errors import ModelError, UsageError
from tinyvmaf.libvmaf.sets import CANONICAL6
from tinyvmaf.models.model import load_model
from tinyvmaf.models.onnx_file import to_onnx
from tinyvmaf.models.safety import check_bytes, check_file


def test_our_own_export_passes_and_computes_the_same(tmp_path, network, features):
    path = tmp_path / "good.onnx"
    path.write_bytes(to_onnx(network))
    checked = check_file(path)
    assert checked.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (checked.input, checked.output, checked.n_features) == ("features", "vmaf", 6)
    # 6 in, 6 shifted, 6 scaled; 16 and 8 three times (Gemm, Sigmoid, Mul); Gemm to Clip one each.
    assert checked.n_values == 3 * 6 + 3 * 16 + 3 * 8 + 5
    difference = load_model(path).predict(features) - network.predict(features)
    assert np.abs(difference).max() <= 1e-3


def test_what_runs_holds_nothing_but_what_was_checked(tmp_path, network):
    model = onnx.ModelProto.FromString(to_onnx(network))
    model.doc_string = "SECRET"
    model.graph.doc_string = "SECRET"
    model.graph.node[0].doc_string = "SECRET"
    model.metadata_props.add(key="ort_config", value="SECRET")
    model.graph.value_info.add(name="SECRET")
    unknown = b"\xfa\x3f\x06SECRET"  # field 1023, which no version of ONNX knows
    checked = check_bytes(model.SerializeToString() + unknown, folder=tmp_path, origin="x")
    assert b"SECRET" not in checked.data


def test_bytes_that_look_like_the_runtimes_own_format_are_read_as_onnx(tmp_path, network, features):
    model = onnx.ModelProto.FromString(to_onnx(network))
    model.producer_name = "ORTM: with these letters at byte 4 a file is taken for another format"
    data = model.SerializeToString()
    assert data[4:8] == b"ORTM"
    path = tmp_path / "disguised.onnx"
    path.write_bytes(data)
    assert load_model(path).predict(features[:3]).tolist() == pytest.approx(
        network.predict(features[:3]).tolist()
    )


def test_external_data_beside_the_model_is_read_and_hashed(tmp_path, network, features):
    model = onnx.ModelProto.FromString(to_onnx(network))
    plain, beside = tmp_path / "plain.onnx", tmp_path / "beside.onnx"
    plain.write_bytes(to_onnx(network))
    onnx.save_model(
        model, beside, save_as_external_data=True, location="beside.data", size_threshold=100
    )
    first = load_model(beside)
    assert np.array_equal(first.predict(features), load_model(plain).predict(features))
    data = bytearray((tmp_path / "beside.data").read_bytes())
    data[2] ^= 1
    (tmp_path / "beside.data").write_bytes(data)
    assert load_model(beside).sha256 != first.sha256


def test_data_in_a_folder_below_may_be_linked_inside_the_models_folder(tmp_path, network):
    (tmp_path / "data").mkdir()
    array = numpy_helper.to_array(onnx.ModelProto.FromString(to_onnx(network)).graph.initializer[2])
    (tmp_path / "data" / "real.bin").write_bytes(array.tobytes())
    (tmp_path / "data" / "link.bin").symlink_to("real.bin")
    model = onnx.ModelProto.FromString(to_onnx(network))
    tensor = model.graph.initializer[2]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="data/link.bin")
    path = tmp_path / "good.onnx"
    path.write_bytes(model.SerializeToString())
    assert check_file(path).n_features == 6


def test_a_file_that_lists_its_weights_as_inputs_is_read(tmp_path, network, features):
    model = onnx.ModelProto.FromString(to_onnx(network))
    for tensor in model.graph.initializer:
        model.graph.input.append(
            helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
        )
    path = tmp_path / "old.onnx"
    path.write_bytes(model.SerializeToString())
    assert load_model(path).predict(features).shape == (1000,)


def test_weights_may_be_stored_as_a_list_of_floats(tmp_path, network, features):
    model = onnx.ModelProto.FromString(to_onnx(network))
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            values = numpy_helper.to_array(tensor)
            tensor.CopyFrom(
                helper.make_tensor(tensor.name, TensorProto.FLOAT, values.shape, values.ravel())
            )
    path = tmp_path / "listed.onnx"
    path.write_bytes(model.SerializeToString())
    wrong = load_model(path).predict(features) - network.predict(features)
    assert np.abs(wrong).max() <= 1e-3


@pytest.mark.parametrize("name", ["missing.onnx", "."])
def test_what_is_no_file_is_a_wrong_call(tmp_path, name):
    with pytest.raises(UsageError) as error:
        check_file(tmp_path / name)
    assert str(error.value) == (
        f"{tmp_path / name}: no such model file; `tinyvmaf models list` names what is shipped"
    )


def one_line_or_scores(path, features):
    """Load and run: finite scores for every row, or a `ModelError` of one line; nothing else."""
    try:
        scores = load_model(path, features=CANONICAL6).predict(features)
    except ModelError as error:
        message = str(error)
        assert message.isprintable()
        assert len(message) < 1000
    else:
        assert scores.shape == (len(features),)
        assert np.isfinite(scores).all()


edits = st.lists(
    st.tuples(
        st.sampled_from(["replace", "insert", "remove", "copy"]),
        st.floats(0, 1, exclude_max=True),
        st.binary(min_size=1, max_size=12),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(edits=edits, keep=st.floats(0.9, 1))
def test_mutated_bytes_never_crash_the_loader(tmp_path, network, features, edits, keep):
    data = bytearray(to_onnx(network))
    for kind, place, content in edits:
        start = int(place * len(data))
        end = start + len(content)
        if kind == "replace":
            data[start:end] = content
        elif kind == "insert":
            data[start:start] = content
        elif kind == "remove":
            del data[start:end]
        else:
            data[start:start] = data[start : start + 20 * len(content)]
    path = tmp_path / "mutant.onnx"
    path.write_bytes(data[: int(keep * len(data)) + 1])
    one_line_or_scores(path, features[:5])


names = st.sampled_from(["features", "a", "b", "c", "w", "v", "axes", "column", "vmaf", ""])
nodes = st.builds(
    lambda kind, read, made, given: helper.make_node(kind, read, [made], **given),
    st.sampled_from(
        ["Add", "Clip", "Gemm", "MatMul", "Mul", "Relu", "Squeeze", "Div", "If", "Gelu"]
    ),
    st.lists(names, min_size=1, max_size=3),
    st.sampled_from(["a", "b", "c", "vmaf"]),
    st.dictionaries(
        st.sampled_from(["transA", "transB", "alpha", "axis"]),
        st.one_of(st.integers(-2, 2), st.floats(width=32), st.text(max_size=3)),
        max_size=2,
    ),
)
weights = st.builds(
    lambda name, dims, content: TensorProto(
        name=name, dims=dims, data_type=TensorProto.FLOAT, raw_data=content
    ),
    st.sampled_from(["w", "v"]),
    st.lists(st.integers(0, 9), max_size=3),
    st.binary(max_size=400),
)
graphs = st.builds(
    lambda nodes, weights, rank: helper.make_graph(
        nodes,
        "any",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", 6])],
        [helper.make_tensor_value_info("vmaf", TensorProto.FLOAT, ["N", 1, 1][:rank])],
        [
            *weights,
            numpy_helper.from_array(np.array([1]), "axes"),
            numpy_helper.from_array(np.ones((6, 1), np.float32), "column"),
        ],
    ),
    st.lists(nodes, min_size=1, max_size=6),
    st.lists(weights, max_size=2),
    st.integers(0, 3),
)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(graph=graphs)
def test_any_graph_of_known_words_is_refused_or_runs(tmp_path, features, graph):
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    path = tmp_path / "any.onnx"
    path.write_bytes(model.SerializeToString())
    one_line_or_scores(path, features[:5])
