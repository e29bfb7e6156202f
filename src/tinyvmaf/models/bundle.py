# SPDX-License-Identifier: Apache-2.0
"""A model as a folder for other programs: the file, its card, golden vectors as CSV, the licence.

The files of a loaded model are written for a target program, and change together. Golden vectors
are rows of features with the scores that the model must give, to test an implementation elsewhere.
"""

import csv
import io
from pathlib import Path
from typing import Final, Literal, get_args

from tinyvmaf.errors import ModelError, UsageError
from tinyvmaf.libvmaf.sets import CANONICAL6
from tinyvmaf.models.card import Card
from tinyvmaf.models.model import Model
from tinyvmaf.models.onnx_file import OPSET, support_vectors
from tinyvmaf.models.safety import read_file
from tinyvmaf.models.support_vectors import SupportVectors, libvmaf_json
from tinyvmaf.swap import write_together
from tinyvmaf.text import csv_cell, json_text

Target = Literal["onnx", "libvmaf", "vmafx"]

TARGETS: Final = get_args(Target)

_LICENCE = Path(__file__).with_name("LICENSE")


def export_bundle(
    model: Model, folder: Path, *, to: Target = "onnx", machine: SupportVectors | None = None
) -> tuple[Path, ...]:
    """Write the files of a model to `folder`; return their paths, the model's first.

    Args:
        model: The model.
        folder: Made if it is not there; other files in it stay.
        to: `onnx` for any program, `libvmaf` for libvmaf and ffmpeg, `vmafx` for VMAFx.
        machine: For `libvmaf`: the support vectors to write in place of the model's own.

    Raises:
        UsageError: that program cannot run the model, or the folder cannot be written.
        ModelError: the model's weights lie in another file.
    """
    if to == "libvmaf":
        machine = machine or support_vectors_of(model)
        files = {f"{model.name}.libvmaf.json": libvmaf_json(machine).encode()}
    else:
        data = read_file(model.path)
        if model.checked.sha256 != model.checked.file_sha256:
            raise ModelError(
                f"{model.path}: its weights lie in another file; make one file of it with "
                f"`tinyvmaf models repair {model.path} -o FILE`"
            )
        files = {f"{model.name}.onnx": data}
        if to == "vmafx":
            files[f"{model.name}.json"] = sidecar(model).encode()
        elif model.card is not None:
            files[f"{model.name}.json"] = model.path.with_suffix(".json").read_bytes()
    if model.card is not None:
        files[f"{model.name}.golden.csv"] = golden_csv(model.card, machine).encode()
        if model.card.licence == "Apache-2.0":
            files["LICENSE"] = _LICENCE.read_bytes()
    contents = {folder / name: content for name, content in files.items()}
    write_together(contents)
    return tuple(contents)


def support_vectors_of(model: Model) -> SupportVectors:
    """The support vectors of a model of the arch `svr`.

    Raises:
        UsageError: the model has another arch.
    """
    machine = support_vectors(model.checked)
    if machine is None:
        raise UsageError(
            f"{model.name} is not a support-vector regression, the only kind of model that libvmaf "
            "runs; train one with `arch='svr'`, or distil one from it with `distil_on`"
        )
    return machine


def golden_csv(card: Card, machine: SupportVectors | None = None) -> str:
    """The golden rows with the card's scores or, if given, those that `machine` computes."""
    import numpy as np

    rows, scores = card.golden.features, card.golden.vmaf
    if machine is not None:
        scores = machine.predict(np.asarray(rows, dtype=np.float64)).tolist()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(csv_cell, (*card.features, "vmaf")))
    writer.writerows(map(repr, (*row, score)) for row, score in zip(rows, scores, strict=True))
    return text.getvalue()


_MAX_BYTES = 2**20


def sidecar(model: Model) -> str:
    """The JSON sidecar that VMAFx's C loader reads, `NAME.json` beside `NAME.onnx`.

    The loader takes the first occurrence of a key in the text, so that every key is there once. The
    scaling is inside our graphs, which the sidecar says: with a mean it would be applied twice.

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
