# SPDX-License-Identifier: Apache-2.0
"""Source, clip and labels of logs: from a pattern for their names, a manifest, or their folders.

Paths of logs and folders are turned into a sorted list of named logs, and a list of files that have
no name, with the reason. Only the manifest is opened.
"""

import csv
import io
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePath
from string import Formatter
from typing import Any

from tinyvmaf.corpus.pair import Problem
from tinyvmaf.errors import CorpusError, UsageError
from tinyvmaf.files import read_bytes
from tinyvmaf.libvmaf.foreign_logs import SUFFIXES
from tinyvmaf.libvmaf.sets import KEYS

Label = str | float | None
"""Text, or a number that may be missing."""

_GZ = ".gz"
_VIDEO = re.compile(
    r"\.(mkv|mp4|mov|webm|avi|y4m|yuv|264|265|h264|h265|hevc|ivf|obu|ts|m4v|mxf|nut|rgb)$",
    re.IGNORECASE,
)
_FIELD = re.compile(r"[a-z][a-z0-9_]*", re.IGNORECASE)
_NO_LABELS = frozenset({"log", "source", "clip", "reference", "distorted"})
# Columns of a video manifest that describe raw files.
_GEOMETRY = frozenset({"width", "height", "pix_fmt", "fps"})
_FREE = frozenset({"source", "clip"})


@dataclass(frozen=True, slots=True)
class NamedLog:
    """A log, and the names and labels of its rows.

    Attributes:
        path: The file.
        source: Name of the content.
        clip: Name of the distorted version.
        labels: Label -> the clip's value.
    """

    path: Path
    source: str
    clip: str
    labels: Mapping[str, Label]


@dataclass(frozen=True, slots=True)
class NamedLogs:
    """The named logs, sorted by source and clip, and the files without a name."""

    logs: tuple[NamedLog, ...]
    left_out: tuple[Problem, ...]


def name_logs(
    paths: Sequence[Path], *, pattern: str | None = None, manifest: Path | None = None
) -> NamedLogs:
    """Name the logs at `paths`: by their folders, unless a pattern or a manifest is given.

    Args:
        paths: Logs, and folders that are searched for logs; may be empty with a manifest that has
            a column `log`.
        pattern: Such as `{source}_{kbps}kbps_{height}p_{encoder}.json`. Slashes in it stand for
            folders. `source` and `clip` may hold anything, the others no `_` and no slash; without
            `{clip}` the clip is named after its file, with the folders of the pattern.
        manifest: A CSV file with a column `source`, and `log` (a path relative to the manifest),
            `clip` or `distorted`, by which a log is found; other columns become labels.

    Raises:
        UsageError: a path does not exist, the pattern is invalid, or both are given.
        CorpusError: the manifest is wrong, no log has a name, or two logs have one name.
    """
    if pattern is not None and manifest is not None:
        raise UsageError("`pattern` and `manifest` contradict each other; give one of them")
    files, left_out = _files(paths)
    if manifest is not None:
        found, more = _by_manifest(files, manifest)
    else:
        name = _by_folder if pattern is None else _by_pattern(pattern)
        found, more = list[NamedLog](), list[Problem]()
        for path, root in files:
            named = name(path, root)
            found += [named] if isinstance(named, NamedLog) else []
            more += [named] if isinstance(named, Problem) else []
    left_out += more
    left_out += [
        Problem(log.path, "its name is not UTF-8; rename it") for log in found if _is_odd(log)
    ]
    found = [log for log in found if not _is_odd(log)]
    if not found:
        first = f"; {left_out[0].path}: {left_out[0].reason}" if left_out else ""
        raise CorpusError(f"no log found that fits{first}")
    found = _typed(found)
    found.sort(key=lambda log: (log.source, log.clip))
    for one, other in pairwise(found):
        if (one.source, one.clip) == (other.source, other.clip):
            raise CorpusError(
                f"{one.path} and {other.path} are both clip {one.clip} of source {one.source}; "
                "give them different names with `pattern` or `manifest`"
            )
    return NamedLogs(tuple(found), tuple(left_out))


def _is_odd(log: NamedLog) -> bool:
    """True if a name holds bytes of a file's name that are not text, which no table can hold."""
    names = (log.source, log.clip, *map(str, log.labels.values()))
    return any("\ud800" <= sign <= "\udfff" for name in names for sign in name)


def stem(name: str) -> str:
    """The name of a log's or video's file without folder and suffixes.

    Example:
        >>> stem("logs/a_1.5x.json.gz"), stem("a_1.5x.mp4"), stem("a_1.5x")
        ('a_1.5x', 'a_1.5x', 'a_1.5x')
    """
    name = PurePath(name).name.removesuffix(_GZ)
    for suffix in SUFFIXES:
        name = name.removesuffix(suffix)
    return _VIDEO.sub("", name)


def read_rows(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """The columns and rows of a CSV file, separated by comma, semicolon or tab.

    Raises:
        CorpusError: it is not readable, or a row has more values than there are columns.
    """
    try:
        text = read_bytes(path).decode("utf-8-sig")
        first = text.partition("\n")[0]
        separator = max(",;\t", key=first.count)
        reader = csv.DictReader(
            io.StringIO(text, newline=""), restval="", strict=True, delimiter=separator
        )
        columns = [name.strip() for name in reader.fieldnames or []]
        reader.fieldnames = columns
        rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(f"{path}: not a readable CSV file: {error}") from error
    twins = {name for name in columns if columns.count(name) > 1}
    if twins:
        raise CorpusError(f"{path}: two columns are called {min(twins)!r}")
    if any(None in row for row in rows):
        raise CorpusError(f"{path}: a line has more values than there are columns")
    return columns, [{name: value.strip() for name, value in row.items()} for row in rows]


def _files(paths: Sequence[Path]) -> tuple[list[tuple[Path, Path | None]], list[Problem]]:
    """Every log with the folder that it was found in, and all other files."""
    files, others = dict[Path, Path | None](), list[Problem]()
    for path in paths:
        if path.is_dir():
            below = sorted(each for each in path.rglob("*") if each.is_file())
            visible = [each for each in below if not each.name.startswith(".")]
            logs = [each for each in visible if _is_log(each)]
            files.update(dict.fromkeys(logs, path))
            if len(visible) > len(logs):
                more = sorted(set(visible) - set(logs))
                others.append(Problem(more[0], f"no log by its suffix ({len(more)} such files)"))
        elif path.is_file():
            files.setdefault(path, None)
        else:
            raise UsageError(f"{path}: no such log or folder")
    return list(files.items()), others


def _is_log(path: Path) -> bool:
    return path.name.removesuffix(_GZ).endswith(SUFFIXES)


def _by_folder(path: Path, root: Path | None) -> NamedLog | Problem:
    """The log, named by its folder below `root`, or by its own folder if given as a file."""
    if root is None:
        return NamedLog(path, path.absolute().parent.name, stem(path.name), {})
    inner = path.relative_to(root)
    if len(inner.parts) == 1:
        return Problem(
            path, "is in no folder of a source; put it into one, or use `pattern` or `manifest`"
        )
    clip = "/".join((*inner.parts[1:-1], stem(inner.name)))
    return NamedLog(path, inner.parts[0], clip, {})


def _by_pattern(pattern: str) -> Callable[[Path, Path | None], NamedLog | Problem]:
    expression = _expression(pattern)
    depth = pattern.count("/") + 1
    whole_name = pattern.removesuffix(_GZ).endswith(SUFFIXES)

    def name(path: Path, _: Path | None) -> NamedLog | Problem:
        parts = path.absolute().parts[-depth:]
        last = parts[-1].removesuffix("" if pattern.endswith(_GZ) else _GZ)
        if not whole_name:
            last = stem(last)
        match = expression.fullmatch("/".join((*parts[:-1], last)))
        if match is None:
            return Problem(path, f"does not fit the pattern {pattern}")
        fields = match.groupdict()
        clip = fields.pop("clip", None) or "/".join((*parts[:-1], stem(path.name)))
        return NamedLog(path, fields.pop("source"), clip, fields)

    return name


def _expression(pattern: str) -> re.Pattern[str]:
    try:
        pieces = list(Formatter().parse(pattern))
    except ValueError as error:
        raise UsageError(f"`pattern='{pattern}'`: {error}") from error
    fields, written = set[str](), ""
    for text, field, spec, conversion in pieces:
        written += re.escape(text)
        if field is None:
            continue
        if spec or conversion or not _FIELD.fullmatch(field):
            raise UsageError(f"`pattern='{pattern}'`: expected names in braces, found {field!r}")
        _check_label(field, f"`pattern='{pattern}'`")
        if field in fields:
            written += f"(?P={field})"
        else:
            written += f"(?P<{field}>{'[^/]+' if field in _FREE else '[^/_]+'})"
        fields.add(field)
    if "source" not in fields:
        raise UsageError(f"`pattern='{pattern}'`: no {{source}} in it")
    return re.compile(written)


def _check_label(name: str, where: str) -> None:
    if name in KEYS and name not in _FREE:
        raise UsageError(f"{where}: a label cannot be called {name}")


def _by_manifest(
    files: Sequence[tuple[Path, Path | None]], manifest: Path
) -> tuple[list[NamedLog], list[Problem]]:
    """Name logs by the manifest's column `log` or, without it, by clip or video name."""
    columns, rows = read_rows(manifest)
    if "source" not in columns or not {"log", "clip", "distorted"} & set(columns):
        raise CorpusError(
            f"{manifest}: found {', '.join(columns) or 'no columns'}; logs need `source`, and "
            "`log`, `clip` or `distorted`"
        )
    by_path = "log" in columns
    key = "log" if by_path else "distorted" if "distorted" in columns else "clip"
    no_labels = _NO_LABELS | (_GEOMETRY if "reference" in columns else frozenset())
    labels = [name for name in columns if name not in no_labels]
    for label in labels:
        _check_label(label, str(manifest))
    known: dict[str, NamedLog] = {}
    for line, row in enumerate(rows, start=2):
        where = f"{manifest}, line {line}"
        if not row["source"] or not row[key]:
            raise CorpusError(f"{where}: no value for {'source' if not row['source'] else key}")
        path = manifest.parent / row[key]
        clip = row.get("clip") or stem(row[key])
        name = str(path.absolute()) if by_path else stem(row[key])
        if name in known:
            raise CorpusError(f"{where}: {row[key]} occurs twice")
        known[name] = NamedLog(path, row["source"], clip, {label: row[label] for label in labels})
    if by_path and not files:
        files = [(log.path, None) for log in known.values()]
    found, left_out, used = list[NamedLog](), list[Problem](), set[str]()
    for path, _ in files:
        name = str(path.absolute()) if by_path else stem(path.name)
        log = known.get(name) or known.get(name.removesuffix("_vmaf"))
        if log is None:
            left_out.append(Problem(path, f"no row of {manifest} names it"))
        else:
            found.append(NamedLog(path, log.source, log.clip, log.labels))
            used |= {name, name.removesuffix("_vmaf")}
    left_out += [Problem(known[name].path, "no such log") for name in known if name not in used]
    return found, left_out


def _typed(logs: Sequence[NamedLog]) -> list[NamedLog]:
    """The logs, with labels as numbers where all values are numbers or empty."""
    names = logs[0].labels
    numeric = {name for name in names if _all_numbers(log.labels[name] for log in logs)}
    return [NamedLog(log.path, log.source, log.clip, _converted(log, numeric)) for log in logs]


def _all_numbers(values: Iterable[Any]) -> bool:
    found = [number(value) for value in values if value]
    return bool(found) and None not in found


def _converted(log: NamedLog, numeric: set[str]) -> dict[str, Label]:
    return {name: number(value) if name in numeric else value for name, value in log.labels.items()}


def number(value: Any) -> float | None:  # noqa: ANN401 (any value of a file)
    """The finite number that `value` stands for; None if it is none."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None
