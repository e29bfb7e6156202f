# SPDX-License-Identifier: Apache-2.0
"""Trained support-vector regressions, the type of VMAF's own models, as plain NumPy arrays.

The order of computation is that of the ONNX graph and of libvmaf: standardise the features, sum
Gaussian kernels around the support vectors, rescale to VMAF points, clip to [0, 100]. Nothing here
trains.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from tinyvmaf.errors import UsageError
from tinyvmaf.models.network import Network

# The distances of all rows at once would take many times their memory.
_ROWS_AT_ONCE = 2**12


@dataclass(frozen=True, slots=True)
class SupportVectors:
    """A support-vector regression with a Gaussian kernel, and its scaling.

    All values are representable in float32, so that every implementation uses the same ones.

    Attributes:
        features: Names of the inputs, in order.
        shift: Inputs are read as `(features - shift) / scale`.
        scale: See `shift`; above 0.
        vectors: The support vectors, standardised.
        weights: Weights of the support vectors (their dual coefficients).
        bias: Added to the sum.
        gamma: A kernel is `exp(-gamma * distance ** 2)`.
        target_shift: The output is `y * target_scale + target_shift`, then clipped to [0, 100].
        target_scale: See `target_shift`.
    """

    features: tuple[str, ...]
    shift: Float[np.ndarray, " n_features"]
    scale: Float[np.ndarray, " n_features"]
    vectors: Float[np.ndarray, "n_vectors n_features"]
    weights: Float[np.ndarray, " n_vectors"]
    bias: float
    gamma: float
    target_shift: float
    target_scale: float

    @property
    def n_params(self) -> int:
        """Number of trained parameters: the vectors, their weights and the bias."""
        return self.vectors.size + self.weights.size + 1

    def predict(self, features: Float[np.ndarray, "n n_features"]) -> Float[np.ndarray, " n"]:
        """Score rows of features in VMAF points, in [0, 100], in float64."""
        rows = features.astype(np.float64)
        parts = range(0, len(rows), _ROWS_AT_ONCE)
        scores = [self._sum(rows[start : start + _ROWS_AT_ONCE]) for start in parts]
        found = np.concatenate([np.zeros(0), *scores])
        return np.clip((found + self.bias) * self.target_scale + self.target_shift, 0.0, 100.0)

    def _sum(self, rows: Float[np.ndarray, "n n_features"]) -> Float[np.ndarray, " n"]:
        scaled = (rows - self.shift) / self.scale
        distance = np.zeros((len(rows), len(self.vectors)))
        for column, vectors in zip(scaled.T, self.vectors.T.astype(np.float64), strict=True):
            distance += np.square(column[:, None] - vectors)
        return np.exp(-self.gamma * distance) @ self.weights.astype(np.float64)


Regressor = Network | SupportVectors
"""A trained model, as plain arrays."""


EXTRACTED = frozenset(
    {
        *("adm2", "adm3", "aim", "motion2", "motion3"),
        *(f"{kind}_scale{scale}" for kind in ("adm", "vif") for scale in range(4)),
    }
)
"""The features that libvmaf's integer extractors make for a model, under our names."""


def libvmaf_json(model: SupportVectors) -> str:
    """A regression as the JSON that libvmaf reads, so that stock ffmpeg scores with it.

    It names libvmaf's feature extractors, the scaling, and the vectors in libsvm's text; equal
    models give equal text.

    Raises:
        UsageError: the model reads a feature that libvmaf does not make at full size.
    """
    strange = [name for name in model.features if name not in EXTRACTED]
    if strange:
        raise UsageError(
            f"libvmaf does not make {', '.join(strange)}; a model for it reads features of the "
            f"pass at full size: {', '.join(sorted(EXTRACTED))}"
        )
    shift, scale = model.shift.tolist(), model.scale.tolist()
    record = {
        "param_dict": {
            "norm_type": "clip_0to1",
            "score_clip": [0.0, 100.0],
            "gamma": model.gamma,
        },
        "model_dict": {
            "model_type": "LIBSVMNUSVR",
            "norm_type": "linear_rescale",
            "score_clip": [0.0, 100.0],
            "feature_names": [f"VMAF_integer_feature_{name}_score" for name in model.features],
            "feature_opts_dicts": [{} for _ in model.features],
            # The target's comes first; libvmaf divides by it.
            "slopes": [1 / model.target_scale, *(1 / each for each in scale)],
            "intercepts": [
                -model.target_shift / model.target_scale,
                *(-each / by for each, by in zip(shift, scale, strict=True)),
            ],
            "model": "\n".join(_libsvm(model)) + "\n",
        },
    }
    return json.dumps(record, indent=2) + "\n"


def _libsvm(model: SupportVectors) -> Iterator[str]:
    """The vectors in libsvm's text."""
    yield from (
        "svm_type nu_svr",
        "kernel_type rbf",
        f"gamma {model.gamma!r}",
        "nr_class 2",
        f"total_sv {len(model.vectors)}",
        f"rho {-model.bias!r}",
        "SV",
    )
    for weight, vector in zip(model.weights.tolist(), model.vectors.tolist(), strict=True):
        values = " ".join(f"{number}:{value!r}" for number, value in enumerate(vector, start=1))
        yield f"{weight!r} {values} "
