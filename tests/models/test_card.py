# SPDX-License-Identifier: Apache-2.0
import json
import os
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tinyvmaf.errors import CardError
from tinyvmaf.libvmaf.sets import CANONICAL6
from tinyvmaf.models.card import (
    Card,
    Range,
    Residuals,
    domain,
    golden,
    parse_card,
    read_card,
    schema,
)


@pytest.fixture
def record(make_card):
    return json.loads(make_card().to_json())


def test_a_card_survives_the_way_to_the_disk_and_back(tmp_path, make_card):
    card = make_card(notes=("trained twice",), versions={"jax": "0.5"}, command="tinyvmaf train t")
    (tmp_path / "card.json").write_text(card.to_json())
    assert read_card(tmp_path / "card.json") == card
    assert "Café" in (tmp_path / "card.json").read_text(encoding="utf-8")


def test_a_card_without_a_loso_error_says_why(make_card):
    card = make_card(loso=None, loso_absent="one source only", calibration=())
    assert parse_card(json.loads(card.to_json()), origin="x") == card


def test_whole_numbers_are_read_as_what_they_mean(record):
    record["loso"]["rmse"] = 2
    record["domain"]["adm2"] = {"minimum": 0, "p1": 0, "p99": 1, "maximum": 1}
    card = parse_card(record, origin="x")
    assert card.loso is not None
    assert isinstance(card.loso.rmse, float)
    assert isinstance(card.loso.n_frames, int)
    assert card.domain["adm2"] == Range(0.0, 0.0, 1.0, 1.0)


def test_the_published_schema_is_valid_and_describes_every_field(make_card):
    Draft202012Validator.check_schema(schema())
    fields = set(Card.__dataclass_fields__) | {"schema"}
    assert set(schema()["properties"]) == set(schema()["required"]) == fields


def test_no_field_may_be_left_out(record):
    for name in record:
        if name == "schema":
            continue
        broken = {key: value for key, value in record.items() if key != name}
        with pytest.raises(CardError) as error:
            parse_card(broken, origin="card.json")
        assert str(error.value) == (
            "card.json: it does not match its schema tinyvmaf.card/1: "
            f"at $: {name!r} is a required property"
        )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_params": 0}, "$.n_params: 0 is less than the minimum of 1"),
        ({"sha256": "xyz"}, "$.sha256: 'xyz' does not match '^[0-9a-f]{64}$'"),
        ({"seeds": [0.5]}, "$.seeds[0]: 0.5 is not of type 'integer'"),
        ({"loso": {}}, "$.loso: {} is not valid under any of the given schemas"),
        (
            {"surprise": 1},
            "$: Additional properties are not allowed ('surprise' was unexpected)",
        ),
        (
            {"licence": ["x" * 200]},
            "$.licence: ['" + "x" * 118 + "...",
        ),
    ],
)
def test_a_card_that_breaks_the_schema_is_refused_with_the_place(record, change, message):
    with pytest.raises(CardError) as error:
        parse_card({**record, **change}, origin="card.json")
    assert str(error.value) == (
        f"card.json: it does not match its schema tinyvmaf.card/1: at {message}"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": "x"}, "no card: its schema is 'x', expected tinyvmaf.card/1"),
        ({"schema": None}, "no card: its schema is 'None', expected tinyvmaf.card/1"),
        (
            {"features": [*CANONICAL6[::-1]]},
            "its domain does not name the features in their order",
        ),
        ({"training_sources": ["A", "A"]}, "its training_sources has a name twice"),
        ({"loso_absent": "why"}, "it needs a LOSO error or the reason why there is none, not both"),
        ({"loso": None}, "it needs a LOSO error or the reason why there is none, not both"),
        (
            {"golden": {"features": [[1.0]], "vmaf": [50.0]}},
            "its golden vectors are not rows of 6 features with a score each",
        ),
        (
            {"golden": {"features": [[1.0] * 6], "vmaf": [50.0, 60.0]}},
            "its golden vectors are not rows of 6 features with a score each",
        ),
        (
            {"calibration": [{"source": "A", "residuals": [1.0]}] * 2},
            "its calibration has a name twice",
        ),
    ],
)
def test_a_card_that_contradicts_itself_is_refused(record, change, message):
    with pytest.raises(CardError) as error:
        parse_card({**record, **change}, origin="card.json")
    assert str(error.value) == f"card.json: {message}"


def test_a_domain_out_of_order_is_refused(record):
    record["domain"]["adm2"]["p1"] = 1e9
    with pytest.raises(CardError, match=r"^x: its domain has limits out of order$"):
        parse_card(record, origin="x")


def test_a_card_is_checked_before_it_is_written(tmp_path, make_card):
    card = make_card(calibration=(Residuals("A", (1.0,)), Residuals("A", (2.0,))))
    with pytest.raises(CardError, match="its calibration has a name twice"):
        (tmp_path / "card.json").write_text(card.to_json())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 400, "9" * 9999])
def test_numbers_that_are_not_finite_are_refused(tmp_path, number):
    path = tmp_path / "card.json"
    path.write_text(f'{{"n": {number}}}')
    with pytest.raises(CardError) as error:
        read_card(path)
    assert str(error.value) == f"{path}: not JSON of finite numbers; write the card again"


def test_a_missing_and_a_huge_card_are_refused(tmp_path):
    with pytest.raises(CardError, match=r"card.json: there is no such card$"):
        read_card(tmp_path / "card.json")
    (tmp_path / "card.json").write_bytes(b" " * (4 * 2**20 + 1))
    with pytest.raises(CardError, match="larger than 4194304 bytes"):
        read_card(tmp_path / "card.json")


def test_the_domain_is_that_of_the_columns():
    rows = np.stack([np.arange(101.0), -np.arange(101.0)], axis=1)
    assert domain(rows, names=("up", "down")) == {
        "up": Range(0.0, 1.0, 99.0, 100.0),
        "down": Range(-100.0, -99.0, -1.0, 0.0),
    }


def test_golden_vectors_span_scores_and_features(network, features):
    vectors = golden(network, features)
    rows = np.array(vectors.features)
    assert rows.shape == (18, 6)
    assert np.allclose(rows[0], features.min(axis=0))
    assert np.allclose(rows[1], features.max(axis=0))
    scores = network.predict(features)
    assert min(vectors.vmaf[2:]) == pytest.approx(scores.min(), abs=1e-4)
    assert max(vectors.vmaf[2:]) == pytest.approx(scores.max(), abs=1e-4)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def test_a_million_names_of_mixed_kinds_are_refused_at_once(record):
    record["features"] = ["x", 1] * 500_000
    begin = time.process_time()
    with pytest.raises(CardError):
        parse_card(record, origin="x")
    assert time.process_time() - begin < 20


def test_a_pipe_is_no_card(tmp_path):
    os.mkfifo(tmp_path / "card.json")
    with pytest.raises(CardError, match=r"card.json: there is no such card$"):
        read_card(tmp_path / "card.json")


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_card_with_any_field_replaced_is_a_card_or_refused(make_card, data):
    record = json.loads(make_card().to_json())
    name = data.draw(st.sampled_from(sorted(record)))
    inner = record[name]
    if isinstance(inner, dict) and inner and data.draw(st.booleans()):
        inner[data.draw(st.sampled_from(sorted(inner)))] = data.draw(anything)
    else:
        record[name] = data.draw(anything)
    try:
        card = parse_card(record, origin="x")
    except CardError as error:
        message = str(error)
        assert "\n" not in message
    else:
        assert parse_card(json.loads(card.to_json()), origin="x") == card
