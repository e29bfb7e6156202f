# SPDX-License-Identifier: Apache-2.0
"""The weights of an ONNX file as arrays, from the file itself or from external data.

Unchecked tensors are turned into finite float32 (and int64, for axes) arrays of bounded size. Sizes
are checked before anything is read or allocated; sparse, quantised, string and half-precision
tensors are refused.
"""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from tinyvmaf.errors import ModelError, UnsafeModelError
from tinyvmaf.models.external import ExternalRange, external_range, is_external, read_range, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onnx import TensorProto

MAX_DIMENSION: Final = 4096
MAX_ELEMENTS: Final = 2**19
"""Upper bound of all weights together; a network of 2561 parameters has 2561."""
_MAX_RANK: Final = 2
_MAX_TENSORS: Final = 1024

FLOAT: Final = 1
"""ONNX's code of float32 (TensorProto.DataType)."""
_INT64: Final = 7


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of a model.

    Attributes:
        arrays: By name.
        external: The bytes that came from other files, in the order of the tensors.
    """

    arrays: dict[str, np.ndarray]
    external: bytes = field(repr=False)


def read_weights(tensors: "Sequence[TensorProto]", *, folder: Path) -> Weights:
    """Read the tensors of a model that lies in `folder`.

    Raises:
        UnsafeModelError: a tensor is too large, of a kind foreign to a dense network, not
            finite, or lies outside the folder.
        ModelError: a tensor is damaged, unnamed or there twice, or its file is missing.
    """
    _check_sizes(tensors)
    external: list[bytes] = []
    arrays: dict[str, np.ndarray] = {}
    for tensor in tensors:
        if is_external(tensor):
            content = read_range(external_range(tensor), folder=folder)
            external.append(content)
            array = np.frombuffer(content, dtype="<f4").reshape(tensor.dims)
        else:
            array = _values(tensor)
        if not np.isfinite(array).all():
            raise UnsafeModelError(
                f"the weight {shown(tensor.name)} holds NaN or infinite values; train it again"
            )
        arrays[tensor.name] = array
    return Weights(arrays=arrays, external=b"".join(external))


def external_ranges(tensors: "Sequence[TensorProto]") -> dict[str, ExternalRange]:
    """Name -> external range of the tensors outside the file; no data is read.

    Raises:
        UnsafeModelError: as `read_weights`.
        ModelError: as `read_weights`.
    """
    _check_sizes(tensors)
    return {tensor.name: external_range(tensor) for tensor in tensors if is_external(tensor)}


def _check_sizes(tensors: "Sequence[TensorProto]") -> None:
    """Refuse tensors that are too large to read."""
    if len(tensors) > _MAX_TENSORS:
        raise UnsafeModelError(
            f"it has {len(tensors)} weight tensors, at most {_MAX_TENSORS} are allowed"
        )
    names: set[str] = set()
    n_elements = 0
    for tensor in tensors:
        if not tensor.name or tensor.name in names:
            raise ModelError(
                f"a weight's name {shown(tensor.name)} is empty or taken; export the model again"
            )
        _check_kind(tensor)
        names.add(tensor.name)
        n_elements += math.prod(tensor.dims)
    if n_elements > MAX_ELEMENTS:
        raise UnsafeModelError(
            f"it has {n_elements} weights, at most {MAX_ELEMENTS} are allowed; "
            "tiny models have a few thousand"
        )


def _check_kind(tensor: "TensorProto") -> None:
    name = f"the weight {shown(tensor.name)}"
    if tensor.data_type not in (FLOAT, _INT64):
        raise UnsafeModelError(f"{name} has element type {tensor.data_type}, expected 1 (float32)")
    if tensor.data_type != FLOAT and is_external(tensor):
        raise UnsafeModelError(f"{name} is external data and not float32")
    if tensor.HasField("segment"):
        raise UnsafeModelError(f"{name} is stored in segments, expected one piece")
    if len(tensor.dims) > _MAX_RANK or not all(0 < n <= MAX_DIMENSION for n in tensor.dims):
        raise UnsafeModelError(
            f"{name} has the shape {shown(str(tensor.dims[:4]))}, "
            f"expected at most {_MAX_RANK} sizes from 1 to {MAX_DIMENSION}"
        )


def _values(tensor: "TensorProto") -> np.ndarray:
    from onnx import numpy_helper

    try:
        return np.array(numpy_helper.to_array(tensor))
    except (ValueError, TypeError) as error:
        raise ModelError(
            f"the weight {shown(tensor.name)} does not hold the values that its shape "
            f"{list(tensor.dims)} needs; the file is damaged, get it again"
        ) from error
