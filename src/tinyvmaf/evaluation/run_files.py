# SPDX-License-Identifier: Apache-2.0
"""The files of a run, which a sweep writes and from which all else is computed.

`run.json` says how to repeat it, `predictions.parquet` has every out-of-fold prediction,
`baselines.parquet` those of the models beside it, `fold_<Source>/` the fold's models. Every table
and chart derives from these files, so that a reader can compute them again.
"""

import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tinyvmaf.errors import SchemaError, UsageError
from tinyvmaf.evaluation.metric_records import Protocol, TableFacts
from tinyvmaf.evaluation.predictions import read_rows
from tinyvmaf.files import write_text
from tinyvmaf.parquet import damage, write_parquet
from tinyvmaf.swap import complete, rewritten
from tinyvmaf.text import json_text
from tinyvmaf.typed_json import from_json

if TYPE_CHECKING:
    import polars as pl

SCHEMA = "tinyvmaf.run/1"
PREDICTIONS = "predictions.parquet"
BASELINES = "baselines.parquet"
RECORD = "run.json"
DIGEST = ("loso_*_eval.json", "loso_*_eval.md", "loso_*_eval.html", "charts/*.svg", "charts/*.png",
          "charts/*.pdf", "tables/*.csv", "tables/*.tex")  # fmt: skip
"""The files of a run's report, as patterns."""

_FILES = (RECORD, PREDICTIONS, BASELINES, "fold_*/*.onnx", "fold_*/*.json", "baselines/*.onnx",
          "baselines/*.json", *DIGEST)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FoldFacts:
    """Training facts of the network that is judged on `source`, for one seed."""

    source: str
    seed: int
    n_train: int
    steps: int
    train_rmse: float


@dataclass(frozen=True, slots=True)
class RunFacts:
    """Everything that is needed to repeat a run, and facts that its predictions do not hold.

    Attributes:
        arch, n_params: The network.
        recipe: Name of the recipe.
        recipe_settings: The recipe itself.
        seeds: One sweep over all folds each.
        teacher, features: The teacher and the features of the table.
        table: Rows, sources, clips, sha256 and origin of the table.
        folds: Training facts for every held-out source and seed.
        held_out: The sources of every fold, if folds hold several; else empty.
        baselines: Name -> description.
        seconds: Wall time of each stage.
        applicability: Source -> dissimilarity of its features to those of the training sources.
        doubling: The change by twice the steps, and its sources; None if it was not tried.
        learning_curve: Error against the number of training sources; None if it was not asked for.
        splits: Other splits than by source; None if they were not asked for.
        nested: The choice of a recipe inside the folds; None if it was not asked for.
        command: The call that made the run.
        versions: Package -> version.
    """

    arch: str
    n_params: int
    recipe: str
    recipe_settings: Mapping[str, Any]
    seeds: tuple[int, ...]
    teacher: str
    features: tuple[str, ...]
    table: Mapping[str, Any]
    folds: tuple[FoldFacts, ...]
    held_out: tuple[tuple[str, ...], ...] = ()
    baselines: Mapping[str, str] = field(default_factory=dict[str, str])
    seconds: Mapping[str, float] = field(default_factory=dict[str, float])
    applicability: Mapping[str, Mapping[str, float]] = field(
        default_factory=dict[str, Mapping[str, float]]
    )
    doubling: Mapping[str, Any] | None = None
    learning_curve: Sequence[Mapping[str, Any]] | None = None
    splits: Sequence[Mapping[str, Any]] | None = None
    nested: Mapping[str, Any] | None = None
    command: str = ""
    versions: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, repr=False)
class RunFiles:
    """The files of a run in memory.

    Attributes:
        facts: Everything that is needed to repeat it.
        predictions: `source, clip, frame, seed, vmaf, predicted`, a row per frame and seed.
        baselines: `model, seen, source, clip, frame, vmaf, predicted`.
    """

    facts: RunFacts
    predictions: "pl.DataFrame"
    baselines: "pl.DataFrame"


def table_facts(facts: RunFacts) -> TableFacts:
    """The table of a run."""
    return from_json(TableFacts, facts.table, at="table")


def protocol(facts: RunFacts) -> Protocol:
    """The protocol: each source held out alone, or whole sources in folds, which are listed."""
    return Protocol(
        name="folds of whole sources" if facts.held_out else "leave-one-source-out",
        n_folds=len(facts.held_out) or len({fold.source for fold in facts.folds}),
        held_out=facts.held_out,
    )


def folder_name(fold: str) -> str:
    """`fold_<Fold>`, with characters escaped that a file system or a shell could mistake."""
    return f"fold_{quote(fold, safe='')}" if not fold.isidentifier() else f"fold_{fold}"


@contextmanager
def run_folder(folder: Path) -> Generator[Path]:
    """Yield a folder to write a run and its digest into; on success it takes `folder`'s place.

    A previous run in `folder` is removed as a whole; other files there stay.

    Raises:
        UsageError: the folder cannot be written, or another command writes into it.
    """
    with rewritten(folder, head=RECORD, is_ours=is_of_a_run) as new:
        yield new


def is_of_a_run(path: PurePath) -> bool:
    """Return True if the path, relative to a folder, is a file of a run or of its digest."""
    return is_one_of(path, _FILES)


def is_one_of(path: PurePath, patterns: Sequence[str]) -> bool:
    """Return True if the path, relative to a run's folder, fits one of the patterns."""
    return any(
        path.match(pattern) and len(path.parts) == len(PurePath(pattern).parts)
        for pattern in patterns
    )


def write_run(run: RunFiles, folder: Path) -> None:
    """Write the run's tables and `run.json`; the record comes last and marks the run as whole.

    Raises:
        UsageError: the folder cannot be written.
    """
    for name, rows in ((PREDICTIONS, run.predictions), (BASELINES, run.baselines)):
        write_parquet(rows, folder / name)
    record = {"schema": SCHEMA, **asdict(run.facts)}
    write_text(folder / RECORD, json_text(record, indent=2) + "\n")


def read_files(folder: Path) -> RunFiles:
    """Read a run that `write_run` wrote.

    Raises:
        UsageError: there is no run in this folder.
        SchemaError: a file of it is damaged or of another version.
    """
    import polars as pl

    path = folder / RECORD
    complete(path)
    if not path.is_file():
        raise UsageError(f"{folder}: no run here (no {RECORD}); `tinyvmaf loso ... -o` makes one")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if record.pop("schema") != SCHEMA:
            raise SchemaError(f"{path}: written with another schema than {SCHEMA}; run again")
        record["folds"] = tuple(FoldFacts(**fold) for fold in record["folds"])
        for name in ("seeds", "features"):
            record[name] = tuple(record[name])
        record["held_out"] = tuple(map(tuple, record.get("held_out", ())))
        facts = RunFacts(**record)
        for name in (PREDICTIONS, BASELINES):
            if reason := damage(folder / name):
                raise SchemaError(f"{folder}: damaged run ({name}: {reason}); run it again")
        predictions, baselines = (read_rows(folder / name) for name in (PREDICTIONS, BASELINES))
    except (
        *(KeyError, TypeError, ValueError, AttributeError, RecursionError, OSError),
        pl.exceptions.PolarsError,
    ) as error:
        if isinstance(error, SchemaError):
            raise
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SchemaError(f"{folder}: damaged run ({reason}); run it again") from error
    return RunFiles(facts, predictions, baselines)


def refuse_other_table(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
    """Refuse to compare runs that were not made from one table, as `RunFacts.table` names it.

    Raises:
        UsageError: the tables differ; the message names the differences.
    """
    if ours["sha256"] == theirs["sha256"]:
        return
    differ = [
        f"{name} {ours[name]} against {theirs[name]}"
        for name in ("rows", "sources", "clips", "sha256")
        if ours[name] != theirs[name]
    ]
    raise UsageError(f"these runs come from different tables: {'; '.join(differ)}")
