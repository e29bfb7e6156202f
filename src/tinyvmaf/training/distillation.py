# SPDX-License-Identifier: Apache-2.0
"""Exporting a model for other programs; for libvmaf, a network is distilled first.

Libvmaf runs no networks, but support-vector regressions. One learns the model's own scores on the
rows of a table. The error that it adds is measured on sources that it did not see: it is distilled
again without each of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from jaxtyping import Bool, Float

from tinyvmaf.errors import SplitError, UsageError
from tinyvmaf.features.table import FeatureTable, as_table
from tinyvmaf.models.bundle import TARGETS, Target, export_bundle
from tinyvmaf.models.model import Model, load_model
from tinyvmaf.models.support_vectors import SupportVectors
from tinyvmaf.training.svr_fitting import fit_support_vectors

_MIN_SOURCES = 2


@dataclass(frozen=True, slots=True)
class Distilled:
    """A distilled regression and the error that it adds to the model's own, in VMAF points.

    Attributes:
        machine: Learnt from all sources.
        added_rmse: RMSE of its scores against the model's, over sources held out in turn.
        added_largest: The largest such difference.
        model_rmse: The model's error on the table, against its teacher.
        machine_rmse: The same error of regressions that were distilled without the source.
        n_sources: Sources of the table.
        n_frames: Frames of the table.
    """

    machine: SupportVectors
    added_rmse: float
    added_largest: float
    model_rmse: float
    machine_rmse: float
    n_sources: int
    n_frames: int

    def __str__(self) -> str:
        return (
            f"distilled from {self.n_frames} frames of {self.n_sources} sources: on sources that "
            f"it did not see it adds RMSE {self.added_rmse:.3f} (largest {self.added_largest:.2f}) "
            f"VMAF points to the model; against the teacher RMSE {self.machine_rmse:.3f}, the "
            f"model itself {self.model_rmse:.3f}"
        )


@dataclass(frozen=True, slots=True)
class Exported:
    """The files of an exported model.

    Attributes:
        files: Their paths, the model's first.
        distilled: The regression that libvmaf runs in place of a network; None if the model itself
            was exported.
    """

    files: tuple[Path, ...]
    distilled: Distilled | None = None


def export_model(
    model: Model | Path | str,
    folder: Path | str,
    *,
    to: str = "onnx",
    distil_on: FeatureTable | Path | str | None = None,
    features: Sequence[str] | None = None,
) -> Exported:
    """Write a model's files for other programs: model, card, golden vectors as CSV, licence.

    Args:
        model: A loaded model, a shipped model's name, or an ONNX file.
        folder: Made if it is not there; other files in it stay.
        to: `onnx` for any program, `libvmaf` for libvmaf and ffmpeg, `vmafx` for VMAFx.
        distil_on: For `libvmaf`: the feature table on which to distil support vectors from a
            network; models of the arch `svr` need none.
        features: Order of the inputs, for a file that does not record it.

    Raises:
        UsageError: that program cannot run the model, or the folder cannot be written.
        ModelError: the model cannot be used, or its weights lie in another file.
        SplitError: the table has one source, so that the added error cannot be measured.
    """
    if to not in TARGETS:
        raise UsageError(f"`to='{to}'`: expected one of {', '.join(TARGETS)}")
    if distil_on is not None and to != "libvmaf":
        raise UsageError("`distil_on` is for `to='libvmaf'`: other programs run the network itself")
    loaded = model if isinstance(model, Model) else load_model(model, features=features)
    found = None if distil_on is None else distil(loaded, as_table(distil_on))
    machine = None if found is None else found.machine
    files = export_bundle(loaded, Path(folder), to=cast("Target", to), machine=machine)
    return Exported(files, found)


def distil(model: Model, table: FeatureTable) -> Distilled:
    """Distil a support-vector regression from `model` on the rows of `table`.

    Raises:
        SplitError: the table has one source, so that the added error cannot be measured.
        UsageError: a feature that the model reads is missing in the table.
    """
    if len(table.sources) < _MIN_SOURCES:
        raise SplitError(
            f"the table has one source ({table.sources[0]}); distilling needs "
            f"{_MIN_SOURCES} or more to measure the error that it adds"
        )
    features = table.rows.select(model.features).to_numpy()
    scores = model.predict(table.rows).astype(np.float64)
    apart = np.empty(len(scores))
    for position in range(len(table.sources)):
        out = table.source_index == position
        apart[out] = _fit(model, features, scores, ~out).predict(features[out])
    added = apart - scores
    return Distilled(
        machine=_fit(model, features, scores, np.ones(len(scores), dtype=bool)),
        added_rmse=_rms(added),
        added_largest=float(np.abs(added).max()),
        model_rmse=_rms(scores - table.target),
        machine_rmse=_rms(apart - table.target),
        n_sources=len(table.sources),
        n_frames=len(scores),
    )


def _fit(
    model: Model,
    features: Float[np.ndarray, "n n_features"],
    scores: Float[np.ndarray, " n"],
    own: Bool[np.ndarray, " n"],
) -> SupportVectors:
    columns = np.column_stack([features[own], scores[own]])
    deviation = columns.std(axis=0)
    return fit_support_vectors(
        features=columns[:, :-1],
        target=columns[:, -1],
        names=model.features,
        shift=columns.mean(axis=0),
        scale=np.where(deviation > 0, deviation, 1.0),
    )


def _rms(differences: Float[np.ndarray, " n"]) -> float:
    return float(np.sqrt(np.mean(np.square(differences))))
