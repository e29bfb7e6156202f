# SPDX-License-Identifier: Apache-2.0
"""Export of trained models: the ONNX file, its card, and a check of both.

The returned model was loaded from the written files, through every check of a model from elsewhere.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tinyvmaf.features.table import FeatureTable
from tinyvmaf.libvmaf.sets import sets_of
from tinyvmaf.models.card import Card, Loso, Residuals, domain, golden
from tinyvmaf.models.model import Model, load_model
from tinyvmaf.models.onnx_file import to_onnx
from tinyvmaf.models.support_vectors import Regressor
from tinyvmaf.provenance import command_line, sha256, versions
from tinyvmaf.swap import write_together

LICENCE = "Apache-2.0"


def export_model(
    network: Regressor,
    *,
    path: Path,
    table: FeatureTable,
    training_sources: Sequence[str],
    arch: str,
    recipe: Mapping[str, Any],
    seed: int,
    training_rmse: float,
    loso: Loso | str,
    calibration: Sequence[Residuals] = (),
    name: str | None = None,
    teacher: str | None = None,
    command: str | None = None,
    notes: Sequence[str] = (),
) -> Model:
    """Write `network` as `path` (ONNX) with its card beside it, and load it back.

    Args:
        network: The trained model.
        path: The `.onnx` file; the card gets the suffix `.json`.
        table: The table that it was trained on.
        training_sources: Names of the sources that it was trained on.
        arch: Name of its architecture.
        recipe: All other settings of the training.
        seed: Seed of its initial weights and batches.
        training_rmse: RMSE on its training rows, in VMAF points.
        loso: Its error on held-out sources, or the reason why there is none.
        calibration: Residuals of held-out clips, for intervals.
        name: The model's name; by default the file's.
        teacher: What it predicts; by default the score of the table's teacher.
        command: The command that made it; by default this program's own.
        notes: Notes for the reader of the card.

    Raises:
        UsageError: the files cannot be written.
        ModelError: the written model does not load, or its scores differ from the network's.
    """
    import polars as pl

    data = to_onnx(network)
    own = pl.col("source").is_in(list(training_sources))
    features = table.rows.lazy().filter(own).select(network.features).collect().to_numpy()
    card = Card(
        name=name or path.stem,
        sha256=sha256(data),
        arch=arch,
        n_params=network.n_params,
        feature_set=_feature_set(network.features),
        features=network.features,
        teacher=teacher or table.info.teacher,
        training_sources=tuple(training_sources),
        training_rmse=training_rmse,
        table_sha256=table.sha256,
        recipe=recipe,
        seeds=(seed,),
        loso=None if isinstance(loso, str) else loso,
        loso_absent=loso if isinstance(loso, str) else None,
        domain=domain(features, names=network.features),
        calibration=tuple(calibration),
        golden=golden(network, features),
        licence=LICENCE,
        command=command or command_line(),
        versions={**table.info.versions, **versions("onnx")},
        notes=tuple(notes),
    )
    write_together({path: data, path.with_suffix(".json"): card.to_json().encode()})
    return load_model(path)


def _feature_set(features: tuple[str, ...]) -> str | None:
    """The names of the sets that `features` are, as `--features` takes them."""
    sets = sets_of(features)
    whole = features == tuple(column for item in sets for column in item.columns)
    return ",".join(item.name for item in sets) if whole else None
