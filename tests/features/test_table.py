# SPDX-License-Identifier: Apache-2.0
import json
import math
from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyvmaf.errors import SchemaError, UsageError
from tinyvmaf.features.table import TableInfo, hash_table, make_table, read_table, write_table
from tinyvmaf.libvmaf.sets import CANONICAL6

INFO = TableInfo(
    teacher="vmaf_v0.6.1",
    versions={"ffmpeg": "9.0.2", "libvmaf": "3.2.0"},
    corpus="0" * 64,
    notes=("Bird/low: distorted 96x54 scaled to 192x108 (bicubic)",),
)


def frame(**changes):
    """Four rows: two clips of one source, one of another, out of order."""
    columns = {
        "source": ["Café", "Bird", "Bird", "Bird"],
        "clip": ["low", "low", "high", "low"],
        "frame": [0, 1, 0, 0],
        **{name: [0.1, 0.2, 0.3, 0.4] for name in CANONICAL6},
        "vmaf": [10.0, 20.0, 30.0, 100.0],
    }
    return pl.DataFrame({**columns, **changes})


def refusal(rows, info=INFO):
    with pytest.raises(SchemaError) as caught:
        make_table(rows, info)
    return str(caught.value)


def test_rows_are_sorted_and_columns_ordered():
    rows = frame(encoder=["x"] * 4).select(pl.all().reverse())
    table = make_table(rows.select(reversed(rows.columns)), INFO)
    assert table.rows.columns == ["source", "clip", "frame", *CANONICAL6, "vmaf"]
    assert table.rows.select("source", "clip", "frame").rows() == [
        ("Bird", "high", 0),
        ("Bird", "low", 0),
        ("Bird", "low", 1),
        ("Café", "low", 0),
    ]
    assert table.features.shape == (4, 6)
    assert table.target.tolist() == [30.0, 100.0, 20.0, 10.0]
    assert table.sources == ("Bird", "Café")
    assert table.source_index.tolist() == [0, 0, 0, 1]
    assert table.n_clips == 3


def test_a_round_trip_changes_nothing(tmp_path):
    table = make_table(frame(), INFO)
    path = tmp_path / "t.parquet"
    write_table(table, path)
    again = read_table(path)
    assert again.rows.equals(table.rows)
    assert again.info == INFO
    assert again.sha256 == table.sha256


def test_the_hash_is_that_of_the_content_and_not_of_the_file():
    table = make_table(frame(), INFO)
    assert make_table(frame().reverse(), INFO).sha256 == table.sha256
    assert make_table(frame(vmaf=[10.0, 20.0, 30.0, 99.0]), INFO).sha256 != table.sha256
    assert make_table(frame(), TableInfo(teacher="vmaf_v0.6.1neg")).sha256 != table.sha256
    # Names that run into each other when they are put in a row.
    ab = frame(source=["a", "ab", "x", "y"], clip=["bc", "c", "x", "y"])
    ba = frame(source=["ab", "a", "x", "y"], clip=["c", "bc", "x", "y"])
    hashes = {make_table(rows, INFO).sha256 for rows in (ab, ba)}
    assert len(hashes) == 2


def test_a_column_is_missing():
    assert refusal(frame().drop("adm2", "vmaf")) == (
        "table: no column adm2, vmaf; found source, clip, frame, vif_scale0, vif_scale1, "
        "vif_scale2, vif_scale3, motion2; a table needs source, clip, frame, adm2, vif_scale0, "
        "vif_scale1, vif_scale2, vif_scale3, motion2, vmaf"
    )


def test_no_rows():
    assert refusal(frame().clear()) == "table: the table has no rows"


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("adm2", [0.1, float("nan"), 0.3, 0.4], "is nan, expected a finite number (1 such rows)"),
        (
            "motion2",
            [0.1, float("inf"), 0.3, 0.4],
            "is inf, expected a finite number (1 such rows)",
        ),
        ("vmaf", [1.0, None, None, 1.0], "is None, expected a finite number (2 such rows)"),
        ("vmaf", [1.0, 100.5, 1.0, 1.0], "is 100.5, expected a score in [0, 100] (1 such rows)"),
        ("vmaf", [1.0, -1e-9, 1.0, 1.0], "is -1e-09, expected a score in [0, 100] (1 such rows)"),
    ],
)
def test_a_value_that_cannot_be(column, values, message):
    assert refusal(frame(**{column: values})) == (
        f"table: column {column} of source Bird, clip low, frame 1 {message}"
    )


def test_a_name_is_missing():
    assert refusal(frame(source=["Café", None, "Bird", "Bird"])) == (
        "table: column source of source None, clip low, frame 1 is None, expected a value "
        "(1 such rows)"
    )


def test_a_row_that_is_there_twice():
    assert refusal(frame(frame=[0, 0, 0, 0])) == (
        "table: source Bird, clip low, frame 0 is there more than once"
    )


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("frame", [0.5, 1.0, 0.0, 0.0], "column frame has type Float64, expected an integer"),
        ("frame", ["0", "1", "0", "0"], "column frame has type String, expected an integer"),
        ("frame", [0, -1, 0, 0], "a frame number is negative or too large"),
        ("adm2", ["0.1"] * 4, "column adm2 has type String, expected a number"),
        ("vmaf", [True] * 4, "column vmaf has type Boolean, expected a number"),
        ("source", [1, 2, 3, 4], "column source has type Int64, expected text"),
        ("clip", [b"x"] * 4, "column clip has type Binary, expected text"),
        ("adm2", [[1.0]] * 4, "column adm2 has type List(Float64), expected a number"),
    ],
)
def test_a_column_of_another_type(column, values, message):
    assert refusal(frame(**{column: values})) == f"table: {message}"


def test_smaller_numbers_and_categories_are_taken():
    rows = frame().with_columns(
        pl.col("source").cast(pl.Categorical),
        pl.col("frame").cast(pl.Int16),
        pl.col("vmaf").cast(pl.Float32),
        pl.lit(1).alias("motion2"),
    )
    assert make_table(rows, INFO).rows.schema["motion2"] == pl.Float64


def test_no_file(tmp_path):
    path = tmp_path / "t.parquet"
    with pytest.raises(UsageError) as caught:
        read_table(path)
    assert str(caught.value) == (
        f"{path}: no such table; make one with `tinyvmaf extract ROOT -o {path}`"
    )


def test_a_table_of_another_tool_names_its_teacher_in_a_column(tmp_path):
    path = tmp_path / "t.parquet"
    frame(teacher=["vmaf_v0.6.1neg"] * 4).write_parquet(path)
    assert read_table(path).info == TableInfo(teacher="vmaf_v0.6.1neg")
    frame().write_parquet(path)
    assert read_table(path).info.teacher == "unknown"
    frame(teacher=["b", "a", "a", None]).write_parquet(path)
    with pytest.raises(SchemaError) as caught:
        read_table(path)
    assert str(caught.value) == (
        f"{path}: labelled by 3 teachers (a, b, unknown); a table has one: split it, or extract "
        "again with `teacher`"
    )


@pytest.mark.parametrize(
    "record",
    [
        *("", "null", "3", "[]", '"text"', "{}", '{"schema": "tinyvmaf.table/1"}'),
        '{"schema": "tinyvmaf.table/1", "features": 3, "notes": [], "teacher": "a"}',
        '{"schema": "tinyvmaf.table/1", "features": ["adm2"], "notes": [], "teacher": 3}',
        '{"schema": "tinyvmaf.table/1", "features": [1], "notes": [], "teacher": "a"}',
        '{"schema": "tinyvmaf.table/1", "features": [], "notes": [], "teacher": "a", "x": 1}',
    ],
)
def test_damaged_metadata(tmp_path, record):
    path = tmp_path / "t.parquet"
    frame().write_parquet(path, metadata={"tinyvmaf": record})
    with pytest.raises(SchemaError, match="damaged metadata"):
        read_table(path)


def test_the_schema_of_a_later_version(tmp_path):
    path = tmp_path / "t.parquet"
    frame().write_parquet(path, metadata={"tinyvmaf": json.dumps({"schema": "tinyvmaf.table/9"})})
    with pytest.raises(SchemaError) as caught:
        read_table(path)
    assert str(caught.value) == (
        f"{path}: written with another schema than tinyvmaf.table/1; extract again"
    )


_MARK = b"tinyvmaf.sha256:"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("tables") / "t.parquet"
    rows = pl.concat([frame(clip=[f"{name}{index}" for name in "abcd"]) for index in range(50)])
    write_table(make_table(rows, INFO), path)
    return path.read_bytes()


@given(data=st.data())
def test_a_file_cut_anywhere_is_refused(tmp_path_factory, whole, data):
    path = tmp_path_factory.getbasetemp() / "cut.parquet"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(SchemaError, match="not a readable Parquet table"):
        read_table(path)


def test_a_log_given_as_a_table_leads_to_its_import(tmp_path):
    path = tmp_path / "log.json"
    path.write_text('{"frames": []}')
    with pytest.raises(SchemaError, match=r"`tinyvmaf table import` makes a table of libvmaf's"):
        read_table(path)


@given(data=st.data())
def test_a_changed_byte_is_refused(tmp_path_factory, whole, data):
    position = data.draw(st.integers(0, len(whole) - 1))
    damaged = bytearray(whole)
    damaged[position] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.getbasetemp() / "flipped.parquet"
    path.write_bytes(damaged)
    start = whole.rindex(_MARK)
    if start <= position < start + len(_MARK):
        return  # a file of another program: nothing but the Parquet reader can judge it
    with pytest.raises(SchemaError, match="its bytes were changed"):
        read_table(path)


def test_an_output_that_cannot_be_written(tmp_path):
    table = make_table(frame(), INFO)
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "t.parquet"
    with pytest.raises(UsageError) as caught:
        write_table(table, path)
    assert str(caught.value) == (
        f"cannot write {path}: {path.parent} is not a folder; free space or choose another output "
        "with -o"
    )
    with pytest.raises(UsageError, match="it is a folder; name a file with -o"):
        write_table(table, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


LABELLED = replace(INFO, labels=("encoder", "mos"))


def labelled(**changes):
    return frame(encoder=["x", "y", "z", "y"], mos=[None, 4.0, 2.5, 4.0], **changes)


def test_labels_hold_one_value_a_clip_and_survive_a_round_trip(tmp_path):
    table = make_table(labelled(), LABELLED)
    assert table.rows.columns == ["source", "clip", "frame", *CANONICAL6, "vmaf", "encoder", "mos"]
    assert table.clips.rows() == [
        ("Bird", "high", 1, "z", 2.5),
        ("Bird", "low", 2, "y", 4.0),
        ("Café", "low", 1, "x", None),
    ]
    write_table(table, tmp_path / "t.parquet")
    again = read_table(tmp_path / "t.parquet")
    assert again.rows.equals(table.rows)
    assert again.info == LABELLED
    assert again.sha256 == table.sha256 == hash_table(tmp_path / "t.parquet")
    assert table.sha256 != make_table(frame(), INFO).sha256


def test_a_label_that_changes_within_a_clip_is_refused():
    assert refusal(labelled().with_columns(encoder=pl.Series(["x", "y", "z", "w"])), LABELLED) == (
        "table: column encoder changes at source Bird, clip low, frame 1, expected one value a clip"
    )
    with_gap = labelled().with_columns(mos=pl.Series([None, 4.0, 2.5, None]))
    assert "column mos changes at source Bird, clip low, frame 1" in refusal(with_gap, LABELLED)
    endless = labelled().with_columns(mos=pl.Series([None, math.inf, 2.5, math.inf]))
    assert "expected a finite number or none (2 such rows)" in refusal(endless, LABELLED)
    assert refusal(frame(), replace(INFO, labels=("adm2",))) == (
        "table: a label cannot be called adm2, as another column is"
    )


def test_a_table_without_labels_is_written_as_ever(tmp_path):
    write_table(make_table(frame(), INFO), tmp_path / "t.parquet")
    record = json.loads(pl.read_parquet_metadata(tmp_path / "t.parquet")["tinyvmaf"])
    assert set(record) == {"schema", "teacher", "features", "versions", "corpus", "notes"}
