# SPDX-License-Identifier: Apache-2.0
"""From what training made to a model on disk: the ONNX file, its card, and a check of both.

The model that is returned was loaded back from what was written, through every check that a
stranger's model passes.
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
    command: str | None = None,
    notes: Sequence[str] = (),
) -> Model:
    """Write `network` as `path` (ONNX) with its card beside it, and load it back.

    Args:
        network: What training made.
        path: The `.onnx` file; the card gets the suffix `.json`.
        table: The table that it was trained on.
        training_sources: Names of the sources whose rows it saw.
        arch: Name of its shape.
        recipe: Everything else that training needed.
        seed: Of its initial weights and batches.
        training_rmse: On its training rows, in VMAF points.
        loso: Its error on held-out sources, or the reason why there is none.
        calibration: Residuals of held-out clips, for intervals.
        name: Of the model; by default the file's.
        command: That made it; by default this program's own.
        notes: For the reader of the card.

    Raises:
        UsageError: the files cannot be written.
        ModelError: what was written does not load or compute what the network does.
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
        teacher=table.info.teacher,
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
