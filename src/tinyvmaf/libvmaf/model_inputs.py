# SPDX-License-Identifier: Apache-2.0
"""The features that a libvmaf model reads, found in the model itself.

A model in a file lists them. Models built into libvmaf lie as JSON inside the program: a list
belongs to a model if the model's own log has every feature of it. Logs put the options of a feature
behind its name, as in `adm2_egl_1`.
"""

import json
import mmap
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from tinyvmaf.errors import TinyVmafError
from tinyvmaf.libvmaf.logs import PREFIXES
from tinyvmaf.libvmaf.sets import CANONICAL6
from tinyvmaf.libvmaf.teacher import DEFAULT
from tinyvmaf.media.ffmpeg import find_ffmpeg, generated_frame_log

_LIST = re.compile(rb'"feature_names"\s*:\s*\[([^\]]{1,2000})\]')
_NAME = re.compile(r"^[A-Za-z_]+?_(?:integer_)?feature_(.+)_score$")
_OPTIONS = r"(?:_[a-z]+(?:_[0-9.]+)?)+"


def find_columns(names: Sequence[str], columns: Sequence[str]) -> tuple[str, ...] | None:
    """The columns that hold these features, with whatever options; None if one is missing.

    Example:
        >>> find_columns(["adm2"], ["vif_scale0", "adm2_egl_1"])
        ('adm2_egl_1',)
    """
    found: list[str] = []
    for name in names:
        options = re.compile(re.escape(name) + _OPTIONS)
        own = [column for column in columns if column == name or options.fullmatch(column)]
        if not own:
            return None
        found.append(name if name in own else own[0])
    return tuple(found)


def model_inputs(teacher: str) -> tuple[str, ...] | None:
    """The features that a teacher reads, without prefix and options; None if they are unknown.

    Args:
        teacher: Its label, as a table carries it: a built-in model's name.
    """
    found = _inputs(teacher)
    return None if found is None else found[0]


def teachers_columns(teacher: str, columns: Sequence[str]) -> tuple[str, ...] | None:
    """The columns that hold a teacher's inputs; None if one is missing or they are unknown.

    A table may also hold the same features with other options, such as `adm3` beside `adm3_csf_2`:
    those that the model's own log has come first.
    """
    found = _inputs(teacher)
    if found is None:
        return None
    names, logged = found
    return logged if set(logged) <= set(columns) else find_columns(names, columns)


@cache
def _inputs(teacher: str) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The inputs of a model by their names alone, and as the model's own log calls them."""
    if teacher == DEFAULT:
        return CANONICAL6, CANONICAL6
    try:
        ffmpeg = find_ffmpeg(None).path
        log = generated_frame_log(ffmpeg, model=f"version={teacher}")
    except TinyVmafError:
        return None
    logged = [_without_prefix(name) for name in log["frames"][0]["metrics"]]
    found = {names: find_columns(names, logged) for names in _lists(ffmpeg)}
    fitting = {names: columns for names, columns in found.items() if columns is not None}
    if not fitting:
        return None
    names = max(fitting, key=len)
    if set(names) == set(CANONICAL6):
        names = CANONICAL6
    return names, find_columns(names, logged) or names


def _without_prefix(name: str) -> str:
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name


@cache
def _lists(program: Path) -> tuple[tuple[str, ...], ...]:
    """Every distinct list of features of the models inside a program."""
    found: dict[tuple[str, ...], None] = {}
    with program.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for match in _LIST.finditer(data):
            try:
                names = json.loads(b"[" + match[1] + b"]")
            except ValueError:
                continue
            matches = [_NAME.match(name) for name in names if isinstance(name, str)]
            if matches and all(matches):
                found[tuple(each[1] for each in matches if each)] = None
    return tuple(found)
