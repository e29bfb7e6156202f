# SPDX-License-Identifier: Apache-2.0
"""Other splits than leave-one-source-out: a label held out, and a recipe chosen inside the folds.

Leave-one-source-out shows a network every encoder, height or other label of the held-out source's
clips. Here whole values of a label are held out, alone and together with the source, so that the
error can be related to what the network was trained on. A recipe that is chosen by its error on
the folds is judged on sources that took no part in the choice (nested leave-one-source-out).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from jaxtyping import Float

from tinyvmaf.errors import SplitError, UsageError
from tinyvmaf.evaluation.split_records import NestedChoice, NestedFold, RecipeRow, SplitRow
from tinyvmaf.evaluation.sweep import source_error
from tinyvmaf.features.table import FeatureTable
from tinyvmaf.progress import SILENT, Progress
from tinyvmaf.training.recipes import Recipe
from tinyvmaf.typed_json import to_json

if TYPE_CHECKING:
    from tinyvmaf.training.fitting import Fitted

_MIN_GROUPS = 2
_MIN_SOURCES_NESTED = 4


@dataclass(frozen=True, slots=True)
class _Cells:
    """A table whose folds are cells: the clips of one source with one value of a label.

    Attributes:
        table: Its sources are the cells.
        names: (Source, value) of every cell, in order.
    """

    table: FeatureTable
    names: tuple[tuple[str, str], ...]

    def of(self, *, source: str | None = None, value: str | None = None) -> tuple[int, ...]:
        """The positions of the cells that have this source or this value."""
        return tuple(
            position
            for position, cell in enumerate(self.names)
            if source == cell[0] or value == cell[1]
        )


def group_splits(
    table: FeatureTable,
    *,
    group: str,
    arch: str,
    recipe: Recipe,
    seed: int,
    progress: Progress = SILENT,
) -> list[dict[str, Any]]:
    """Every frame predicted under three splits: its source, its group, or both unseen.

    Args:
        table: The frames; `group` is one of its labels.
        group: Name of the label, such as `encoder`.
        arch: Arch of the networks.
        recipe: Their training settings.
        seed: Seed of all networks.
        progress: Told of training steps.

    Returns:
        A row of the record for every split.

    Raises:
        UsageError: the table has no such label, or it is missing for a clip.
        SplitError: the label has one value, or a source and a value leave nothing to train on.
    """
    from tinyvmaf.training.fitting import fit

    cells = _cells(table, group)
    sources = tuple(dict.fromkeys(source for source, _ in cells.names))
    values = tuple(sorted({value for _, value in cells.names}))
    if len(values) < _MIN_GROUPS:
        raise SplitError(f"{group} is {values[0]} in every clip; a split needs two values")
    held_out: dict[Literal["source", "group", "both"], list[tuple[int, ...]]] = {
        "source": [cells.of(source=source) for source, _ in cells.names],
        "group": [cells.of(value=value) for _, value in cells.names],
        "both": [cells.of(source=source, value=value) for source, value in cells.names],
    }
    for (source, value), out in zip(cells.names, held_out["both"], strict=True):
        if len(out) == len(cells.names):
            raise SplitError(
                f"without {source} and without {group} {value} no clip is left to train on"
            )
    everything = list(dict.fromkeys(out for outs in held_out.values() for out in outs))
    fitted = fit(
        cells.table, arch=arch, recipe=recipe, held_out=everything, seeds=[seed], progress=progress
    )
    rows: list[dict[str, Any]] = []
    for split, outs in held_out.items():
        errors = [_squared(cells.table, fitted[out, seed], k) for k, out in enumerate(outs)]
        by_source = {name: _rmse_of(errors, cells, source=name) for name in sources}
        by_group = {name: _rmse_of(errors, cells, value=name) for name in values}
        found = np.array(list(by_source.values()))
        row = SplitRow(
            split=split,
            group=group,
            source_seen=split == "group",
            group_seen=split == "source",
            networks=len(set(outs)),
            rmse=float(found.mean()),
            std=float(found.std(ddof=1)) if len(found) > 1 else None,
            by_source=by_source,
            by_group=by_group,
        )
        rows.append(to_json(row))
    return rows


def nested_choice(
    table: FeatureTable,
    recipes: Sequence[Recipe],
    *,
    arch: str,
    seed: int,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Choose a recipe inside the training sources of every fold, and judge the choice outside.

    The inner folds of outer source k leave out one more source j. A network without j and k serves
    outer fold k and outer fold j, so that n sources take n (n - 1) / 2 + n networks a recipe.

    Args:
        table: The frames.
        recipes: Those to choose from, at least two, with different names.
        arch: Arch of the networks.
        seed: Seed of all networks.
        progress: Told of training steps.

    Raises:
        UsageError: fewer than two recipes, or two of one name.
        SplitError: fewer than four sources.
    """
    from tinyvmaf.training.fitting import fit

    names = [recipe.name for recipe in recipes]
    if len(set(names)) < 2 or len(set(names)) < len(names):  # noqa: PLR2004 (a choice)
        raise UsageError(f"recipes {', '.join(names)}: a choice needs two, of different names")
    n = len(table.sources)
    if n < _MIN_SOURCES_NESTED:
        raise SplitError(f"nested folds need {_MIN_SOURCES_NESTED} sources, this table has {n}")
    pairs = [(j, k) for j in range(n) for k in range(j + 1, n)]
    held_out = [*pairs, *((k,) for k in range(n))]
    inner = np.full((len(recipes), n, n), np.nan)
    outer = np.empty((len(recipes), n))
    for number, recipe in enumerate(recipes):
        fitted = fit(
            table, arch=arch, recipe=recipe, held_out=held_out, seeds=[seed], progress=progress
        )
        for j, k in pairs:
            network = fitted[(j, k), seed].network
            inner[number, k, j] = source_error(table, network, j)
            inner[number, j, k] = source_error(table, network, k)
        for k in range(n):
            outer[number, k] = source_error(table, fitted[(k,), seed].network, k)
    # The error of a choice for outer fold k is the mean over its inner folds, which never saw k.
    of_choice = np.nanmean(inner, axis=2)
    best = of_choice.argmin(axis=0)
    folds = tuple(
        NestedFold(
            source=source,
            recipe=names[best[k]],
            inner_rmse=float(of_choice[best[k], k]),
            rmse=float(outer[best[k], k]),
        )
        for k, source in enumerate(table.sources)
    )
    found = np.array([fold.rmse for fold in folds])
    return to_json(
        NestedChoice(
            recipes=tuple(
                RecipeRow(
                    recipe=name,
                    rmse=float(outer[number].mean()),
                    chosen_in=int((best == number).sum()),
                    settings=asdict(recipes[number]),
                )
                for number, name in enumerate(names)
            ),
            rmse=float(found.mean()),
            std=float(found.std(ddof=1)),
            folds=folds,
        )
    )


def _cells(table: FeatureTable, group: str) -> _Cells:
    import polars as pl

    if group not in table.info.labels:
        known = ", ".join(table.info.labels) or "none"
        raise UsageError(f"no label {group!r} in this table; its labels are: {known}")
    values = pl.col(group)
    if table.rows.schema[group].is_numeric() and (table.rows[group] % 1 == 0).all():
        values = values.cast(pl.Int64)  # heights are whole numbers, and are written so
    values = values.cast(pl.String)
    if missing := table.rows[group].null_count():
        raise UsageError(f"label {group} is missing in {missing} rows; give every clip one")
    # A separator that sorts before every letter keeps the cells of a source together.
    named = table.rows.with_columns(
        pl.concat_str("source", values, separator="\x1f").alias("source")
    ).sort("source", "clip", "frame")
    cells = FeatureTable(named, table.info)
    names = (name.split("\x1f", 1) for name in cells.sources)
    return _Cells(cells, tuple((source, value) for source, value in names))


def _squared(table: FeatureTable, fitted: "Fitted", position: int) -> Float[np.ndarray, " own"]:
    own = table.blocks[position]
    return np.square(fitted.network.predict(table.features[own]) - table.target[own])


def _rmse_of(
    errors: Sequence[Float[np.ndarray, " own"]],
    cells: _Cells,
    *,
    source: str | None = None,
    value: str | None = None,
) -> float:
    own = np.concatenate([errors[position] for position in cells.of(source=source, value=value)])
    return float(np.sqrt(own.mean()))
