# SPDX-License-Identifier: Apache-2.0
"""The published schemas are those of the typed records, and tell every field's meaning."""

import json

import pytest
from jsonschema import Draft202012Validator
from scripts.schemas import PUBLISHED, ROOT, SCHEMAS, schema_of, written

COUNTED = {"integer", "boolean", "string", "object", "array"}


def objects(part):
    """Every part of a schema that has fields."""
    if isinstance(part, dict):
        if "properties" in part:
            yield part
        for value in part.values():
            yield from objects(value)


@pytest.fixture(params=PUBLISHED, ids=lambda published: published.file)
def published(request):
    return json.loads((SCHEMAS / f"{request.param.file}.json").read_text(encoding="utf-8"))


def test_schemas_and_page_are_up_to_date():
    for path, text in written():
        assert path.read_text(encoding="utf-8") == text, f"{path.relative_to(ROOT)}: run make pages"
    assert {path.stem for path in SCHEMAS.glob("*.json")} == {item.file for item in PUBLISHED}


def test_every_field_has_a_type_and_a_description(published):
    Draft202012Validator.check_schema(published)
    for part in objects(published):
        assert part["additionalProperties"] is False
        assert len(part["description"]) > 10
        assert set(part["required"]) <= set(part["properties"])
        for name, each in part["properties"].items():
            assert len(each.get("description", "")) > 2, name
            # What a finding was made from is of any kind.
            assert {"type", "$ref", "anyOf", "enum", "const"} & set(each), name


def test_every_measured_number_has_a_unit(published):
    for part in objects(published):
        for name, each in part["properties"].items():
            kinds = each.get("type", [])
            if "number" in ([kinds] if isinstance(kinds, str) else kinds):
                assert each.get("unit"), name


def test_identifiers_name_the_files():
    for item in PUBLISHED:
        schema = schema_of(item)
        name, _, version = item.identifier.rpartition("/")
        assert schema["properties"]["schema"]["const"] == item.identifier
        assert schema["$id"] == f"urn:{name.replace('.', ':')}:{version}"
