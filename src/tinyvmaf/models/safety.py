# SPDX-License-Identifier: Apache-2.0
"""Safety checks of ONNX files: the allowed content, checked before anything runs.

The result is a new, self-contained file in memory that holds only checked parts: nodes of the
allow-list, finite weights of bounded size, one input [N, F], one output [N] or [N, 1]. ONNX Runtime
reads only those bytes. Everything that a dense network does not need is refused.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tinyvmaf.errors import ModelError, UnsafeModelError, UsageError
from tinyvmaf.models.external import shown
from tinyvmaf.models.operators import checked_nodes, value_widths
from tinyvmaf.models.weights import FLOAT, MAX_DIMENSION, read_weights
from tinyvmaf.provenance import sha256

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from google.protobuf.message import Message
    from onnx import GraphProto, ModelProto, ValueInfoProto

MAX_BYTES: Final = 4 * 2**20
"""Largest size of a model file; one with 2561 parameters has 11 kB. Hostile bytes may
take a hundred times their size in memory when they are parsed, so this bounds that too."""

MAX_PARTS: Final = 100_000
"""Nodes, tensors, names and sizes together, and weights that are stored as single numbers."""

INPUT: Final = "features"
OUTPUT: Final = "vmaf"
"""The names in our own files."""

FEATURES_KEY: Final = "tinyvmaf.features"
"""Metadata key of the feature names in our own files, in order, separated by commas."""

SHIPPED_VALUES: Final = 1024
"""Upper bound of the floats per row of the shipped models."""

_OPSETS: Final = range(13, 27)
"""From 13 on Squeeze reads its axes from an input; ONNX Runtime may know fewer of the newest."""
_IR_VERSION: Final = 10

# These lists omit all that a dense network does not need: functions, training, sparse weights.
_MODEL_FIELDS: Final = (
    *("ir_version", "opset_import", "graph", "metadata_props", "doc_string"),
    *("producer_name", "producer_version", "domain", "model_version"),
)
_GRAPH_FIELDS: Final = (
    *("name", "node", "initializer", "input", "output", "value_info"),
    *("metadata_props", "doc_string"),
)


@dataclass(frozen=True, slots=True)
class CheckedModel:
    """A model file that passed all checks.

    Attributes:
        data: A self-contained ONNX file made of the checked parts only.
        sha256: Hash of the file on disk, followed by its external data if it has any.
        file_sha256: Hash of the file alone.
        input: Name of the input, float32 [N, n_features].
        output: Name of the output, float32 [N] or [N, 1].
        n_features: Number of input features.
        n_values: Floats per row in the graph, all tensors together.
        metadata: The file's own key-value pairs.
    """

    data: bytes = field(repr=False)
    sha256: str
    file_sha256: str
    input: str
    output: str
    n_features: int
    n_values: int
    metadata: dict[str, str]


def check_file(path: Path) -> CheckedModel:
    """Read the model at `path` and check it.

    Raises:
        UsageError: there is no such file.
        UnsafeModelError: it holds something that is not allowed.
        ModelError: it is not an ONNX file, or damaged.
    """
    return check_bytes(read_file(path), folder=path.parent, origin=str(path))


def shipped(data: bytes, *, features: "Sequence[str]") -> CheckedModel:
    """A shipped model, which the tests have checked and which is not checked again.

    Scoring with it therefore needs no parser of ONNX files.
    """
    return CheckedModel(
        data=data,
        sha256=sha256(data),
        file_sha256=sha256(data),
        input=INPUT,
        output=OUTPUT,
        n_features=len(features),
        n_values=SHIPPED_VALUES,
        metadata={FEATURES_KEY: ",".join(features)},
    )


def check_bytes(data: bytes, *, folder: Path, origin: str) -> CheckedModel:
    """Check the model in `data`, whose external data lies in `folder`; `origin` names it in errors.

    Raises:
        UnsafeModelError: it holds something that is not allowed.
        ModelError: it is not an ONNX file, or damaged.
    """
    try:
        return _check(parse(data), data, folder)
    except ModelError as error:
        raise type(error)(f"{origin}: {error}") from error


def read_file(path: Path) -> bytes:
    """The bytes of a model file, unless it is too large for a tiny model.

    Raises:
        UsageError: there is no such file, or it cannot be read.
        UnsafeModelError: it is too large.
    """
    if not path.is_file():
        raise UsageError(
            f"{path}: no such model file; `tinyvmaf models list` names what is shipped"
        )
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise UnsafeModelError(
            f"{path}: larger than {MAX_BYTES} bytes; a tiny model has a few thousand"
        )
    return data


def parse(data: bytes) -> "ModelProto":
    """The parsed file, with valid text only; external data is not read, the rest not checked.

    Raises:
        ModelError: the bytes are not an ONNX file, or damaged.
        UnsafeModelError: the file has far more parts than a tiny model.
    """
    from google.protobuf.message import DecodeError
    from onnx import ModelProto

    try:
        model = ModelProto.FromString(data)
    except DecodeError as error:
        raise ModelError("not an ONNX file, or a damaged one; get it again") from error
    if not model.graph.node:
        raise ModelError("not an ONNX file: it has no graph; get it again")
    _check_text(model)
    return model


def _check_text(model: "ModelProto") -> None:
    """Refuse names that are not UTF-8, which protobuf returns as bytes."""
    messages: list[Message] = [model]
    n_parts = 0
    while messages:
        for kind, value in messages.pop().ListFields():
            values = value if kind.is_repeated else [value]
            n_parts += len(values)
            if n_parts > MAX_PARTS:
                raise UnsafeModelError(
                    f"it has more than {MAX_PARTS} parts; a tiny model has a few hundred"
                )
            if kind.type == kind.TYPE_MESSAGE:
                messages.extend(values)
            elif kind.type == kind.TYPE_STRING and not all(isinstance(v, str) for v in values):
                raise ModelError(f"its {kind.name} is not UTF-8; the file is damaged")


def _check(model: "ModelProto", data: bytes, folder: Path) -> CheckedModel:
    from onnx import helper, numpy_helper

    graph = model.graph
    _allow_fields(model, _MODEL_FIELDS, "the file")
    _allow_fields(graph, _GRAPH_FIELDS, "its graph")
    opset = _opset(model)
    weights = read_weights(graph.initializer, folder=folder)
    source, n_features = _input(graph, weights.arrays)
    result, rank = _output(graph)
    rebuilt = helper.make_graph(
        nodes=checked_nodes(graph.node, source=source, weights=weights.arrays),
        name="checked",
        inputs=[helper.make_tensor_value_info(source, FLOAT, ["N", n_features])],
        outputs=[helper.make_tensor_value_info(result, FLOAT, ["N", 1][:rank])],
        initializer=[numpy_helper.from_array(a, name) for name, a in weights.arrays.items()],
    )
    clean = helper.make_model(
        rebuilt, ir_version=_IR_VERSION, opset_imports=[helper.make_opsetid("", opset)]
    )
    return CheckedModel(
        data=clean.SerializeToString(deterministic=True),
        sha256=sha256(data + weights.external),
        file_sha256=sha256(data),
        input=source,
        output=result,
        n_features=n_features,
        n_values=n_features + sum(value_widths(clean, widest=MAX_DIMENSION).values()),
        metadata={entry.key: entry.value for entry in model.metadata_props},
    )


def _allow_fields(message: "Message", allowed: "Collection[str]", what: str) -> None:
    # Fields unknown to the parser are not visible here; rebuilding the file drops them.
    found = sorted({descriptor.name for descriptor, _ in message.ListFields()} - set(allowed))
    if found:
        raise UnsafeModelError(f"{what} has {', '.join(found)}; a dense network needs none")


def _opset(model: "ModelProto") -> int:
    for entry in model.opset_import:
        if entry.domain not in ("", "ai.onnx"):
            raise UnsafeModelError(
                f"it imports operators of the domain {shown(entry.domain)}; "
                "only ONNX's own are allowed"
            )
    found = sorted({entry.version for entry in model.opset_import})
    if len(found) != 1 or found[0] not in _OPSETS:
        raise ModelError(
            f"it is written for opset {shown(str(found[:4]))}, expected one from "
            f"{_OPSETS.start} to {_OPSETS.stop - 1}; export the model again"
        )
    return found[0]


def _input(graph: "GraphProto", weights: "Collection[str]") -> tuple[str, int]:
    # Older files list their weights among the inputs.
    inputs = [value for value in graph.input if value.name not in weights]
    if len(inputs) != 1:
        raise ModelError(f"it has {len(inputs)} inputs, expected one: the features [N, F]")
    match _shape(inputs[0], "input"):
        case [0, n_features] if 0 < n_features <= MAX_DIMENSION:
            return inputs[0].name, n_features
        case shape:
            raise ModelError(
                f"its input {shown(inputs[0].name)} has the shape {_words(shape)}, "
                "expected [N, F] with N free and F fixed"
            )


def _output(graph: "GraphProto") -> tuple[str, int]:
    if len(graph.output) != 1:
        raise ModelError(f"it has {len(graph.output)} outputs, expected one: the score [N]")
    shape = _shape(graph.output[0], "output")
    if shape not in ([0], [0, 1]):
        raise ModelError(
            f"its output {shown(graph.output[0].name)} has the shape {_words(shape)}, "
            "expected [N] or [N, 1]"
        )
    return graph.output[0].name, len(shape)


def _shape(value: "ValueInfoProto", kind: str) -> list[int]:
    """The sizes of a float32 tensor; 0 stands for a free one."""
    tensor = value.type.tensor_type
    if tensor.elem_type != FLOAT:
        raise ModelError(
            f"its {kind} {shown(value.name)} has element type {tensor.elem_type}, "
            "expected 1 (float32)"
        )
    sizes = tensor.shape.dim
    if any(size.HasField("dim_value") and size.dim_value < 1 for size in sizes):
        raise UnsafeModelError(f"its {kind} {shown(value.name)} has a size below 1")
    return [size.dim_value for size in sizes]


def _words(shape: list[int]) -> str:
    longest = 8
    sizes = [str(size or "N") for size in shape[:longest]]
    return f"[{', '.join(sizes)}{', ...' if len(shape) > longest else ''}]"
