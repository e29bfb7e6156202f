# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import polars as pl
import pytest

from tinyvmaf import parquet
from tinyvmaf.errors import UsageError
from tinyvmaf.parquet import damage, write_parquet

_MARK = b"tinyvmaf.sha256:"
# Found by `make fuzz`: Polars 2.1 asks for 2^61 bytes, and the process is aborted.
CRASHES = Path(__file__).parent / "fuzz" / "crashes_polars.parquet"


def test_a_seal_fits_its_file_and_no_changed_one(tmp_path):
    path = tmp_path / "t.parquet"
    write_parquet(pl.DataFrame({"a": [1.0, 2.0, 3.0]}), path, metadata={"who": "me"})
    assert damage(path) is None
    whole = path.read_bytes()
    for position in range(len(whole)):
        changed = bytearray(whole)
        changed[position] ^= 1
        path.write_bytes(changed)
        # Without its mark a file is one of another program.
        if not whole.rindex(_MARK) <= position < whole.rindex(_MARK) + len(_MARK):
            assert damage(path) == "its bytes were changed"


def test_a_file_of_another_program_is_left_to_its_reader_if_that_survives(tmp_path):
    path = tmp_path / "t.parquet"
    pl.DataFrame({"a": [1.0]}).write_parquet(path)
    assert damage(path) is None
    path.write_bytes(b"no Parquet at all")
    assert damage(path) is None
    path.write_bytes(b"")
    assert damage(path) == "it is empty"


def test_a_file_that_crashes_its_reader_is_found_out_by_another_process():
    assert damage(CRASHES) == "it crashes whatever reads it"


def test_the_same_rows_are_the_same_bytes_however_they_lie_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "_ROW_GROUP", 100)
    rows = pl.DataFrame({"name": [f"n{i // 40}" for i in range(1000)], "x": range(1000)})
    parts = pl.concat([rows[:10], rows[10:777], rows[777:]], rechunk=False)
    categories = rows.with_columns(pl.col("name").cast(pl.Categorical))
    pieces = (rows[start : start + 30] for start in range(0, 1000, 30))
    for number, each in enumerate((rows, parts, categories, rows.lazy(), pieces)):
        write_parquet(each, tmp_path / str(number))
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1
    assert pl.read_parquet(tmp_path / "2").equals(rows)


def test_what_goes_wrong_where_the_rows_come_from_is_told_and_leaves_no_file(tmp_path):
    def pieces():
        yield pl.DataFrame({"a": [1.0]})
        raise UsageError("the cache is gone")

    with pytest.raises(UsageError, match="the cache is gone"):
        write_parquet(pieces(), tmp_path / "t.parquet")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_as_such(tmp_path, monkeypatch):
    watched = parquet._Watched
    with open("/dev/full", "wb", buffering=0) as full:  # noqa: PTH123 (a device)
        monkeypatch.setattr(parquet, "_Watched", lambda _: watched(full))
        with pytest.raises(UsageError, match="No space left on device"):
            write_parquet(pl.DataFrame({"a": [1.0]}), tmp_path / "t.parquet")
    assert list(tmp_path.iterdir()) == []
