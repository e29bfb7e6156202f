# SPDX-License-Identifier: Apache-2.0
"""tinyvmaf: tiny video-quality models that you can trust on content they have never seen.

`import tinyvmaf as tv` is fast: the module behind a name is loaded when the name is first used.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tinyvmaf.corpus.build import build_corpus
    from tinyvmaf.corpus.reading import read_corpus
    from tinyvmaf.demo import demo
    from tinyvmaf.errors import TinyVmafError
    from tinyvmaf.evaluation.compare import compare
    from tinyvmaf.evaluation.evaluate import Run, evaluate, read_run
    from tinyvmaf.evaluation.loso import loso
    from tinyvmaf.evaluation.mos_folds import loso_opinions
    from tinyvmaf.features.extraction import extract
    from tinyvmaf.features.log_import import read_logs
    from tinyvmaf.features.opinions import join_opinions
    from tinyvmaf.features.table import FeatureTable, compact_table, read_table, write_table
    from tinyvmaf.frontier.measuring import frontier
    from tinyvmaf.media.video import RawFormat
    from tinyvmaf.models.descriptions import describe_model, list_models
    from tinyvmaf.models.model import Model, model_path
    from tinyvmaf.models.model import load_model as load
    from tinyvmaf.models.repair import repair_model
    from tinyvmaf.models.verify import verify
    from tinyvmaf.pairs.scan import scan_corpus
    from tinyvmaf.report.digest import report
    from tinyvmaf.scoring.batch import encodes_of, read_pairs, score_many
    from tinyvmaf.scoring.doctor import doctor
    from tinyvmaf.scoring.encodes import score_ladder
    from tinyvmaf.scoring.result import Score
    from tinyvmaf.scoring.score import choose_mode, make_scorer, score
    from tinyvmaf.training.distillation import export_model
    from tinyvmaf.training.estimator import TinyVmafRegressor
    from tinyvmaf.training.train import train

    __version__: str

__all__ = [
    "FeatureTable",
    "Model",
    "RawFormat",
    "Run",
    "Score",
    "TinyVmafError",
    "TinyVmafRegressor",
    "__version__",
    "build_corpus",
    "choose_mode",
    "compact_table",
    "compare",
    "demo",
    "describe_model",
    "doctor",
    "encodes_of",
    "evaluate",
    "export_model",
    "extract",
    "frontier",
    "join_opinions",
    "list_models",
    "load",
    "loso",
    "loso_opinions",
    "make_scorer",
    "model_path",
    "read_corpus",
    "read_logs",
    "read_pairs",
    "read_run",
    "read_table",
    "repair_model",
    "report",
    "scan_corpus",
    "score",
    "score_ladder",
    "score_many",
    "train",
    "verify",
    "write_table",
]

_HOMES = {
    "FeatureTable": ("features.table", "FeatureTable"),
    "Model": ("models.model", "Model"),
    "RawFormat": ("media.video", "RawFormat"),
    "Run": ("evaluation.evaluate", "Run"),
    "Score": ("scoring.result", "Score"),
    "TinyVmafError": ("errors", "TinyVmafError"),
    "TinyVmafRegressor": ("training.estimator", "TinyVmafRegressor"),
    "build_corpus": ("corpus.build", "build_corpus"),
    "choose_mode": ("scoring.score", "choose_mode"),
    "compact_table": ("features.table", "compact_table"),
    "compare": ("evaluation.compare", "compare"),
    "demo": ("demo", "demo"),
    "describe_model": ("models.descriptions", "describe_model"),
    "doctor": ("scoring.doctor", "doctor"),
    "encodes_of": ("scoring.batch", "encodes_of"),
    "evaluate": ("evaluation.evaluate", "evaluate"),
    "export_model": ("training.distillation", "export_model"),
    "extract": ("features.extraction", "extract"),
    "frontier": ("frontier.measuring", "frontier"),
    "join_opinions": ("features.opinions", "join_opinions"),
    "list_models": ("models.descriptions", "list_models"),
    "load": ("models.model", "load_model"),
    "loso": ("evaluation.loso", "loso"),
    "loso_opinions": ("evaluation.mos_folds", "loso_opinions"),
    "make_scorer": ("scoring.score", "make_scorer"),
    "model_path": ("models.model", "model_path"),
    "read_corpus": ("corpus.reading", "read_corpus"),
    "read_logs": ("features.log_import", "read_logs"),
    "read_pairs": ("scoring.batch", "read_pairs"),
    "read_run": ("evaluation.evaluate", "read_run"),
    "read_table": ("features.table", "read_table"),
    "repair_model": ("models.repair", "repair_model"),
    "report": ("report.digest", "report"),
    "scan_corpus": ("pairs.scan", "scan_corpus"),
    "score": ("scoring.score", "score"),
    "score_ladder": ("scoring.encodes", "score_ladder"),
    "score_many": ("scoring.batch", "score_many"),
    "train": ("training.train", "train"),
    "verify": ("models.verify", "verify"),
    "write_table": ("features.table", "write_table"),
}

_EXTRA_OF = {
    **dict.fromkeys(
        ("FeatureTable", "Run", "TinyVmafRegressor", "compare", "evaluate"), "research"
    ),
    **dict.fromkeys(("extract", "join_opinions", "read_logs", "read_run", "report"), "research"),
    **dict.fromkeys(
        ("compact_table", "frontier", "read_table", "verify", "write_table"), "research"
    ),
    **dict.fromkeys(("demo", "loso", "train"), "train"),
}
"""Name that needs an extra -> the extra."""


def __getattr__(name: str) -> Any:  # noqa: ANN401 (whatever the name stands for)
    """Load and return the object that `name` stands for."""
    if name == "__version__":
        from tinyvmaf.provenance import version

        return version() or "0"
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOMES[name]
    if name in _EXTRA_OF:
        from tinyvmaf.extras import require

        require(_EXTRA_OF[name], what=f"tinyvmaf.{name}")
    found = getattr(import_module(f"{__name__}.{module}"), attribute)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)


class _Package(ModuleType):
    """This package, in which a public function hides the subpackage of its name.

    The import of `tinyvmaf.report` or one of its modules would otherwise replace `tv.report`.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
