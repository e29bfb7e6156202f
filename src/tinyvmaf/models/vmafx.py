# SPDX-License-Identifier: Apache-2.0
"""Export for VMAFx: the ONNX file, and the JSON sidecar that VMAFx's C loader reads beside it.

The loader looks for keys by their first occurrence in the text, so that the keys stand here once,
at the top. The scaling is inside our graphs, which the sidecar says: with a mean it would be
applied twice.
"""

from tinyvmaf.errors import UsageError
from tinyvmaf.libvmaf.sets import CANONICAL6
from tinyvmaf.models.model import Model
from tinyvmaf.models.onnx_file import OPSET
from tinyvmaf.text import json_text

_MAX_BYTES = 2**20


def sidecar(model: Model) -> str:
    """The text of `NAME.json` beside `NAME.onnx`.

    Raises:
        UsageError: the model reads features that VMAFx does not make.
    """
    strange = [name for name in model.features if name not in CANONICAL6]
    if strange:
        raise UsageError(
            f"VMAFx does not make {', '.join(strange)}; it feeds {', '.join(CANONICAL6)}, "
            "so that only models at full size run there"
        )
    checked, card = model.checked, model.card
    text = json_text(
        {
            "kind": "fr",
            "name": model.name,
            "input_name": checked.input,
            "output_name": checked.output,
            "onnx_opset": OPSET,
            "quant_mode": "fp32",
            "feature_order": list(model.features),
            "onnx_has_scaler": True,
            # Not for VMAFx: tinyvmaf reads these entries of a JSON beside a model.
            "features": list(model.features),
            "sha256": checked.file_sha256,
            "teacher": None if card is None else card.teacher,
            "licence": None if card is None else card.licence,
        },
        indent=2,
    )
    if len(text.encode()) > _MAX_BYTES:
        raise UsageError(f"the sidecar of {model.name} would be longer than VMAFx reads")
    return text + "\n"
