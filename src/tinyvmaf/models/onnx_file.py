# SPDX-License-Identifier: Apache-2.0
"""A network as one self-contained ONNX file, equal byte for byte for equal networks.

The graph reads raw features and writes VMAF points: the scaling is in front, the clip to [0, 100]
behind. It uses only operators that small runtimes know, and it records the order of its features.
Only networks are written here; reading a file that came from elsewhere goes through `safety`.
"""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from tinyvmaf.errors import ModelError
from tinyvmaf.models.network import Activation, Network

if TYPE_CHECKING:
    from onnx import NodeProto

INPUT = "features"
OUTPUT = "vmaf"
OPSET = 17
FEATURES_KEY = "tinyvmaf.features"
"""Where the file's metadata keeps the feature names, in order, separated by commas."""

# Opset 17 came with IR version 8. Both are fixed, as is the producer, so that a newer `onnx`
# package writes the same bytes and the hash on a card stays true.
_IR_VERSION = 8


def to_onnx(network: Network) -> bytes:
    """The ONNX file of `network`: input `features` float32 [N, F], output `vmaf` float32 [N].

    Raises:
        ModelError: a parameter is not finite, a scale is zero, or a feature's name has a comma.
    """
    from onnx import TensorProto, helper, numpy_helper

    arrays = _parameters(network)
    _check(network, arrays)
    n_features = len(network.features)
    graph = helper.make_graph(
        nodes=_nodes(n_layers=len(network.layers), activation=network.activation),
        name="tinyvmaf",
        inputs=[helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["N", n_features])],
        outputs=[helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["N"])],
        initializer=[numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    model = helper.make_model(
        graph,
        producer_name="tinyvmaf",
        ir_version=_IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )
    helper.set_model_props(model, {FEATURES_KEY: ",".join(network.features)})
    return model.SerializeToString(deterministic=True)


def _parameters(network: Network) -> dict[str, np.ndarray]:
    arrays = {"shift": network.shift, "scale": network.scale}
    for number, layer in enumerate(network.layers):
        arrays[f"weight{number}"] = layer.weight
        arrays[f"bias{number}"] = layer.bias
    arrays["target_scale"] = np.asarray(network.target_scale)
    arrays["target_shift"] = np.asarray(network.target_shift)
    arrays["lowest"] = np.asarray(0.0)
    arrays["highest"] = np.asarray(100.0)
    floats = {name: _float32(array) for name, array in arrays.items()}
    return {**floats, "last_axis": np.asarray([1], dtype=np.int64)}


def _float32(array: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    return np.array(array, dtype=np.float32, order="C")


def _check(network: Network, arrays: dict[str, np.ndarray]) -> None:
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ModelError(f"cannot export: {name} holds a value that is not finite; train again")
    if not network.scale.all():
        where = network.features[int(np.argmin(np.abs(network.scale)))]
        raise ModelError(f"cannot export: the scale of {where} is 0; leave a constant feature out")
    for name in network.features:
        if "," in name:
            raise ModelError(f"cannot export: the feature name {name!r} has a comma; rename it")


def _nodes(*, n_layers: int, activation: Activation) -> "list[NodeProto]":
    """Sub and Div, then a Gemm a layer with the activation between, then Squeeze to Clip."""
    from onnx import helper

    nodes = [
        helper.make_node("Sub", [INPUT, "shift"], ["shifted"]),
        helper.make_node("Div", ["shifted", "scale"], ["hidden0"]),
    ]
    for layer in range(n_layers):
        inputs = [f"hidden{layer}", f"weight{layer}", f"bias{layer}"]
        nodes.append(helper.make_node("Gemm", inputs, [f"dense{layer}"]))
        if layer < n_layers - 1:
            nodes += _activation(activation, source=f"dense{layer}", result=f"hidden{layer + 1}")
    return [
        *nodes,
        helper.make_node("Squeeze", [f"dense{n_layers - 1}", "last_axis"], ["column"]),
        helper.make_node("Mul", ["column", "target_scale"], ["rescaled"]),
        helper.make_node("Add", ["rescaled", "target_shift"], ["points"]),
        helper.make_node("Clip", ["points", "lowest", "highest"], [OUTPUT]),
    ]


def _activation(name: Activation, *, source: str, result: str) -> "list[NodeProto]":
    from onnx import helper

    if name == "relu":
        return [helper.make_node("Relu", [source], [result])]
    if name == "tanh":
        return [helper.make_node("Tanh", [source], [result])]
    # SiLU has no operator of its own in opset 17.
    gate = f"{result}_gate"
    return [
        helper.make_node("Sigmoid", [source], [gate]),
        helper.make_node("Mul", [source, gate], [result]),
    ]
