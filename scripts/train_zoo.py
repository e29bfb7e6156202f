# SPDX-License-Identifier: Apache-2.0
"""Train the models that ship, measure them on held-out real sources, and write them with cards.

    python scripts/train_zoo.py broad/broad.parquet
    python scripts/train_zoo.py broad_v1/broad.parquet --only tinyvmaf_small_vmaf1_v1

Every real source of the broad table is held out once; photographs in motion and synthetic sources
train in every fold and never judge; sources of the hold-out are refused. The model that ships is
trained on all sources. Its out-of-fold predictions and what is needed to repeat the run go to
`docs/models/runs/NAME.parquet` and `.json`; a test computes the card's figures from them again.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Final

import polars as pl
import typer

from source_list import Source, read_sources
from tinyvmaf.cli.console import TERMINAL, show
from tinyvmaf.errors import TinyVmafError, UsageError
from tinyvmaf.evaluation.card_figures import loso_figures, residuals
from tinyvmaf.features.table import FeatureTable, make_table, read_table
from tinyvmaf.files import write_text
from tinyvmaf.libvmaf.sets import CANONICAL6, FULL, HALF, KEYS, QUARTER, TARGET, FeatureSet
from tinyvmaf.libvmaf.teacher import DEFAULT
from tinyvmaf.models.card import Loso
from tinyvmaf.models.export import export_model
from tinyvmaf.models.zoo import ZOO
from tinyvmaf.parquet import write_parquet
from tinyvmaf.provenance import file_sha256, versions
from tinyvmaf.training.feature_choice import choose_features
from tinyvmaf.training.fitting import Fitted, fit
from tinyvmaf.training.recipes import Recipe, load_recipe

ROOT: Final = Path(__file__).resolve().parent.parent
RUNS: Final = ROOT / "docs" / "models" / "runs"
RECIPES: Final = ROOT / "recipes"
SCHEMA: Final = "tinyvmaf.zoo-run/1"
COMMAND: Final = (
    "python scripts/fetch_sources.py sources && "
    "python scripts/build_broad.py sources broad && "
    "python scripts/train_zoo.py broad/broad.parquet"
)
COMMAND_V1: Final = (
    "python scripts/train_zoo.py corpora/tables/broad_vmaf1.parquet --only tinyvmaf_small_vmaf1_v1"
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a model is: its shape, the sets that it reads, its recipe, the seeds of its evidence.

    Without sets it reads what its teacher reads. The first seed's network ships.
    """

    arch: str
    sets: tuple[FeatureSet, ...]
    seeds: tuple[int, ...]
    recipe: str = "zoo.toml"
    teacher: str = DEFAULT
    command: str = COMMAND

    def of(self, table: FeatureTable) -> FeatureTable:
        """The table with the features that the model reads, in order.

        Raises:
            UsageError: another model labelled the table, or it lacks what its teacher reads.
        """
        if table.info.teacher != self.teacher:
            raise UsageError(f"labelled by {table.info.teacher}, expected {self.teacher}")
        if self.sets:
            features = tuple(column for item in self.sets for column in item.columns)
            return make_table(table.rows, replace(table.info, features=features))
        chosen = choose_features(table)
        if chosen.note:
            raise UsageError(chosen.note)
        return make_table(table.rows, chosen.table.info)


PLANS: Final = {
    "tinyvmaf_small_v1": Plan("mlp_small", (FULL,), (0,)),
    "tinyvmaf_medium_v1": Plan("mlp_medium", (FULL,), (0,)),
    "tinyvmaf_half_v1": Plan("mlp_mid", (HALF,), (0, 1, 2, 3, 4), "zoo_half.toml"),
    "tinyvmaf_quarter_v1": Plan("mlp_mid", (QUARTER,), (0, 1, 2, 3, 4), "zoo_quarter.toml"),
    "tinyvmaf_small_vmaf1_v1": Plan(
        "mlp_small", (), (0,), teacher="vmaf_v1.0.16_3d0h", command=COMMAND_V1
    ),
}
_REFITTED: Final = (
    "The LOSO error describes the procedure: the weights that ship have seen every training source."
)
_BESIDE: Final = (
    "The same network on the six features that vmaf_v0.6.1 reads has a LOSO RMSE of "
    "{rmse:.3f} ± {std:.3f}: they do not tell what this teacher sees."
)


def train_zoo(
    table: Annotated[Path, typer.Argument(help="The table that build_broad.py made.")],
    *,
    only: Annotated[list[str] | None, typer.Option(help="A model's name; repeatable.")] = None,
) -> None:
    """Train, measure and write the models."""
    listed = {source.name: source for source in read_sources()}
    rows = read_table(table)
    _check(rows, listed)
    for name in only or _unpublished(rows.info.teacher):
        plan = _plan(name)
        recipe = load_recipe(str(RECIPES / plan.recipe))
        beside = None if plan.sets else _six_features(rows, plan, listed, recipe)
        loso = _train(name, plan, plan.of(rows), listed, recipe, beside=beside)
        show(
            f"{name}: LOSO RMSE {loso.rmse:.4f} over {loso.n_sources} sources, worst "
            f"{loso.worst_rmse:.4f} ({loso.worst_source}); clips {loso.clip_rmse:.4f}"
        )


def judges(table: FeatureTable, listed: Mapping[str, Source]) -> list[int]:
    """The positions of the sources that are held out in turn: the real ones."""
    return [index for index, name in enumerate(table.sources) if listed[name].kind == "clip"]


def _unpublished(teacher: str) -> list[str]:
    return [
        name
        for name, plan in PLANS.items()
        if plan.teacher == teacher and not (ZOO / f"{name}.onnx").exists()
    ]


def _plan(name: str) -> Plan:
    if name not in PLANS:
        raise UsageError(f"unknown model {name!r}; expected one of {', '.join(PLANS)}")
    if (ZOO / f"{name}.onnx").exists():
        raise UsageError(f"{name} is published, and a published file never changes; plan a new one")
    return PLANS[name]


def _check(table: FeatureTable, listed: Mapping[str, Source]) -> None:
    unknown = [name for name in table.sources if name not in listed]
    if unknown:
        raise UsageError(f"{', '.join(unknown)}: not in the list of sources")
    held_out = [name for name in table.sources if listed[name].hold_out]
    if held_out:
        raise UsageError(f"{', '.join(held_out)}: held out, so no model may be trained on them")


def _six_features(
    rows: FeatureTable, plan: Plan, listed: Mapping[str, Source], recipe: Recipe
) -> Loso:
    """The error of the same network on the six features that another teacher reads."""
    table = make_table(rows.rows, replace(rows.info, features=CANONICAL6))
    judging = judges(table, listed)
    held_out = [(index,) for index in judging]
    fitted = fit(table, arch=plan.arch, recipe=recipe, held_out=held_out, progress=TERMINAL)
    predictions = pl.concat(
        _held_out(table, index, seed=0, fitted=fitted[(index,), 0]) for index in judging
    )
    return loso_figures(predictions, protocol=_protocol(table, judging, 1), run="canonical6")


def _train(
    name: str,
    plan: Plan,
    table: FeatureTable,
    listed: Mapping[str, Source],
    recipe: Recipe,
    *,
    beside: Loso | None,
) -> Loso:
    judging = judges(table, listed)
    fitted = fit(
        table,
        arch=plan.arch,
        recipe=recipe,
        held_out=[*((index,) for index in judging), ()],
        seeds=plan.seeds,
        progress=TERMINAL,
    )
    predictions = pl.concat(
        _held_out(table, index, seed=seed, fitted=fitted[(index,), seed])
        for seed in plan.seeds
        for index in judging
    )
    path = RUNS / f"{name}.parquet"
    write_parquet(predictions, path)
    loso = loso_figures(predictions, protocol=_protocol(table, judging, len(plan.seeds)), run=name)
    shipped = fitted[(), plan.seeds[0]]
    export_model(
        shipped.network,
        path=ZOO / f"{name}.onnx",
        table=table,
        training_sources=table.sources,
        arch=plan.arch,
        recipe=asdict(recipe),
        seed=plan.seeds[0],
        training_rmse=shipped.train_rmse,
        loso=loso,
        calibration=residuals(predictions),
        command=plan.command,
        notes=(
            _REFITTED,
            f"The run is docs/models/runs/{name}.json of the repository.",
            *([] if beside is None else [_BESIDE.format(rmse=beside.rmse, std=beside.rmse_std)]),
        ),
    )
    record = _record(name, plan, table, judging=judging, recipe=recipe, fitted=fitted, loso=loso)
    if beside is not None:
        record["beside"] = {"features": list(CANONICAL6), "loso": asdict(beside)}
    text = json.dumps({**record, "predictions": file_sha256(path)}, indent=1) + "\n"
    write_text(path.with_suffix(".json"), text)
    return loso


def _held_out(table: FeatureTable, index: int, *, seed: int, fitted: Fitted) -> pl.DataFrame:
    """The rows of one source, predicted by the network that has not seen it."""
    own = table.source_index == index
    return table.rows.filter(pl.lit(own)).select(
        *KEYS,
        pl.lit(seed, dtype=pl.Int64).alias("seed"),
        TARGET,
        pl.Series("predicted", fitted.network.predict(table.features[own])),
    )


def _protocol(table: FeatureTable, judging: list[int], n_seeds: int) -> str:
    others = len(table.sources) - len(judging)
    return (
        f"leave-one-source-out over {len(judging)} real sources, "
        f"{'one network' if n_seeds == 1 else f'{n_seeds} networks'} for each, trained on "
        f"all other sources; {others} sources of moving photographs and synthetic pictures train "
        "in every fold and never judge"
    )


def _record(
    name: str,
    plan: Plan,
    table: FeatureTable,
    *,
    judging: list[int],
    recipe: Recipe,
    fitted: Mapping[Any, Fitted],
    loso: Loso,
) -> dict[str, Any]:
    """Everything that is needed to repeat the run, and each fold's training error."""
    return {
        "schema": SCHEMA,
        "name": name,
        "arch": plan.arch,
        "recipe": asdict(recipe),
        "seed": plan.seeds[0],
        "seeds": list(plan.seeds),
        "table": {
            "rows": table.rows.height,
            "clips": table.n_clips,
            "sha256": table.sha256,
            "sources": list(table.sources),
        },
        "folds": [
            {
                "source": table.sources[index],
                "train_rmse": fitted[(index,), plan.seeds[0]].train_rmse,
            }
            for index in judging
        ],
        "loso": asdict(loso),
        "command": plan.command,
        "versions": {**table.info.versions, **versions("jax", "jaxlib", "numpy", "onnx")},
    }


if __name__ == "__main__":
    try:
        typer.run(train_zoo)
    except TinyVmafError as error:
        TERMINAL.fail(str(error))
        sys.exit(error.exit_status)
