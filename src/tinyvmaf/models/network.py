# SPDX-License-Identifier: Apache-2.0
"""Trained networks as plain NumPy arrays, the output of training and the input of ONNX export.

The order of computation is that of the ONNX graph: standardise the features, dense layers with an
activation between them, rescale to VMAF points, clip to [0, 100]. Nothing here trains.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

Activation = Literal["relu", "silu", "tanh"]


@dataclass(frozen=True, slots=True)
class Layer:
    """A dense layer: `x @ weight + bias`."""

    weight: Float[np.ndarray, "n_in n_out"]
    bias: Float[np.ndarray, " n_out"]


@dataclass(frozen=True, slots=True)
class Network:
    """A multilayer perceptron with its scaling, float32 throughout.

    Attributes:
        features: Names of the inputs, in order.
        shift, scale: Inputs are read as `(features - shift) / scale`.
        layers: Dense layers; the last has one output.
        activation: Applied after every layer but the last.
        target_shift, target_scale: The output is `y * target_scale + target_shift`, in VMAF points,
            then clipped to [0, 100].
    """

    features: tuple[str, ...]
    shift: Float[np.ndarray, " n_features"]
    scale: Float[np.ndarray, " n_features"]
    layers: tuple[Layer, ...]
    activation: Activation
    target_shift: float
    target_scale: float

    @property
    def n_params(self) -> int:
        """Trained parameters: weights and biases, without the scaling."""
        return sum(layer.weight.size + layer.bias.size for layer in self.layers)

    def predict(self, features: Float[np.ndarray, "n n_features"]) -> Float[np.ndarray, " n"]:
        """Score rows of features in VMAF points, in [0, 100], as the ONNX graph does in float32."""
        hidden = (features.astype(np.float32) - self.shift) / self.scale
        for layer in self.layers[:-1]:
            hidden = _activate(hidden @ layer.weight + layer.bias, self.activation)
        last = self.layers[-1]
        score = (hidden @ last.weight + last.bias)[:, 0]
        return np.clip(
            score * np.float32(self.target_scale) + np.float32(self.target_shift), 0.0, 100.0
        )


def _activate(x: Float[np.ndarray, "n m"], activation: Activation) -> Float[np.ndarray, "n m"]:
    if activation == "relu":
        return np.maximum(x, 0)
    if activation == "tanh":
        return np.tanh(x)
    # exp overflows to inf for very negative x, and x / inf is the correct limit, 0.
    with np.errstate(over="ignore"):
        return x / (1 + np.exp(-x))
