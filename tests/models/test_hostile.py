# SPDX-License-Identifier: Apache-2.0
"""Files that a stranger could send: each is refused with one line before anything runs it."""

import os
import time
from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import AttributeProto, TensorProto, helper, numpy_helper

from tinyvmaf.errors import ModelError, UnsafeModelError
from tinyvmaf.libvmaf.sets import CANONICAL6
from tinyvmaf.models.model import load_model
from tinyvmaf.models.onnx_file import to_onnx

ROWS = "the score of a row must depend on that row alone"
ALLOWED = "allowed are Add, Clip, Div, Exp, Gemm, MatMul, Mul, Relu, Sigmoid, Squeeze, Sub, Tanh"
HOSTILE: list[tuple[Callable, type[ModelError], str]] = []


def hostile(message: str, kind: type[ModelError] = UnsafeModelError):
    """Register a change that makes a good model bad, and the whole message that it must meet."""

    def register(change):
        HOSTILE.append((change, kind, message))
        return change

    return register


def weight(model, name):
    return next(tensor for tensor in model.graph.initializer if tensor.name == name)


def make_external(model, location, **entries):
    """Move `weight0` out of the file, to wherever the caller wants it."""
    tensor = weight(model, "weight0")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **entries}.items():
        tensor.external_data.add(key=key, value=str(value))


def insert(model, node):
    """Put a node in front of the last one, which then reads what the node makes."""
    model.graph.node.insert(len(model.graph.node) - 1, node)
    model.graph.node[-1].input[0] = node.output[0]


# Numbers of message fields in ONNX's protobuf schema.
GRAPH, NODE, ATTRIBUTE, ATTRIBUTE_GRAPH = 7, 1, 5, 6


def delimited(field, data):
    """A protobuf field that holds `data`."""
    size, length = len(data), []
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([field << 3 | 2, *length, size]) + data


# External data


@hostile("its external data is '../outside.bin'; a model may only name files beside it")
def parent_folder(model, folder):
    (folder.parent / "outside.bin").write_bytes(bytes(384))
    make_external(model, "../outside.bin")


@hostile("its external data is 'sub/../../outside.bin'; a model may only name files beside it")
def parent_folder_behind_a_folder(model, folder):
    (folder / "sub").mkdir()
    (folder.parent / "outside.bin").write_bytes(bytes(384))
    make_external(model, "sub/../../outside.bin")


@hostile("its external data is '..\\\\outside.bin'; a model may only name files beside it")
def parent_folder_as_windows_writes_it(model, folder):
    make_external(model, "..\\outside.bin")


@hostile("its external data is '/etc/passwd'; a model may only name files beside it")
def absolute_path(model, folder):
    make_external(model, "/etc/passwd")


@hostile("its external data is 'C:\\\\secret.bin'; a model may only name files beside it")
def absolute_path_with_a_drive(model, folder):
    make_external(model, "C:\\secret.bin")


@hostile("its external data is 'weights\\x00.bin'; a model may only name files beside it")
def zero_byte_in_the_path(model, folder):
    make_external(model, "weights\0.bin")


@hostile(
    "its external data 'link.bin' is a link out of the model's folder; "
    "copy the file there if you trust it"
)
def link_out_of_the_folder(model, folder):
    (folder.parent / "secret.bin").write_bytes(bytes(384))
    (folder / "link.bin").symlink_to(folder.parent / "secret.bin")
    make_external(model, "link.bin")


@hostile(
    "its external data 'sub/secret.bin' is a link out of the model's folder; "
    "copy the file there if you trust it"
)
def linked_folder(model, folder):
    (folder.parent / "elsewhere").mkdir()
    (folder.parent / "elsewhere" / "secret.bin").write_bytes(bytes(384))
    (folder / "sub").symlink_to(folder.parent / "elsewhere")
    make_external(model, "sub/secret.bin")


@hostile("its external data 'pipe' is not a regular file")
def pipe_that_never_ends(model, folder):
    os.mkfifo(folder / "pipe")
    make_external(model, "pipe")


@hostile("its external data '.' is not a regular file")
def folder_as_data(model, folder):
    make_external(model, ".")


@hostile("'weight0' is external but names no file; export the model again")
def no_location(model, folder):
    make_external(model, "")


@hostile(
    "its external data 'missing.bin' cannot be read: No such file or directory; "
    "if the file was renamed, `tinyvmaf models repair` finds it",
    ModelError,
)
def missing_data(model, folder):
    make_external(model, "missing.bin")


@hostile(
    "its external data 'loop' cannot be read: Too many levels of symbolic links; "
    "if the file was renamed, `tinyvmaf models repair` finds it",
    ModelError,
)
def link_to_itself(model, folder):
    (folder / "loop").symlink_to("loop")
    make_external(model, "loop")


@hostile(
    "its external data 'weights.bin' has 384 bytes, the model needs 1384; "
    "the file is truncated or another model's",
    ModelError,
)
def offset_beyond_the_end(model, folder):
    (folder / "weights.bin").write_bytes(bytes(384))
    make_external(model, "weights.bin", offset=1000)


@hostile("the offset of 'weight0' is '-4', expected a whole number of bytes")
def negative_offset(model, folder):
    (folder / "weights.bin").write_bytes(bytes(384))
    make_external(model, "weights.bin", offset=-4)


@hostile(
    "'weight0' names 99999999999999 bytes of external data, its shape [6, 16] needs 384; "
    "export the model again"
)
def huge_length(model, folder):
    (folder / "weights.bin").write_bytes(bytes(384))
    make_external(model, "weights.bin", length=99999999999999)


@hostile(
    "the length of 'weight0' is "
    "'999999999999999999999999999999999999999999999999999999999999...', "
    "expected a whole number of bytes"
)
def length_that_is_slow_to_read(model, folder):
    make_external(model, "weights.bin", length="9" * 100_000)


@hostile("the weight 'last_axis' is external data and not float32")
def external_axes(model, folder):
    tensor = weight(model, "last_axis")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="axes.bin")


# Sizes


@hostile(
    "the weight 'weight0' has the shape '[1099511627776, 1099511627776]', "
    "expected at most 2 sizes from 1 to 4096"
)
def huge_dimensions(model, folder):
    weight(model, "weight0").dims[:] = [2**40, 2**40]


@hostile("the weight 'weight0' has the shape '[-6, -16]', expected at most 2 sizes from 1 to 4096")
def negative_dimensions(model, folder):
    weight(model, "weight0").dims[:] = [-6, -16]


@hostile("the weight 'weight0' has the shape '[0, 16]', expected at most 2 sizes from 1 to 4096")
def empty_weight(model, folder):
    weight(model, "weight0").dims[:] = [0, 16]


@hostile("the weight 'scale' has the shape '[2, 2, 2, 2]', expected at most 2 sizes from 1 to 4096")
def weight_of_many_dimensions(model, folder):
    weight(model, "scale").dims[:] = [2] * 1000


@hostile("it has 16777394 weights, at most 524288 are allowed; tiny models have a few thousand")
def more_weights_than_bytes(model, folder):
    (folder / "weights.bin").write_bytes(b"")
    make_external(model, "weights.bin")
    weight(model, "weight0").dims[:] = [4096, 4096]


@hostile("it has 1025 weight tensors, at most 1024 are allowed")
def too_many_tensors(model, folder):
    for number in range(1025 - len(model.graph.initializer)):
        array = np.zeros(1, np.float32)
        model.graph.initializer.append(numpy_helper.from_array(array, f"w{number}"))


@hostile("it has 313 nodes, at most 256 are allowed; tiny models have ten")
def too_many_nodes(model, folder):
    for number in range(300):
        insert(model, helper.make_node("Relu", [model.graph.node[-1].input[0]], [f"r{number}"]))


@hostile("larger than 4194304 bytes; a tiny model has a few thousand")
def too_large_a_file(model, folder):
    model.doc_string = "x" * 2**22


@hostile("it has more than 100000 parts; a tiny model has a few hundred")
def two_million_empty_nodes(model, folder):
    # 2 bytes a node: the most objects that a file of the largest size can become.
    return delimited(GRAPH, delimited(NODE, b"") * (2**21 - 8))


@hostile(f"a tensor inside is not [N, width] with a width of at most 4096; {ROWS}")
def memory_of_n_squared(model, folder):
    # [N] + [N, 1] is [N, N]: 16 GB for a batch of 64 k rows.
    model.graph.node.append(helper.make_node("Add", ["points", "dense2"], ["square"]))


@hostile(f"its Gemm multiplies by something that is not a weight; {ROWS}")
def product_of_rows_with_rows(model, folder):
    insert(model, helper.make_node("Gemm", ["hidden1", "hidden1"], ["square"], transB=1))


@hostile(f"its Gemm transposes its rows; {ROWS}")
def product_over_the_rows(model, folder):
    node = next(node for node in model.graph.node if node.op_type == "Gemm")
    node.attribute.append(helper.make_attribute("transA", 1))


@hostile(f"its MatMul multiplies by something that is not a weight; {ROWS}")
def sum_over_the_rows(model, folder):
    insert(model, helper.make_node("MatMul", ["hidden1", "hidden1"], ["square"]))


# Code


@hostile("it imports operators of the domain 'com.example'; only ONNX's own are allowed")
def custom_domain(model, folder):
    model.opset_import.append(helper.make_opsetid("com.example", 1))
    insert(model, helper.make_node("Run", ["points"], ["out"], domain="com.example"))


@hostile(f"it uses the operator 'com.microsoft.Gelu'; {ALLOWED}")
def domain_that_is_not_imported(model, folder):
    insert(model, helper.make_node("Gelu", ["points"], ["out"], domain="com.microsoft"))


@hostile(f"it uses the operator 'EyeLike'; {ALLOWED}")
def operator_that_is_not_needed(model, folder):
    insert(model, helper.make_node("EyeLike", ["points"], ["out"]))


@hostile(f"it uses the operator 'If'; {ALLOWED}")
def branch(model, folder):
    inner = helper.make_graph([], "inner", [], [])
    insert(model, helper.make_node("If", ["points"], ["o"], then_branch=inner, else_branch=inner))


@hostile(f"it uses the operator 'Loop'; {ALLOWED}")
def loop_without_end(model, folder):
    inner = helper.make_graph([], "inner", [], [])
    insert(model, helper.make_node("Loop", ["", "", "points"], ["o"], body=inner))


@hostile("its Relu has the attribute 'body'; that is not allowed")
def graph_in_an_attribute(model, folder):
    inner = helper.make_graph([], "inner", [], [])
    insert(model, helper.make_node("Relu", ["points"], ["o"], body=inner))


@hostile("the file has functions; a dense network needs none")
def function(model, folder):
    model.functions.append(
        helper.make_function(
            "", "Relu", ["x"], ["y"], [helper.make_node("Exp", ["x"], ["y"])], model.opset_import
        )
    )


@hostile("the file has training_info; a dense network needs none")
def training(model, folder):
    model.training_info.add().initialization.name = "starts with code"


@hostile(f"it uses the operator 'Constant'; {ALLOWED}")
def constant_with_external_data(model, folder):
    tensor = TensorProto(name="t", dims=[1], data_type=TensorProto.FLOAT)
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    model.graph.node.insert(0, helper.make_node("Constant", [], ["constant"], value=tensor))


@hostile("its Gemm has the attribute 'alpha'; that is not allowed")
def reference_in_an_attribute(model, folder):
    node = next(node for node in model.graph.node if node.op_type == "Gemm")
    node.attribute.add(name="alpha", ref_attr_name="x", type=AttributeProto.FLOAT)


@hostile("the attribute alpha of its Gemm is not finite")
def attribute_that_is_not_finite(model, folder):
    node = next(node for node in model.graph.node if node.op_type == "Gemm")
    node.attribute.append(helper.make_attribute("alpha", float("nan")))


@hostile(
    "it uses the operator "
    "'Relu\\n\\x1b[2J refused? no: all is well ............................'; " + ALLOWED
)
def message_that_takes_over_the_terminal(model, folder):
    model.graph.node[0].op_type = "Relu\n\x1b[2J refused? no: all is well " + "." * 1000


# Weights


@hostile("the weight 'weight1' holds NaN or infinite values; train it again")
def nan_weight(model, folder):
    array = np.array(numpy_helper.to_array(weight(model, "weight1")))
    array[3, 4] = np.nan
    weight(model, "weight1").CopyFrom(numpy_helper.from_array(array, "weight1"))


@hostile("the weight 'bias2' holds NaN or infinite values; train it again")
def infinite_weight(model, folder):
    weight(model, "bias2").raw_data = np.array([np.inf], np.float32).tobytes()


@hostile("the weight 'weight0' holds NaN or infinite values; train it again")
def nan_in_external_data(model, folder):
    (folder / "weights.bin").write_bytes(np.full(96, np.nan, np.float32).tobytes())
    make_external(model, "weights.bin")


@hostile("the weight 'bias0' has element type 8, expected 1 (float32)")
def string_weight(model, folder):
    tensor = helper.make_tensor("bias0", TensorProto.STRING, [16], [b"x"] * 16)
    weight(model, "bias0").CopyFrom(tensor)


@hostile("its graph has sparse_initializer; a dense network needs none")
def sparse_weight(model, folder):
    model.graph.sparse_initializer.add().dims[:] = [2**40]


@hostile("its graph has quantization_annotation; a dense network needs none")
def quantisation(model, folder):
    model.graph.quantization_annotation.add().tensor_name = "weight0"


@hostile("the weight 'weight0' is stored in segments, expected one piece")
def segmented_weight(model, folder):
    weight(model, "weight0").segment.begin = 0


@hostile(
    "the weight 'weight0' does not hold the values that its shape [6, 16] needs; "
    "the file is damaged, get it again",
    ModelError,
)
def too_few_bytes(model, folder):
    weight(model, "weight0").raw_data = bytes(8)


@hostile("a weight's name 'bias0' is empty or taken; export the model again", ModelError)
def weight_twice(model, folder):
    model.graph.initializer.append(weight(model, "bias0"))


# The graph's outside and order


@hostile(
    "its input 'features' has the shape [N, 6, 1], expected [N, F] with N free and F fixed",
    ModelError,
)
def rank_of_the_input(model, folder):
    model.graph.input[0].type.tensor_type.shape.dim.add().dim_value = 1


@hostile(
    "its input 'features' has the shape [N, N], expected [N, F] with N free and F fixed",
    ModelError,
)
def free_number_of_features(model, folder):
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "F"


@hostile(
    "its input 'features' has the shape [1, 6], expected [N, F] with N free and F fixed",
    ModelError,
)
def fixed_number_of_rows(model, folder):
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1


@hostile("its input 'features' has a size below 1")
def negative_input_size(model, folder):
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = -6


@hostile("its output 'vmaf' has the shape [N, 8], expected [N] or [N, 1]", ModelError)
def rank_of_the_output(model, folder):
    model.graph.output[0].type.tensor_type.shape.dim.add().dim_value = 8


@hostile("it has 2 inputs, expected one: the features [N, F]", ModelError)
def two_inputs(model, folder):
    model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, ["N", 6]))


@hostile("it has 2 outputs, expected one: the score [N]", ModelError)
def two_outputs(model, folder):
    model.graph.output.append(helper.make_tensor_value_info("points", TensorProto.FLOAT, ["N"]))


@hostile("its input 'features' has element type 7, expected 1 (float32)", ModelError)
def integer_input(model, folder):
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64


@hostile("its input 'features' has element type 0, expected 1 (float32)", ModelError)
def sequence_input(model, folder):
    model.graph.input[0].type.sequence_type.elem_type.tensor_type.elem_type = TensorProto.FLOAT


@hostile("its Relu reads 'later', which nothing before it makes", ModelError)
def cycle(model, folder):
    insert(model, helper.make_node("Relu", ["later"], ["sooner"]))
    insert(model, helper.make_node("Relu", ["sooner"], ["later"]))


@hostile("its Relu does not make exactly one new tensor", ModelError)
def tensor_made_twice(model, folder):
    insert(model, helper.make_node("Relu", ["points"], ["shifted"]))


@hostile("its tensors do not fit together; export the model again", ModelError)
def shapes_that_do_not_fit(model, folder):
    tensor = numpy_helper.from_array(np.zeros((5, 16), np.float32), "weight0")
    weight(model, "weight0").CopyFrom(tensor)


@hostile(
    "it is written for opset '[1]', expected one from 13 to 26; export the model again", ModelError
)
def ancient_opset(model, folder):
    model.opset_import[0].version = 1


@hostile(
    "it is written for opset '[]', expected one from 13 to 26; export the model again", ModelError
)
def no_opset(model, folder):
    del model.opset_import[:]


# No model at all


@hostile("not an ONNX file, or a damaged one; get it again", ModelError)
def truncated(model, folder):
    return model.SerializeToString()[:-10]


@hostile("its op_type is not UTF-8; the file is damaged", ModelError)
def name_that_is_no_text(model, folder):
    return model.SerializeToString().replace(b"Squeeze", b"Sq\xffeeze")


@hostile("not an ONNX file: it has no graph; get it again", ModelError)
def empty_file(model, folder):
    return b""


@hostile("not an ONNX file, or a damaged one; get it again", ModelError)
def text_file(model, folder):
    return b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


@hostile("not an ONNX file, or a damaged one; get it again", ModelError)
def nested_too_deeply(model, folder):
    data = b""
    for _ in range(200):
        data = delimited(NODE, delimited(ATTRIBUTE, delimited(ATTRIBUTE_GRAPH, data)))
    return delimited(GRAPH, data)


@pytest.mark.parametrize(
    ("change", "kind", "message"), HOSTILE, ids=[change.__name__ for change, _, _ in HOSTILE]
)
def test_it_is_refused_with_one_line(tmp_path, network, change, kind, message):
    folder = tmp_path / "models"
    folder.mkdir()
    model = onnx.ModelProto.FromString(to_onnx(network))
    data = change(model, folder)
    path = folder / "stranger.onnx"
    path.write_bytes(model.SerializeToString() if data is None else data)
    begin = time.monotonic()
    with pytest.raises(ModelError) as error:
        load_model(path, features=CANONICAL6)
    assert time.monotonic() - begin < 20
    assert str(error.value) == f"{path}: {message}"
    assert "\n" not in str(error.value)
    assert type(error.value) is kind
