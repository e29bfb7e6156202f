# SPDX-License-Identifier: Apache-2.0
"""A trained model as one self-contained ONNX file, equal byte for byte for equal models.

The graph reads raw features and writes VMAF points: the scaling is in front, the clip to [0, 100]
behind. It uses only operators that small runtimes know, and it records the order of its features.
Files from elsewhere are read through `safety`; this module only extracts support vectors from a
checked file.
"""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from tinyvmaf.errors import ModelError
from tinyvmaf.models.network import Activation, Network
from tinyvmaf.models.safety import FEATURES_KEY, INPUT, OUTPUT, CheckedModel
from tinyvmaf.models.support_vectors import Regressor, SupportVectors

if TYPE_CHECKING:
    from onnx import NodeProto

OPSET = 17

# Opset 17 came with IR version 8. Both are fixed, as is the producer, so that a newer `onnx`
# package writes the same bytes and the hash on a card stays true.
_IR_VERSION = 8


def to_onnx(network: Regressor) -> bytes:
    """The ONNX file of a model: input `features` float32 [N, F], output `vmaf` float32 [N].

    Raises:
        ModelError: a parameter is not finite, a scale is zero, or a feature's name has a comma.
    """
    from onnx import TensorProto, helper, numpy_helper

    arrays = _parameters(network)
    _check(network, arrays)
    n_features = len(network.features)
    graph = helper.make_graph(
        nodes=_nodes(network),
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


def support_vectors(checked: CheckedModel) -> SupportVectors | None:
    """The support-vector regression in a file of `to_onnx`; None if it is another model."""
    from onnx import ModelProto, numpy_helper

    names = tuple(checked.metadata.get(FEATURES_KEY, "").split(","))
    graph = ModelProto.FromString(checked.data).graph
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    if not {"shift", "scale", *_KERNEL} <= set(arrays) or len(names) != checked.n_features:
        return None
    return SupportVectors(
        features=names,
        shift=arrays["shift"].copy(),
        scale=arrays["scale"].copy(),
        vectors=arrays["vectors"].T.copy(),
        weights=arrays["weights"][:, 0].copy(),
        bias=float(arrays["bias"][0]),
        gamma=-float(arrays["minus_gamma"][0, 0]),
        target_shift=float(arrays["target_shift"]),
        target_scale=float(arrays["target_scale"]),
    )


_KERNEL = ("vectors", "minus_gamma", "minus_norms", "weights", "bias")


def _kernel_parameters(machine: SupportVectors) -> dict[str, np.ndarray]:
    vectors = machine.vectors.astype(np.float64)
    return {
        "shift": machine.shift,
        "scale": machine.scale,
        "vectors": machine.vectors.T,
        "minus_gamma": np.full((len(machine.features), 1), -machine.gamma),
        "minus_norms": -machine.gamma * np.square(vectors).sum(axis=1),
        "weights": machine.weights[:, None],
        "bias": np.asarray([machine.bias]),
    }


def _network_parameters(network: Network) -> dict[str, np.ndarray]:
    arrays = {"shift": network.shift, "scale": network.scale}
    for number, layer in enumerate(network.layers):
        arrays[f"weight{number}"] = layer.weight
        arrays[f"bias{number}"] = layer.bias
    return arrays


def _parameters(network: Regressor) -> dict[str, np.ndarray]:
    of_network = isinstance(network, Network)
    arrays = _network_parameters(network) if of_network else _kernel_parameters(network)
    arrays["target_scale"] = np.asarray(network.target_scale)
    arrays["target_shift"] = np.asarray(network.target_shift)
    arrays["lowest"] = np.asarray(0.0)
    arrays["highest"] = np.asarray(100.0)
    floats = {name: _float32(array) for name, array in arrays.items()}
    return {**floats, "last_axis": np.asarray([1], dtype=np.int64)}


def _float32(array: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    return np.array(array, dtype=np.float32, order="C")


def _check(network: Regressor, arrays: dict[str, np.ndarray]) -> None:
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ModelError(f"cannot export: {name} holds a value that is not finite; train again")
    if not network.scale.all():
        where = network.features[int(np.argmin(np.abs(network.scale)))]
        raise ModelError(f"cannot export: the scale of {where} is 0; leave a constant feature out")
    for name in network.features:
        if "," in name:
            raise ModelError(f"cannot export: the feature name {name!r} has a comma; rename it")


def _nodes(network: Regressor) -> "list[NodeProto]":
    """The nodes of the graph: Sub and Div, the model itself, then Squeeze to Clip."""
    from onnx import helper

    if isinstance(network, Network):
        between = _dense(n_layers=len(network.layers), activation=network.activation)
    else:
        between = _kernel(network.gamma)
    return [
        helper.make_node("Sub", [INPUT, "shift"], ["shifted"]),
        helper.make_node("Div", ["shifted", "scale"], ["hidden0"]),
        *between,
        helper.make_node("Squeeze", [between[-1].output[0], "last_axis"], ["column"]),
        helper.make_node("Mul", ["column", "target_scale"], ["rescaled"]),
        helper.make_node("Add", ["rescaled", "target_shift"], ["points"]),
        helper.make_node("Clip", ["points", "lowest", "highest"], [OUTPUT]),
    ]


def _dense(*, n_layers: int, activation: Activation) -> "list[NodeProto]":
    """One Gemm per layer, with the activation between."""
    from onnx import helper

    nodes: list[NodeProto] = []
    for layer in range(n_layers):
        inputs = [f"hidden{layer}", f"weight{layer}", f"bias{layer}"]
        nodes.append(helper.make_node("Gemm", inputs, [f"dense{layer}"]))
        if layer < n_layers - 1:
            nodes += _activation(activation, source=f"dense{layer}", result=f"hidden{layer + 1}")
    return nodes


def _kernel(gamma: float) -> "list[NodeProto]":
    """The weighted sum of `exp(-gamma * (x.x - 2 x.v + v.v))` over the support vectors."""
    from onnx import helper

    return [
        helper.make_node("Mul", ["hidden0", "hidden0"], ["squares"]),
        helper.make_node("MatMul", ["squares", "minus_gamma"], ["minus_norm"]),
        helper.make_node(
            "Gemm", ["hidden0", "vectors", "minus_norms"], ["products"], alpha=2 * gamma
        ),
        helper.make_node("Add", ["products", "minus_norm"], ["exponents"]),
        helper.make_node("Exp", ["exponents"], ["kernels"]),
        # Large weights of either sign cancel, and their sum is 0: the common part of all
        # kernels adds only rounding errors.
        helper.make_node("Exp", ["minus_norm"], ["common"]),
        helper.make_node("Sub", ["kernels", "common"], ["own"]),
        helper.make_node("Gemm", ["own", "weights", "bias"], ["sum"]),
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
