# SPDX-License-Identifier: Apache-2.0
"""Frozen dataclasses to JSON and back, key by key: fields are keys, in their order.

A field with `metadata=OMIT` is left out of the JSON where it has its default. Unknown or missing
keys and values of another type are refused with their place.
"""

import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from tinyvmaf.errors import SchemaError

OMIT: Mapping[str, bool] = {"omit": True}
"""Metadata of a field that is left out where it has its default."""

_Record = TypeVar("_Record")


def to_json(record: object) -> Any:  # noqa: ANN401 (what JSON holds)
    """Dictionaries, lists and plain values for `json.dumps`."""
    if is_dataclass(record) and not isinstance(record, type):
        return {
            each.name: to_json(getattr(record, each.name))
            for each in fields(record)
            if not _left_out(each, getattr(record, each.name))
        }
    if isinstance(record, Mapping):
        return {str(key): to_json(value) for key, value in record.items()}
    if isinstance(record, list | tuple):
        return [to_json(value) for value in record]
    return record


def from_json(kind: type[_Record], value: object, *, at: str = "record") -> _Record:
    """The record of `kind` whose `to_json` is `value`.

    Raises:
        SchemaError: a key is unknown or missing, or a value has another type.
    """
    return _read(kind, value, at)


def _left_out(each: "Field[Any]", value: object) -> bool:
    if not each.metadata.get("omit"):
        return False
    if each.default is not MISSING:
        return value == each.default
    return each.default_factory is not MISSING and value == each.default_factory()


def _read(kind: Any, value: Any, at: str) -> Any:  # noqa: ANN401, PLR0911 (a type of any kind)
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        (inner,) = (each for each in arguments if each is not type(None))
        return _read(inner, value, at)
    if origin is Literal:
        return _checked(value, value in arguments, f"one of {', '.join(map(str, arguments))}", at)
    if is_dataclass(kind):
        return _dataclass(kind, value, at)
    if origin is tuple:
        _checked(value, isinstance(value, Sequence) and not isinstance(value, str), "a list", at)
        return tuple(_read(arguments[0], each, f"{at}[{n}]") for n, each in enumerate(value))
    if origin is not None and issubclass(origin, Mapping):
        _checked(value, isinstance(value, Mapping), "an object", at)
        return {key: _read(arguments[1], each, f"{at}.{key}") for key, each in value.items()}
    if kind is float:
        fits = isinstance(value, int | float) and not isinstance(value, bool)
        return float(_checked(value, fits, "a number", at))
    fits = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    return _checked(value, fits, kind.__name__, at)


def _dataclass(kind: Any, value: Any, at: str) -> Any:  # noqa: ANN401 (a dataclass of any kind)
    _checked(value, isinstance(value, Mapping), "an object", at)
    hints, known = get_type_hints(kind), {each.name: each for each in fields(kind)}
    unknown = [key for key in value if key not in known]
    missing = [
        name
        for name, each in known.items()
        if name not in value and each.default is MISSING and each.default_factory is MISSING
    ]
    for words, names in (("unknown", unknown), ("missing", missing)):
        if names:
            raise SchemaError(f"{at}: {words} key {', '.join(map(str, names))}")
    return kind(**{key: _read(hints[key], each, f"{at}.{key}") for key, each in value.items()})


def _checked(value: Any, fits: bool, expected: str, at: str) -> Any:  # noqa: ANN401, FBT001
    if not fits:
        raise SchemaError(f"{at} is {value!r:.60}, expected {expected}")
    return value
