# SPDX-License-Identifier: Apache-2.0
"""Write the published JSON Schemas from the typed records, and the page that shows their fields.

    python scripts/schemas.py

Every field of a record is a property: its type comes from the annotation, its description from the
class's docstring, its unit from the list below. The card's schema is written by hand, since it
holds more than types. A field without a description or a number without a unit is refused. Out go
`src/tinyvmaf/schemas/NAME.json` and `docs/reference/records.md`; a test holds them to the records.
"""

import inspect
import json
import re
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from tinyvmaf.evaluation.records import (
    COMPARE_SCHEMA,
    EVALUATION_SCHEMA,
    LOSO_SCHEMA,
    OPINION_SCHEMA,
    CompareRecord,
    EvaluationRecord,
    LosoRecord,
    OpinionRecord,
)
from tinyvmaf.features.table_records import (
    EXTRACT_SCHEMA,
    IMPORT_SCHEMA,
    JOIN_SCHEMA,
    ExtractRecord,
    ImportRecord,
    JoinRecord,
)
from tinyvmaf.files import write_text
from tinyvmaf.frontier.frontier_record import SCHEMA as FRONTIER_SCHEMA
from tinyvmaf.frontier.frontier_record import FrontierRecord
from tinyvmaf.models.descriptions import LIST_SCHEMA, MODEL_SCHEMA, ModelDescription, ModelList
from tinyvmaf.models.verify import VERIFICATION_SCHEMA, VerificationRecord
from tinyvmaf.pairs.scan import SCHEMA as SCAN_SCHEMA
from tinyvmaf.pairs.scan import ScanRecord
from tinyvmaf.scoring.costs import COSTS_SCHEMA, CostsRecord
from tinyvmaf.scoring.doctor import SCHEMA as DOCTOR_SCHEMA
from tinyvmaf.scoring.doctor import DoctorRecord
from tinyvmaf.scoring.score_record import (
    FAILURE_SCHEMA,
    LADDER_SCHEMA,
    SCORE_SCHEMA,
    FailureRecord,
    LadderRecord,
    ScoreRecord,
)

ROOT: Final = Path(__file__).resolve().parents[1]
SCHEMAS: Final = ROOT / "src" / "tinyvmaf" / "schemas"
PAGE: Final = ROOT / "docs" / "reference" / "records.md"

_SIMPLE: Final = {str: "string", bool: "boolean", int: "integer", float: "number"}
_POINTS: Final = "VMAF points"
_METRIC: Final = "that of the metric"
_EFFECT: Final = "that of the effect"
_UNITS: Final = {
    "1": """
        plcc srocc krocc change icc_clip icc_source within between level alpha accuracy p p_adjusted
        nadeau_bengio_p wilcoxon_p smallest_p deleted_t_p bias_share slope_share residual_share
        saturated_share corrected_plcc dissimilarity outside_share RankingRow.low RankingRow.high
        share unseen_probability times_cheaper times_cheaper_measured covered covered_of_sources
        worst_covered exact_share spare_share
    """,
    _POINTS: """
        rmse rmse_std mae bias largest limit frame_weighted source_weighted sd_per_fold
        se_headline threshold sd_teacher seed_sd rmse_mean rmse_low rmse_high rmse_star
        SplitRow.std NestedChoice.std
        by_source by_group per_source mean harmonic_mean min p1 p5 p10 interval vmaf half_width
        percentiles at_least
        rmse_of_sources DifferenceRecord.mean OptimismRow.effect OptimismRow.low OptimismRow.high
    """,
    _METRIC: """
        OverFolds.mean OverFolds.std OverFolds.worst Interval.estimate Interval.low Interval.high
        difference difference_low difference_high margin
        ClipStatistic.estimate ClipStatistic.low ClipStatistic.high
    """,
    _EFFECT: "ComparisonRow.effect ComparisonRow.low ComparisonRow.high mde",
    "frames": "n_eff_clip n_eff_source MethodRecord.exact_frames",
    "decodes of both videos": "MethodRecord.decodes",
    "pairs of clips": "n_errors",
    "ms": "cpu_ms",
    "kbit/s": "bitrate_kbps bitrate_interval_kbps",
    "CRF": "crf",
    "s": "seconds time_s cpu_s libvmaf_cpu_s",
    "frames/s": "fps",
    "percent": "percentile",
}
_UNIT_OF: Final = {name: unit for unit, names in _UNITS.items() for name in names.split()}


_HEAD: Final = """\
# Records

Written by `make pages` from the schemas in `src/tinyvmaf/schemas/`, which are part of the package.
The JSON that tinyvmaf writes for other programs has exactly these fields. An optional field without
a value is omitted, and an undefined number is null. The unit `1` stands for shares, probabilities
and correlations; counts have no unit.
"""


class Unstated(Exception):  # noqa: N818 (what was found)
    """A field without a description, or a number without a unit."""


@dataclass(frozen=True, slots=True)
class Published:
    """A record that is published.

    Attributes:
        file: The schema's file name, without its suffix.
        identifier: The value of the record's field `schema`.
        record: The typed record; None for a schema that is written by hand.
        written_by: The commands that write it.
        points: The unit of errors and scores.
    """

    file: str
    identifier: str
    record: type | None
    written_by: str
    points: str = _POINTS


PUBLISHED: Final = (
    Published("score", SCORE_SCHEMA, ScoreRecord, "`tinyvmaf score --json`"),
    Published("failure", FAILURE_SCHEMA, FailureRecord, "`tinyvmaf score --json` in a list"),
    Published("ladder", LADDER_SCHEMA, LadderRecord, "`tinyvmaf score --json` of several encodes"),
    Published("loso", LOSO_SCHEMA, LosoRecord, "`tinyvmaf loso`, `tinyvmaf report --json`"),
    Published("compare", COMPARE_SCHEMA, CompareRecord, "`tinyvmaf compare --json`"),
    Published("evaluation", EVALUATION_SCHEMA, EvaluationRecord, "`tinyvmaf evaluate --json`"),
    Published(
        "opinions",
        OPINION_SCHEMA,
        OpinionRecord,
        "`tinyvmaf loso --target mos`",
        points="points of the opinion scale",
    ),
    Published("scan", SCAN_SCHEMA, ScanRecord, "`tinyvmaf corpus scan --json`"),
    Published("extract", EXTRACT_SCHEMA, ExtractRecord, "`tinyvmaf extract --json`"),
    Published("import", IMPORT_SCHEMA, ImportRecord, "`tinyvmaf table import --json`"),
    Published("join", JOIN_SCHEMA, JoinRecord, "`tinyvmaf table join --json`"),
    Published("frontier", FRONTIER_SCHEMA, FrontierRecord, "`tinyvmaf frontier`"),
    Published("costs", COSTS_SCHEMA, CostsRecord, "`tinyvmaf frontier`, beside `frontier.json`"),
    Published("doctor", DOCTOR_SCHEMA, DoctorRecord, "`tinyvmaf doctor --json`"),
    Published("models", LIST_SCHEMA, ModelList, "`tinyvmaf models list --json`"),
    Published("model", MODEL_SCHEMA, ModelDescription, "`tinyvmaf models show --json`"),
    Published(
        "verification", VERIFICATION_SCHEMA, VerificationRecord, "`tinyvmaf models verify --json`"
    ),
    Published("card", "tinyvmaf.card/1", None, "`tinyvmaf train`, beside every model"),
)


def schema_of(published: Published) -> dict[str, Any]:
    """The JSON Schema of a record; of a hand-written one, what its file holds."""
    if published.record is None:
        text = (SCHEMAS / f"{published.file}.json").read_text(encoding="utf-8")
        return json.loads(text)
    definitions: dict[str, Any] = {}
    top = _object(published.record, definitions)
    for part in (top, *definitions.values()):
        for each in part.get("properties", {}).values():
            if each.get("unit") == _POINTS:
                each["unit"] = published.points
    top["properties"]["schema"] = {
        "const": published.identifier,
        "description": top["properties"]["schema"]["description"],
    }
    name, _, version = published.identifier.rpartition("/")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{name.replace('.', ':')}:{version}",
        "title": published.identifier,
        **top,
        "$defs": dict(sorted(definitions.items())),
    }


def _object(kind: type, definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of a dataclass; those that it holds go into `definitions`."""
    summary, described = _documented(kind)
    hints = get_type_hints(kind)
    properties: dict[str, Any] = {}
    for each in fields(kind):
        text = described.get(each.name)
        if not text:
            raise Unstated(f"{kind.__name__}.{each.name}: describe it in the class's docstring")
        found = _typed(hints[each.name], definitions)
        properties[each.name] = {**found, "description": text}
        if _is_number(hints[each.name]):
            properties[each.name]["unit"] = _unit(kind, each.name)
    return {
        "description": summary,
        "type": "object",
        "additionalProperties": False,
        "required": [each.name for each in fields(kind) if not each.metadata.get("omit")],
        "properties": properties,
    }


def _typed(kind: object, definitions: dict[str, Any]) -> dict[str, Any]:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is None:
        return _plain(kind, definitions)
    if origin in {Union, types.UnionType}:
        (inner,) = (each for each in arguments if each is not type(None))
        found = _typed(inner, definitions)
        if set(found) == {"type"}:
            return {"type": [found["type"], "null"]}
        return {"anyOf": [found, {"type": "null"}]}
    if origin is Literal:
        return {"enum": list(arguments)}
    return _container(origin, arguments, definitions)


def _container(
    origin: type, arguments: tuple[Any, ...], definitions: dict[str, Any]
) -> dict[str, Any]:
    if issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _typed(arguments[1], definitions)}
    items = [_typed(each, definitions) for each in arguments if each is not Ellipsis]
    if Ellipsis in arguments:
        return {"type": "array", "items": items[0]}
    return {"type": "array", "prefixItems": items, "minItems": len(items), "items": False}


def _plain(kind: object, definitions: dict[str, Any]) -> dict[str, Any]:
    if kind is Any:
        return {}
    if isinstance(kind, type) and is_dataclass(kind):
        if kind.__name__ not in definitions:
            definitions[kind.__name__] = {}
            definitions[kind.__name__] = _object(kind, definitions)
        return {"$ref": f"#/$defs/{kind.__name__}"}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"enum": [each.value for each in kind]}
    return {"type": _SIMPLE[kind]}


def _documented(kind: type) -> tuple[str, dict[str, str]]:
    """What the docstring says of the class and of every field."""
    summary, _, rest = inspect.cleandoc(kind.__doc__ or "").partition("\n\nAttributes:\n")
    described: dict[str, str] = {}
    for entry in re.split(r"\n(?=    \S)", "\n" + rest):
        names, _, text = entry.strip().partition(": ")
        for name in names.split(", "):
            words = re.sub(r"\bNone\b", "null", " ".join(text.split()))
            described[name] = re.sub(r"\b(True|False)\b", lambda word: word[0].lower(), words)
    return " ".join(summary.partition("\n\n")[0].split()), described


def _is_number(kind: object) -> bool:
    """Whether values are measured: numbers, lists of them, or maps to them, but not counts."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType, tuple}:
        return any(_is_number(each) for each in arguments)
    if origin is not None and origin is not Literal and issubclass(origin, Mapping):
        return _is_number(arguments[1])
    return kind is float


def _unit(kind: type, name: str) -> str:
    found = _UNIT_OF.get(f"{kind.__name__}.{name}") or _UNIT_OF.get(name)
    if name.endswith("_rmse"):
        found = _POINTS
    if found is None:
        raise Unstated(f"{kind.__name__}.{name}: state its unit in scripts/schemas.py")
    return found


def page() -> str:
    """The page with every field."""
    parts = [_HEAD]
    for published in PUBLISHED:
        schema = schema_of(published)
        parts.append(
            f"## `{published.identifier}`\n\n{schema['description']}\n\nWritten by "
            f"{published.written_by}; `schemas/{published.file}.json`.\n\n{_table(schema)}"
        )
        parts += [
            f"### `{name}` of `{published.identifier}`\n\n{part['description']}\n\n{_table(part)}"
            for name, part in schema["$defs"].items()
            if "properties" in part
        ]
    return "\n".join(parts)


def _table(schema: Mapping[str, Any]) -> str:
    lines = ["| field | type | unit | meaning |", "| --- | --- | --- | --- |"]
    required = set(schema["required"])
    for name, each in schema["properties"].items():
        word = "" if name in required else ", may be left out"
        text = each["description"].replace("|", "\\|")
        lines.append(f"| `{name}` | {_type_words(each)}{word} | {each.get('unit', '')} | {text} |")
    return "\n".join(lines) + "\n"


def _type_words(each: Mapping[str, Any]) -> str:
    options = each.get("enum") or ([each["const"]] if "const" in each else None)
    if options:
        return " or ".join(f"`{value}`" for value in options)
    if "$ref" in each:
        return f"`{each['$ref'].rpartition('/')[2]}`"
    if "anyOf" in each:
        return " or ".join(_type_words(option) for option in each["anyOf"])
    kind = each.get("type", "anything")
    if kind == "array":
        items = each.get("prefixItems")
        words = _type_words(each["items"]) if items is None else ", ".join(map(_type_words, items))
        return f"list of {words}"
    if isinstance(each.get("additionalProperties"), dict):
        return f"object of {_type_words(each['additionalProperties'])}"
    return kind if isinstance(kind, str) else " or ".join(kind)


def written() -> Iterator[tuple[Path, str]]:
    """Every file with its content."""
    for published in PUBLISHED:
        if published.record is not None:
            text = json.dumps(schema_of(published), indent=2, ensure_ascii=False)
            yield SCHEMAS / f"{published.file}.json", text + "\n"
    yield PAGE, page()


def main() -> None:
    """Write them."""
    for path, text in written():
        write_text(path, text)
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
