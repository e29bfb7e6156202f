# SPDX-License-Identifier: Apache-2.0
"""A support-vector regression as the JSON that libvmaf reads, so that stock ffmpeg scores with it.

libvmaf's own models are support-vector regressions; a network cannot be written so. The file names
libvmaf's feature extractors, the scaling, and the vectors in libsvm's text.
"""

import json
from collections.abc import Iterator

from tinyvmaf.errors import UsageError
from tinyvmaf.models.support_vectors import SupportVectors

EXTRACTED = frozenset(
    {
        *("adm2", "adm3", "aim", "motion2", "motion3"),
        *(f"{kind}_scale{scale}" for kind in ("adm", "vif") for scale in range(4)),
    }
)
"""The features that libvmaf's integer extractors make for a model, under our names."""


def libvmaf_json(model: SupportVectors) -> str:
    """The file's content, equal for equal models.

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
