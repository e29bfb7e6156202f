# SPDX-License-Identifier: Apache-2.0
"""The choice of a network's inputs among the columns of a table.

Without a choice the inputs are those of the table's teacher, since a network with the same inputs
can learn the teacher; a table without them is used as it is, with a note.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tinyvmaf.errors import UsageError
from tinyvmaf.features.table import FeatureTable
from tinyvmaf.libvmaf.model_inputs import find_columns, model_inputs, teachers_columns
from tinyvmaf.libvmaf.sets import ALL, SETS


@dataclass(frozen=True, slots=True)
class Chosen:
    """A table whose `info.features` are the chosen inputs.

    Attributes:
        table: All of the rows and columns, so that its hash is that of the whole table.
        note: For the reader, if the inputs are not those of the teacher; else empty.
    """

    table: FeatureTable
    note: str = ""


def choose_features(table: FeatureTable, features: str | Sequence[str] | None = None) -> Chosen:
    """The table with the inputs that were asked for, or with those of its teacher.

    Args:
        table: The frames.
        features: Names of columns or of feature sets, `all`, or `teacher`; None is `teacher`.
            Text may list several, separated by commas. The options that libvmaf puts behind a
            name may be left out.

    Raises:
        UsageError: a name is none of the table's columns, or occurs twice.
    """
    columns = table.info.features
    if features is None or features == "teacher":
        return _of_teacher(table)
    asked = features.split(",") if isinstance(features, str) else list(features)
    names = [name.strip() for name in asked]
    if names == [ALL]:
        return Chosen(table)
    chosen: list[str] = []
    for name in names:
        wanted = SETS[name].columns if name in SETS else (name,)
        found = find_columns(wanted, columns)
        if found is None:
            raise UsageError(
                f"features {name}: not in this table, which has {', '.join(columns)}; "
                f"name columns of it, feature sets ({', '.join(SETS)}) or {ALL}"
            )
        chosen += found
    if len(set(chosen)) < len(chosen):
        raise UsageError(f"features {','.join(names)}: a feature occurs twice")
    return Chosen(_with(table, chosen))


def _of_teacher(table: FeatureTable) -> Chosen:
    inputs = model_inputs(table.info.teacher)
    if inputs is None:
        return Chosen(table)
    found = teachers_columns(table.info.teacher, table.info.features)
    if found is None:
        return Chosen(
            table,
            f"{table.info.teacher} reads {', '.join(inputs)}, which this table lacks; the networks "
            f"read {', '.join(table.info.features)} instead, and may miss what the teacher sees",
        )
    return Chosen(_with(table, found))


def _with(table: FeatureTable, features: Sequence[str]) -> FeatureTable:
    if tuple(features) == table.info.features:
        return table
    return FeatureTable(table.rows, replace(table.info, features=tuple(features)))
