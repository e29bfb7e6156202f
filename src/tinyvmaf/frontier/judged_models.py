# SPDX-License-Identifier: Apache-2.0
"""Predictions of models of reduced features for clips of held-out sources.

For sources that a shipped model was trained on, the out-of-fold predictions of its LOSO run are
used instead.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from jaxtyping import Float

from tinyvmaf.errors import SchemaError, UsageError
from tinyvmaf.features.table import FeatureTable
from tinyvmaf.frontier.study import Clip
from tinyvmaf.libvmaf.sets import HALF, KEYS, QUARTER, SIGNAL, SSIM, TARGET, FeatureSet, sets_of
from tinyvmaf.models import zoo
from tinyvmaf.models.model import Model, load_model
from tinyvmaf.parquet import damage
from tinyvmaf.scoring.auxiliary import predicted_score
from tinyvmaf.stats.survey import Auxiliary

if TYPE_CHECKING:
    import polars as pl

_TOLERANCE: Final = 1e-4
_REDUCED: Final = frozenset({HALF, QUARTER, SIGNAL, SSIM})


@dataclass(frozen=True, slots=True)
class Judged:
    """A model's scores of held-out clips.

    Attributes:
        name: The model's name.
        sets: The feature sets that it reads.
        clips: The clips with its scores.
        held_out: True if they are out-of-fold predictions of networks of its architecture.
    """

    name: str
    sets: tuple[FeatureSet, ...]
    clips: tuple[Clip, ...]
    held_out: bool


def reduced_models() -> tuple[Model, ...]:
    """The shipped models that read reduced feature sets only."""
    shipped = map(load_model, zoo.names())
    return tuple(model for model in shipped if set(sets_of(model.features)) <= _REDUCED)


def reduced_model(name: str) -> Model:
    """Load a model of reduced features, by shipped name or from an ONNX file.

    Raises:
        UsageError: there is none, or it reads features of the pass at full size.
        ModelError: the file is invalid.
    """
    model = load_model(name)
    if not set(sets_of(model.features)) <= _REDUCED:
        raise UsageError(f"{name} reads features at full size, where the exact score costs no more")
    return model


def read_predictions(path: Path) -> "pl.DataFrame":
    """Out-of-fold predictions: `source, clip, frame, seed, vmaf, predicted`.

    Raises:
        UsageError: there is no such file.
        SchemaError: it is not a Parquet file, or a column is missing.
    """
    import polars as pl

    if not path.is_file():
        raise UsageError(f"{path}: no such file; predictions.parquet of a LOSO run is one")
    try:
        if reason := damage(path):
            raise SchemaError(f"{path}: not readable predictions: {reason}")
        columns = {
            **dict(zip(KEYS, (pl.String, pl.String, pl.UInt32), strict=True)),
            "seed": pl.Int64,
            TARGET: pl.Float64,
            "predicted": pl.Float64,
        }
        rows = pl.scan_parquet(path, glob=False)
        return rows.select(pl.col(name).cast(kind) for name, kind in columns.items()).collect()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise SchemaError(f"{path}: not readable predictions: {reason}") from error


def judge_model(
    table: FeatureTable, model: Model, *, predictions: "pl.DataFrame | None" = None
) -> Judged:
    """The scores that a model predicts for clips of held-out sources.

    Args:
        table: A table with the feature sets that the model reads.
        model: A model that reads reduced feature sets only.
        predictions: Predictions of its LOSO run, for the sources that it was trained on.

    Raises:
        UsageError: it was trained on all sources and there are no predictions.
        SchemaError: the predictions are of no clip of the table.
    """
    import polars as pl

    sets = sets_of(model.features)
    if predictions is not None:
        clips = _held_out(table, predictions, name=model.name)
        return Judged(model.name, sets, clips, held_out=True)
    seen = model.card.training_sources if model.card is not None else ()
    rows = table.rows.filter(~pl.col("source").is_in(seen))
    if rows.is_empty():
        raise UsageError(
            f"{model.name} was trained on every source of the corpus; name the predictions of its "
            "LOSO run with `predictions`"
        )
    predicted = model.predict(rows.select(model.features).to_numpy()).astype(np.float64)
    clips = tuple(clips_of(rows, [predicted[:, np.newaxis]], predicted_score))
    return Judged(model.name, sets, clips, held_out=False)


def clips_of(
    rows: "pl.DataFrame",
    values: Sequence[Float[np.ndarray, "n_rows n_variables"]],
    make: Callable[[Float[np.ndarray, "n_frames n_variables"]], Auxiliary],
) -> Sequence[Clip]:
    """The clips of a table with their auxiliary variables.

    Args:
        rows: Rows of the table.
        values: The variables of all rows, one array for each seed.
        make: Makes the auxiliary variables of one clip from its values.
    """
    # Rows are sorted, and every clip begins with frame 0.
    starts = np.flatnonzero(rows["frame"].to_numpy() == 0).tolist()
    exact = rows[TARGET].to_numpy()
    return [
        Clip(
            rows["source"][start],
            rows["clip"][start],
            exact[start:end],
            tuple(make(seed[start:end]) for seed in values),
        )
        for start, end in zip(starts, [*starts[1:], len(exact)], strict=True)
    ]


def _held_out(table: FeatureTable, found: "pl.DataFrame", *, name: str) -> tuple[Clip, ...]:
    """The clips whose exact scores are those in the file of predictions.

    Encoders give different bits on different processors: other clips were encoded differently here
    than where the predictions were made.
    """
    import polars as pl

    rows = table.rows.select(*KEYS, TARGET)
    pairs = rows.join(found, on=KEYS, suffix="_then", maintain_order="left")
    differs = (pl.col(TARGET) - pl.col(f"{TARGET}_then")).abs() > _TOLERANCE
    same = pairs.filter(~differs.any().over("source", "clip"))
    seeds = same.sort("seed", *KEYS).partition_by("seed", maintain_order=True)
    if not seeds or any(not part.select(KEYS).equals(seeds[0].select(KEYS)) for part in seeds):
        raise SchemaError(
            f"the predictions of {name}: no clip of the corpus has those frames and scores"
        )
    modelled = [part["predicted"].to_numpy() for part in seeds]
    return tuple(clips_of(seeds[0], [seed[:, np.newaxis] for seed in modelled], predicted_score))
