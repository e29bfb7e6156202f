# SPDX-License-Identifier: Apache-2.0
"""The operators that a model may use, and the widths of the tensors between them.

Unchecked nodes are rebuilt from their checked parts: operators of a dense network that multiply by
weights only, so that a row's score depends on that row alone.
Anything else (custom domains, control flow, quantisation, mixing of rows) is refused.
"""

from typing import TYPE_CHECKING, Final

import numpy as np

from tinyvmaf.errors import ModelError, UnsafeModelError
from tinyvmaf.models.external import shown

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from onnx import ModelProto, NodeProto, TypeProto

OPERATORS: Final = frozenset(
    {
        *("Add", "Clip", "Div", "Exp", "Gemm", "MatMul", "Mul"),
        *("Relu", "Sigmoid", "Squeeze", "Sub", "Tanh"),
    }
)
"""The operators of files that tinyvmaf writes."""

MAX_NODES: Final = 256
_GEMM_ATTRIBUTES: Final = ("alpha", "beta", "transA", "transB")
_ROW_ADVICE: Final = "the score of a row must depend on that row alone"


def checked_nodes(
    nodes: "Sequence[NodeProto]", *, source: str, weights: "Collection[str]"
) -> "list[NodeProto]":
    """The nodes, rebuilt; `source` is the graph's input, `weights` the names of its constants.

    Raises:
        UnsafeModelError: there are too many nodes, or one is foreign to a dense network.
        ModelError: the nodes are not connected.
    """
    if len(nodes) > MAX_NODES:
        raise UnsafeModelError(
            f"it has {len(nodes)} nodes, at most {MAX_NODES} are allowed; tiny models have ten"
        )
    known = {source, *weights}
    rebuilt: list[NodeProto] = []
    for node in nodes:
        if node.domain not in ("", "ai.onnx") or node.op_type not in OPERATORS:
            name = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
            raise UnsafeModelError(
                f"it uses the operator {shown(name)}; allowed are {', '.join(sorted(OPERATORS))}"
            )
        unknown = [name for name in node.input if name and name not in known]
        if unknown:
            raise ModelError(
                f"its {node.op_type} reads {shown(unknown[0])}, which nothing before it makes"
            )
        if len(node.output) != 1 or not node.output[0] or node.output[0] in known:
            raise ModelError(f"its {node.op_type} does not make exactly one new tensor")
        if node.op_type in ("Gemm", "MatMul") and not set(node.input[1:]) <= set(weights):
            raise UnsafeModelError(
                f"its {node.op_type} multiplies by something that is not a weight; {_ROW_ADVICE}"
            )
        known.add(node.output[0])
        rebuilt.append(_rebuilt(node))
    return rebuilt


def value_widths(model: "ModelProto", *, widest: int) -> dict[str, int]:
    """Floats per row of every tensor that a node makes, by ONNX's own shape inference.

    Raises:
        UnsafeModelError: a tensor is not [N] or [N, width] with a width of at most `widest`, so it
            would grow with the square of N or without bound.
        ModelError: the shapes contradict each other.
    """
    from onnx import shape_inference

    try:
        inferred = shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
    except (shape_inference.InferenceError, ValueError, RuntimeError) as error:
        raise ModelError("its tensors do not fit together; export the model again") from error
    graph = inferred.graph
    types = {value.name: value.type for value in (*graph.value_info, *graph.output)}
    return {node.output[0]: _width(types.get(node.output[0]), widest) for node in graph.node}


def _rebuilt(node: "NodeProto") -> "NodeProto":
    from onnx import AttributeProto, helper

    rebuilt = helper.make_node(node.op_type, node.input, node.output)
    allowed = _GEMM_ATTRIBUTES if node.op_type == "Gemm" else ()
    for attribute in node.attribute:
        kind = attribute.type
        if (
            attribute.name not in allowed
            or attribute.ref_attr_name
            or kind not in (AttributeProto.FLOAT, AttributeProto.INT)
        ):
            raise UnsafeModelError(
                f"its {node.op_type} has the attribute {shown(attribute.name)}; that is not allowed"
            )
        value = attribute.f if kind == AttributeProto.FLOAT else attribute.i
        if not np.isfinite(value):
            raise UnsafeModelError(f"the attribute {attribute.name} of its Gemm is not finite")
        if attribute.name == "transA" and value:
            raise UnsafeModelError(f"its Gemm transposes its rows; {_ROW_ADVICE}")
        rebuilt.attribute.append(helper.make_attribute(attribute.name, value))
    return rebuilt


def _width(kind: "TypeProto | None", widest: int) -> int:
    sizes = [size.dim_value for size in kind.tensor_type.shape.dim] if kind is not None else []
    width = sizes[1] if len(sizes) == 2 else len(sizes)  # noqa: PLR2004 (rows and columns)
    if len(sizes) not in (1, 2) or not 1 <= width <= widest:
        raise UnsafeModelError(
            f"a tensor inside is not [N, width] with a width of at most {widest}; {_ROW_ADVICE}"
        )
    return width
