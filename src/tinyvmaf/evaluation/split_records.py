# SPDX-License-Identifier: Apache-2.0
"""Records of other splits than by source, and of a recipe chosen inside the folds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class SplitRow:
    """Every frame predicted by networks that had not seen its source, its group, or both.

    Attributes:
        split: Held out: `source`, `group` or `both`.
        group: Name of the label that groups the clips.
        source_seen: True if the networks trained on other clips of the frame's source.
        group_seen: True if the networks trained on other clips of the frame's group.
        networks: Networks that were trained.
        rmse: Mean over sources of their RMSE, in VMAF points.
        std: Standard deviation over sources, ddof 1.
        by_source: Source -> RMSE.
        by_group: Value of the label -> RMSE of its frames.
    """

    split: Literal["source", "group", "both"]
    group: str
    source_seen: bool
    group_seen: bool
    networks: int
    rmse: float
    std: float | None
    by_source: Mapping[str, float]
    by_group: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class RecipeRow:
    """A recipe that nested folds could choose.

    Attributes:
        recipe: Its name.
        rmse: Mean RMSE over the outer folds if it were always taken, in VMAF points.
        chosen_in: Outer folds that chose it.
        settings: The recipe itself.
    """

    recipe: str
    rmse: float
    chosen_in: int
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NestedFold:
    """The choice of one outer fold.

    Attributes:
        source: Held out.
        recipe: Chosen by the inner folds.
        inner_rmse: Its mean RMSE over the inner folds, in VMAF points.
        rmse: Its RMSE on the held-out source.
    """

    source: str
    recipe: str
    inner_rmse: float
    rmse: float


@dataclass(frozen=True, slots=True)
class NestedChoice:
    """The error of choosing a recipe by its error: nested leave-one-source-out.

    Attributes:
        recipes: Those that could be chosen.
        rmse: Mean over the outer folds of the chosen recipe's RMSE, in VMAF points.
        std: Standard deviation over the outer folds, ddof 1.
        folds: The choice of every outer fold.
    """

    recipes: tuple[RecipeRow, ...]
    rmse: float
    std: float
    folds: tuple[NestedFold, ...]
