# SPDX-License-Identifier: Apache-2.0
"""A page that runs a model in the browser on libvmaf's logs: one HTML file without any request.

The page holds the model, its card and ONNX Runtime Web with its WebAssembly. It scores the card's
golden vectors when it opens, and a log that is dropped on it never leaves the browser. The runtime
comes from the npm package `onnxruntime-web`, which tinyvmaf does not contain.
"""

import base64
import gzip
import json
import re
from pathlib import Path
from typing import Any, Final

from tinyvmaf.errors import UsageError
from tinyvmaf.files import write_text
from tinyvmaf.libvmaf.sets import CANONICAL6
from tinyvmaf.models.card import Card
from tinyvmaf.models.model import GOLDEN_TOLERANCE, Model
from tinyvmaf.report.html import asset, environment, policy
from tinyvmaf.text import one_line, script_json

RUNTIME: Final = Path("node_modules/onnxruntime-web")
"""Folder of the runtime after `npm install onnxruntime-web`."""

_SCRIPT: Final = "dist/ort.wasm.bundle.min.mjs"
_WASM: Final = "dist/ort-wasm-simd-threaded.wasm"
_EXPORTS: Final = re.compile(r"export\s*\{([^{}]*)\};?\s*(?://# sourceMappingURL=\S*\s*)?\Z")


def write_model_page(model: Model, path: Path, *, runtime: Path = RUNTIME) -> None:
    """Write the page of `model` to `path`.

    Args:
        model: A model with a card that reads features of libvmaf's logs.
        path: The HTML file.
        runtime: The unpacked npm package `onnxruntime-web`.

    Raises:
        UsageError: the model has no card or reads features that no log has; the runtime is not
            there; or the file cannot be written.
    """
    write_text(path, model_page(model, runtime=runtime))


def model_page(model: Model, *, runtime: Path = RUNTIME) -> str:
    """The text of the page; arguments and errors as in `write_model_page`."""
    from markupsafe import Markup

    card = _card(model)
    about = _package(runtime)
    wasm = gzip.compress((runtime / _WASM).read_bytes(), mtime=0)
    made = environment()
    script = f"{_library(runtime)}\n{asset(made, 'model.js')}"
    data = {
        "model": base64.b64encode(model.checked.data).decode(),
        "input": model.checked.input,
        "output": model.checked.output,
        "features": [one_line(name) for name in model.features],
        "golden": {"features": card.golden.features, "vmaf": card.golden.vmaf},
        "tolerance": GOLDEN_TOLERANCE,
        "domain": [
            [card.domain[name].minimum, card.domain[name].maximum] for name in model.features
        ],
        "name": one_line(card.name),
        "teacher": one_line(card.teacher),
    }
    return made.get_template("model.html.jinja").render(
        title=card.name,
        n_params=card.n_params,
        teacher=card.teacher,
        facts=_facts(card),
        runtime=about,
        policy=policy([script]).replace("script-src", "script-src 'wasm-unsafe-eval'"),
        style=Markup(asset(made, "style.css")),  # noqa: S704 (a file of ours)
        data=Markup(script_json(data)),  # noqa: S704 (made harmless there)
        wasm=base64.b64encode(wasm).decode(),
        script=Markup(script),  # noqa: S704 (the runtime's, and a file of ours)
    )


def _card(model: Model) -> Card:
    if model.card is None:
        raise UsageError(f"{model.name}: a page shows the card, and this model has none")
    unknown = [name for name in model.features if name not in CANONICAL6]
    if unknown:
        raise UsageError(
            f"{model.name} reads {', '.join(unknown)}, which no log of libvmaf has; "
            f"a page takes models of {', '.join(CANONICAL6)}"
        )
    return model.card


def _package(runtime: Path) -> str:
    """Name and version of the runtime."""
    try:
        record = json.loads((runtime / "package.json").read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"{runtime}: a model page holds ONNX Runtime Web, and this is not a folder of it; "
            "`npm install onnxruntime-web` brings it"
        ) from error
    missing = [name for name in (_SCRIPT, _WASM) if not (runtime / name).is_file()]
    if missing:
        raise UsageError(f"{runtime}: {record.get('version')} has no {' and no '.join(missing)}")
    return f"{record['name']} {record['version']}"


def _library(runtime: Path) -> str:
    """The text of the runtime's module, with its exports as the constant `ort`."""
    text = (runtime / _SCRIPT).read_text(encoding="utf-8")
    exported = _EXPORTS.search(text)
    if exported is None:
        raise UsageError(f"{runtime / _SCRIPT}: expected a module that ends with its exports")
    pairs = [part.split(" as ") for part in exported[1].split(",")]
    names = ", ".join(f"{pair[-1].strip()}: {pair[0].strip()}" for pair in pairs)
    module = text[: exported.start()]
    if "</script" in module.lower() or "<!--" in module:
        raise UsageError(f"{runtime / _SCRIPT}: holds markup that would end the page's script")
    return f"{module}\nconst ort = {{ {names} }};"


def _facts(card: Card) -> list[tuple[str, str]]:
    """The card's lines for a reader."""
    loso = card.loso
    facts: list[tuple[str, Any]] = [
        ("architecture", f"{card.arch}, {card.n_params} parameters"),
        ("inputs", ", ".join(card.features)),
        ("predicts", f"the score of {card.teacher}, for each frame"),
        ("trained on", f"{len(card.training_sources)} sources: {', '.join(card.training_sources)}"),
        (
            "error on held-out sources",
            card.loso_absent
            if loso is None
            else f"RMSE {loso.rmse:.3f} ± {loso.rmse_std:.3f} points over {loso.n_sources} sources "
            f"({loso.n_frames} frames); worst {loso.worst_source}, {loso.worst_rmse:.3f}",
        ),
        ("licence", card.licence),
        ("SHA-256", card.sha256),
        *(("note", note) for note in card.notes),
    ]
    return [(name, str(value)) for name, value in facts]
