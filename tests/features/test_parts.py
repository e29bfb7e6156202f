# SPDX-License-Identifier: Apache-2.0
"""Tables in parts: together they are the table, and nothing else ever passes for it."""

import json
from dataclasses import asdict

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyvmaf.errors import SchemaError, UsageError
from tinyvmaf.features import parts
from tinyvmaf.features.parts import is_parts, write_parts
from tinyvmaf.features.table import TableInfo, make_table, read_table, write_table
from tinyvmaf.libvmaf.sets import CANONICAL6

INFO = TableInfo(
    teacher="vmaf_v0.6.1", versions={"ffmpeg": "9.0.2"}, corpus="0" * 64, notes=("a note",)
)
CLIPS = [(f"S{clip // 3}", f"c{clip % 3}") for clip in range(12)]


def clip_rows(source, clip, n_frames=7):
    start = int(source[1]) + int(clip[1]) / 10
    return pl.DataFrame(
        {
            "source": [source] * n_frames,
            "clip": [clip] * n_frames,
            "frame": pl.Series(range(n_frames), dtype=pl.UInt32),
            **{name: [start + i for i in range(n_frames)] for name in CANONICAL6},
            "vmaf": [start + i for i in range(n_frames)],
        }
    )


def written(folder, order=CLIPS, info=INFO):
    write_parts((clip_rows(*clip) for clip in order), asdict(info), folder)
    return folder


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch):
    monkeypatch.setattr(parts, "ROWS_A_PART", 20)


@pytest.fixture
def folder(tmp_path):
    return written(tmp_path / "table")


@given(order=st.permutations(CLIPS))
def test_parts_in_any_order_become_the_bytes_of_the_table_at_once(tmp_path_factory, order):
    place = tmp_path_factory.mktemp("parts")
    table = read_table(written(place / "table", order))
    assert len(list((place / "table").glob("part-*.parquet"))) == 4
    assert table.info == INFO
    write_table(table, place / "compacted.parquet")
    at_once = make_table(pl.concat(clip_rows(*clip) for clip in CLIPS), INFO)
    write_table(at_once, place / "at_once.parquet")
    assert (place / "compacted.parquet").read_bytes() == (place / "at_once.parquet").read_bytes()
    assert table.sha256 == at_once.sha256


def refusal(folder):
    with pytest.raises(SchemaError) as caught:
        read_table(folder)
    return str(caught.value).removeprefix(f"{folder}: ")


def stopped():
    """Rows whose source ends by an error, when a part is full."""
    for clip in CLIPS[:4]:
        yield clip_rows(*clip)
    raise UsageError("the cache is gone")


def test_a_table_that_was_not_finished_leaves_nothing(tmp_path):
    with pytest.raises(UsageError, match="the cache is gone"):
        write_parts(stopped(), asdict(INFO), tmp_path / "table")
    assert list((tmp_path / "table").iterdir()) == []


def test_parts_without_an_index_are_no_table(folder):
    """As an older version left them when it was killed."""
    (folder / "index.json").unlink()
    assert is_parts(folder)
    assert refusal(folder) == (
        "the table was not finished (no index.json); extract again, which goes on with what is "
        "cached"
    )


def test_the_old_table_stays_until_the_new_one_is_whole(folder):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(UsageError, match="the cache is gone"):
        write_parts(stopped(), asdict(INFO), folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    written(folder, CLIPS[:1])
    assert [path.name for path in sorted(folder.iterdir())] == ["index.json", "part-00000.parquet"]
    assert read_table(folder).rows.height == 7


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda folder: (folder / "part-00001.parquet").unlink(),
            "part-00001.parquet is not there",
        ),
        (
            lambda folder: (folder / "part-00001.parquet").rename(folder / "part-00009.parquet"),
            "part-00001.parquet is not there; extract again",
        ),
        (
            lambda folder: (folder / "part-00009.parquet").write_bytes(
                (folder / "part-00001.parquet").read_bytes()
            ),
            "part-00009.parquet is not in index.json",
        ),
        (
            lambda folder: (folder / "part-00001.parquet").write_bytes(
                (folder / "part-00002.parquet").read_bytes()
            ),
            "part-00001.parquet was changed",
        ),
        (
            lambda folder: (folder / "index.json").write_text(
                (folder / "index.json").read_text().replace("vmaf_v0.6.1", "vmaf_v0.6.0")
            ),
            "index.json was changed",
        ),
        (lambda folder: (folder / "index.json").write_text("[]"), "damaged index.json"),
        (lambda folder: (folder / "index.json").write_text("{"), "damaged index.json (Expecting"),
        (lambda folder: (folder / "index.json").write_text("{}"), "damaged index.json ('sha256'"),
    ],
)
def test_damage_is_refused(folder, damage, message):
    damage(folder)
    assert refusal(folder).startswith(message)


@given(data=st.data())
def test_a_changed_byte_of_a_part_is_refused(tmp_path_factory, data):
    folder = written(tmp_path_factory.mktemp("parts") / "table", CLIPS[:3])
    path = folder / "part-00000.parquet"
    changed = bytearray(path.read_bytes())
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(changed)
    assert refusal(folder) == "part-00000.parquet was changed; extract again"


def test_a_folder_of_other_things_is_left_alone(tmp_path):
    (tmp_path / "thesis.md").write_text("years of work")
    with pytest.raises(UsageError, match=r"it holds thesis\.md, which is not part of a table"):
        write_parts([clip_rows(*CLIPS[0])], asdict(INFO), tmp_path)
    assert not is_parts(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.md"]


def test_an_index_lists_what_there_is(folder):
    record = json.loads((folder / "index.json").read_text())
    assert record["schema"] == "tinyvmaf.parts/1"
    assert record["rows"] == sum(part["rows"] for part in record["parts"]) == 84
