# SPDX-License-Identifier: Apache-2.0
"""Opinion scores of clips, from the CSV files that studies publish, joined by clip name.

A file holds a mean opinion score for each clip, with or without its confidence interval or standard
deviation, or the votes themselves: one row for each vote, or one column for each subject. The
column that names the clip is found from its values. Unmatched entries are reported on both sides;
names must match exactly.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tinyvmaf.errors import CorpusError, SchemaError
from tinyvmaf.features.log_names import Label, NamedLog, number, read_rows, stem
from tinyvmaf.features.schema import MOS, MOS_CI
from tinyvmaf.features.table import FeatureTable, as_table, make_table, write_table
from tinyvmaf.features.table_records import JOIN_SCHEMA, JoinRecord
from tinyvmaf.files import check_writable
from tinyvmaf.storage import address

N_VOTES = "n_votes"
"""The label that holds the number of subjects that rated a clip."""

_MOS = ("mos", "mean_opinion_score", "mean")
_CI = ("mos_ci", "ci", "ci95", "ci_95", "confidence", "confidence_interval")
_STD = ("mos_std", "std", "sd", "stddev", "sos")
_COUNT = ("n_votes", "n", "votes", "n_subjects", "count")
_VOTE = ("vote", "rating", "score", "opinion")
# Logs are often named after their video, with an ending.
_ENDINGS = ("_vmaf", "-vmaf", ".vmaf", "_log")
_LEVEL = 0.975


@dataclass(frozen=True, slots=True)
class Joined:
    """Logs with opinions as labels, and the unmatched clips of both sides.

    Attributes:
        logs: All of them, in their order.
        without_opinion: The clips without an opinion score, as `source/clip`.
        without_log: Names of clips of the opinions file that have no log.
    """

    logs: tuple[NamedLog, ...]
    without_opinion: tuple[str, ...] = ()
    without_log: tuple[str, ...] = ()


def join_to_logs(logs: Sequence[NamedLog], path: Path) -> Joined:
    """Join the opinions in the CSV file at `path` to `logs` by the names of the clips.

    Raises:
        CorpusError: it holds no opinions, a value is not a number, a clip occurs twice, or no clip
            of it is among the logs.
    """
    columns, rows = read_rows(path)
    names = {_key(log.clip) for log in logs} | {_key(log.path.name) for log in logs}
    column = _clip_column(columns, rows, names, path)
    opinions = _opinions(columns, rows, column, path)
    found, used, without = list[NamedLog](), set[str](), list[str]()
    empty: dict[str, Label] = dict.fromkeys(next(iter(opinions.values())))
    for log in logs:
        key = next((k for k in (_key(log.clip), _key(log.path.name)) if k in opinions), None)
        if key is None:
            without.append(f"{log.source}/{log.clip}")
        else:
            used.add(key)
        known = empty if key is None else opinions[key]
        found.append(replace(log, labels={**log.labels, **known}))
    spoken = {_key(row[column]): row[column] for row in rows}
    unused = tuple(sorted(spoken[key] for key in opinions if key not in used))
    return Joined(tuple(found), tuple(without), unused)


@dataclass(frozen=True, slots=True, repr=False)
class JoinedTable:
    """A table with opinions as labels, and the unmatched clips of both sides.

    Attributes:
        table: The table.
        without_opinion: The clips without an opinion score, as `source/clip`.
        without_row: Names of clips of the opinions file that the table does not have.
        output: The file that was written, if any.
    """

    table: FeatureTable
    without_opinion: tuple[str, ...]
    without_row: tuple[str, ...]
    output: Path | None = None

    @property
    def record(self) -> JoinRecord:
        """The record, `tinyvmaf.join/1`."""
        return JoinRecord(
            schema=JOIN_SCHEMA,
            table=None if self.output is None else address(self.output),
            clips=self.table.n_clips,
            judged=self.table.n_clips - len(self.without_opinion),
            sha256=self.table.sha256,
            labels=self.table.info.labels,
            without_opinion=self.without_opinion,
            without_row=self.without_row,
        )

    def __repr__(self) -> str:
        judged = self.table.n_clips - len(self.without_opinion)
        return f"<JoinedTable, opinions of {judged} of {self.table.n_clips} clips>"


def join_opinions(
    table: FeatureTable | Path | str, opinions: Path | str, *, output: Path | str | None = None
) -> JoinedTable:
    """Join opinion scores to the clips of a table, by the clips' names, as labels.

    Args:
        table: The table, or its path.
        opinions: A CSV file with a mean opinion score for each clip, or with the votes.
        output: The Parquet file to write the table to, if any.

    Raises:
        CorpusError: the file holds no opinions, a value is not a number, a clip occurs twice, or no
            clip of it is in the table.
        SchemaError: the table has opinions already.
        UsageError: a file does not exist, or the table cannot be written.
    """
    import polars as pl

    target = None if output is None else Path(output)
    if target is not None:
        check_writable(target)
    table, path = as_table(table), Path(opinions)

    clips = [
        NamedLog(path=Path(clip), source=source, clip=clip, labels={})
        for source, clip in table.clips.select("source", "clip").iter_rows()
    ]
    joined = join_to_logs(clips, path)
    names = tuple(joined.logs[0].labels)
    twins = sorted(set(names) & set(table.rows.columns))
    if twins:
        raise SchemaError(f"{path}: the table has a column {', '.join(twins)} already")
    labels = pl.DataFrame(
        [{"source": log.source, "clip": log.clip, **log.labels} for log in joined.logs],
        schema={"source": pl.String, "clip": pl.String, **dict.fromkeys(names, pl.Float64)},
    )
    rows = table.rows.join(labels, on=["source", "clip"], how="left", maintain_order="left")
    info = replace(table.info, labels=(*table.info.labels, *names))
    labelled = make_table(rows, info, origin=str(path))
    if target is not None:
        write_table(labelled, target)
    return JoinedTable(labelled, joined.without_opinion, joined.without_log, target)


def _key(name: str) -> str:
    """The comparable part of a clip's name, without folder, suffix and log ending."""
    bare = stem(name.replace("\\", "/")).lower()
    for ending in _ENDINGS:
        bare = bare.removesuffix(ending)
    return bare


def _clip_column(
    columns: Sequence[str], rows: Sequence[Mapping[str, str]], names: set[str], path: Path
) -> str:
    """The column whose values are the names of most clips."""
    matches = {name: len({_key(row[name]) for row in rows} & names) for name in columns}
    best = max(matches, key=lambda name: matches[name], default=None)
    if best is None or not matches[best]:
        example = f"; the first log is {min(names)}" if names else ""
        raise CorpusError(f"{path}: no column holds names of clips that the logs have{example}")
    return best


def _opinions(
    columns: Sequence[str], rows: Sequence[Mapping[str, str]], column: str, path: Path
) -> dict[str, dict[str, Label]]:
    """Clip -> its labels."""
    named = {name.lower().replace(" ", "_"): name for name in columns if name != column}
    mean = _first(named, _MOS)
    if mean is not None:
        return _means(rows, column=column, mean=mean, named=named, path=path)
    vote = _first(named, _VOTE)
    votes: defaultdict[str, list[float]] = defaultdict(list)
    wanted = _subjects(columns, rows) if vote is None else [vote]
    if not wanted:
        raise CorpusError(
            f"{path}: no opinions; found {', '.join(columns)}; expected a column mos, a column "
            "vote with a row a vote, or a numbered column a subject (such as s1, s2, ...)"
        )
    seen = set[str]()
    for line, row in enumerate(rows, start=2):
        key = _key(row[column])
        if vote is None and key in seen:
            raise CorpusError(f"{path}, line {line}: clip {row[column]} occurs twice")
        seen.add(key)
        votes[key] += [_value(row, name, f"{path}, line {line}") for name in wanted if row[name]]
    return {key: _summary(found) for key, found in votes.items() if found}


def _subjects(columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> list[str]:
    """The numbered columns of votes, one for each subject: the largest group, at least two."""
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for name in columns:
        if name[-1:].isdigit() and all(number(row[name]) is not None for row in rows if row[name]):
            alike[name.rstrip("0123456789")].append(name)
    most = max(alike.values(), key=len, default=[])
    return most if len(most) > 1 else []


def _means(
    rows: Sequence[Mapping[str, str]],
    *,
    column: str,
    mean: str,
    named: Mapping[str, str],
    path: Path,
) -> dict[str, dict[str, Label]]:
    interval, spread, count = (_first(named, names) for names in (_CI, _STD, _COUNT))
    found: dict[str, dict[str, Label]] = {}
    for line, row in enumerate(rows, start=2):
        where, key = f"{path}, line {line}", _key(row[column])
        if key in found:
            raise CorpusError(f"{where}: clip {row[column]} occurs twice")
        labels: dict[str, Label] = {MOS: _value(row, mean, where)}
        n_votes = _value(row, count, where) if count and row[count] else None
        if interval is not None:
            labels[MOS_CI] = _value(row, interval, where) if row[interval] else None
        elif spread is not None and n_votes is not None and row[spread]:
            labels[MOS_CI] = _half_width(_value(row, spread, where), int(n_votes))
        if count is not None:
            labels[N_VOTES] = n_votes
        found[key] = labels
    return found


def _summary(votes: Sequence[float]) -> dict[str, Label]:
    from statistics import fmean, stdev

    spread = stdev(votes) if len(votes) > 1 else None
    half = None if spread is None else _half_width(spread, len(votes))
    return {MOS: fmean(votes), MOS_CI: half, N_VOTES: float(len(votes))}


def _half_width(spread: float, n_votes: int) -> float | None:
    """Half the 95 % interval of a mean by Student's t, as in ITU-T P.910; None for one vote."""
    from scipy.stats import t

    return None if n_votes < 2 else float(t.ppf(_LEVEL, n_votes - 1)) * spread / n_votes**0.5  # noqa: PLR2004


def _first(named: Mapping[str, str], wanted: Iterable[str]) -> str | None:
    return next((named[name] for name in wanted if name in named), None)


def _value(row: Mapping[str, str], name: str, where: str) -> float:
    found = number(row[name])
    if found is None:
        raise CorpusError(f"{where}: {name} is {row[name]!r}, expected a number")
    return found
