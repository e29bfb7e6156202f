# SPDX-License-Identifier: Apache-2.0
"""Logs become the table that extraction makes; a log that is not whole is named, nothing else."""

import numpy as np
import pytest

import tinyvmaf as tv
from tests.libvmaf.log_layouts import SIX, columns, csv_3, json_1, json_3, xml_3
from tinyvmaf.corpus.reading import read_corpus
from tinyvmaf.errors import CorpusError, SchemaError
from tinyvmaf.features import log_rows
from tinyvmaf.features.cache import open_cache
from tinyvmaf.features.cached_scores import PairScorer
from tinyvmaf.features.extraction import extract_pairs
from tinyvmaf.features.log_import import read_logs
from tinyvmaf.libvmaf.engine import find_engine
from tinyvmaf.libvmaf.sets import CANONICAL6
from tinyvmaf.libvmaf.teacher import find_teacher


def place(folder, layout=json_3, *, sources=2, clips=2, **options):
    """Logs `S0/c0.json`, ...; the folder."""
    for number in range(sources * clips):
        path = folder / f"S{number // clips}" / f"c{number % clips}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(layout(columns(seed=number, **options)))
    return folder


def test_rows_labels_and_origin(tmp_path):
    place(tmp_path, json_1, integer=False, bootstrap=True)
    (tmp_path / "o.txt").write_text("clip,mos,ci\nc0,2,0.5\n")
    found = read_logs(tmp_path, opinions=tmp_path / "o.txt")
    table = found.table
    assert (found.n_rows, found.n_clips, found.n_sources) == (20, 4, 2)
    assert table.info.teacher == "vmaf_rb_v0.6.3"
    assert table.info.versions["libvmaf"] == "1.3.11"
    assert table.info.arithmetic == "float"
    assert table.info.features == CANONICAL6
    assert table.clips.columns == ["source", "clip", "n_frames", "mos", "mos_ci"]
    assert found.without_opinion == ("S0/c1", "S1/c1")
    expected = columns(seed=3, integer=False, bootstrap=True)
    last = table.rows.filter(source="S1", clip="c1")
    for name in (*CANONICAL6, "vmaf"):
        assert last[name].to_list() == expected[name].tolist()


def test_the_file_is_the_table_in_memory_however_many_work(tmp_path, monkeypatch):
    logs = place(tmp_path / "logs", clips=5)
    at_once = read_logs(logs).table
    assert read_logs(logs, output=tmp_path / "t.parquet").table is None
    assert tv.read_table(tmp_path / "t.parquet").sha256 == at_once.sha256
    assert tv.read_table(tmp_path / "t.parquet").info == at_once.info
    monkeypatch.setattr(log_rows, "_BATCH_BYTES", 3000)  # several processes
    read_logs(logs, output=tmp_path / "parts", jobs=2)
    assert tv.read_table(tmp_path / "parts").sha256 == at_once.sha256


def test_all_features_without_scores(tmp_path):
    place(tmp_path, json_1, integer=False, bootstrap=True)
    assert read_logs(tmp_path, features="all").info.features == (*CANONICAL6, "psnr")
    assert read_logs(tmp_path, features="psnr, adm2").info.features == ("psnr", "adm2")
    table = read_logs(tmp_path, score="vmaf_0001").table
    assert table.target.tolist() != read_logs(tmp_path).table.target.tolist()


def broken(text):
    """Name -> a log that is not whole, and what is said of it."""
    table = columns(seed=9)
    nan = {**table, "integer_adm2": np.array([0.5, np.nan, 0.5, 0.5, 0.5])}
    bare = {name: values for name, values in table.items() if not name.endswith("vif_scale2")}
    wild = {**table, "vmaf": np.full(5, 101.0)}
    twice = text.replace('"frameNum": 1,', '"frameNum": 0,')
    return {
        "cut": (text[:-20], "not a whole log of libvmaf: "),
        "empty": (json_3({n: v[:0] for n, v in table.items()}), "the log has no frames"),
        "nan": (json_3(nan), "adm2 of frame 1 is missing"),
        "missing": (json_3(bare), "no vif_scale2; the log has adm2, motion2, vif_scale0, "),
        "twice": (twice, "frame 0 was found where frame 1 was expected"),
        "wild": (json_3(wild), "column vmaf of source S0, clip wild, frame 0 is 101.0, expected"),
    }


@pytest.mark.parametrize("name", ["cut", "empty", "nan", "missing", "twice", "wild"])
@pytest.mark.parametrize("batch", [1, 10**9])
def test_a_log_that_is_not_whole_is_named_and_the_others_are_kept(
    tmp_path, monkeypatch, name, batch
):
    monkeypatch.setattr(log_rows, "_BATCH_BYTES", batch)
    logs, output = place(tmp_path / "logs", sources=1), tmp_path / "t.parquet"
    whole = read_logs(logs).table
    text, reason = broken(json_3(columns()))[name]
    bad = logs / "S0" / f"{name}.json"
    bad.write_text(text)
    found = read_logs(logs, output=output)
    (failure,) = found.failures
    assert str(failure.error).startswith(f"{bad}: {reason}")
    assert "\n" not in str(failure.error)
    assert tv.read_table(output).rows.equals(whole.rows)
    # Alone it makes no table, and leaves what was there.
    before = output.read_bytes()
    with pytest.raises(CorpusError, match="no log could be used: "):
        read_logs(bad, output=output)
    assert output.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["logs", "t.parquet"]


def test_different_origins_are_refused_and_nothing_is_written(tmp_path):
    place(tmp_path / "logs", sources=1)
    other = tmp_path / "logs" / "T" / "c.json"
    other.parent.mkdir()
    first = tmp_path / "logs" / "S0" / "c0.json"

    def said(text, **options):
        other.write_text(text)
        with pytest.raises(SchemaError) as caught:
            read_logs(tmp_path / "logs", output=tmp_path / "t.parquet", **options)
        assert [path.name for path in tmp_path.iterdir()] == ["logs"]
        return str(caught.value).partition(";")[0].removeprefix(f"{other}: ")

    table = columns()
    assert said(json_3(table, version="2.3.0")) == f"libvmaf 2.3.0, but 3.2.0 in {first}"
    assert said(csv_3(table)) == f"libvmaf not stated, but 3.2.0 in {first}"
    assert said(json_1(table)) == f"teacher vmaf_rb_v0.6.3, but unknown in {first}"
    bare = columns(integer=False)
    assert said(json_3(bare)) == f"arithmetic float, but integer in {first}"
    # What a log does not say can be said for it.
    other.write_text(csv_3(table))
    found = read_logs(tmp_path / "logs", teacher="vmaf_v0.6.1", libvmaf="3.2.0")
    assert (found.info.teacher, found.n_clips) == ("vmaf_v0.6.1", 3)
    other.write_text(json_1(table))
    (failure,) = read_logs(tmp_path / "logs", teacher="vmaf_v0.6.1").failures
    assert str(failure.error) == (
        f"{other}: the log states teacher vmaf_rb_v0.6.3, not vmaf_v0.6.1"
    )


def test_integer_and_float_features_in_one_log_are_refused(tmp_path):
    table = columns()
    table["adm2"] = table.pop("integer_adm2")
    path = tmp_path / "S" / "c.json"
    path.parent.mkdir()
    path.write_text(json_3(table))
    with pytest.raises(SchemaError, match="integer and float features, of which a table has one"):
        read_logs(path)
    names = ",".join(name for name in SIX if name != "adm2")
    assert read_logs(path, features=names).info.arithmetic == "integer"


@pytest.mark.ffmpeg
@pytest.mark.parametrize("layout", ["json", "xml", "csv"])
def test_logs_of_our_own_give_the_table_of_the_extraction(tmp_path, tiny_corpus, layout):
    corpus = read_corpus(tiny_corpus)
    scorer = PairScorer(
        engine=find_engine(None), teacher=find_teacher("vmaf_v0.6.1"), cache=open_cache()
    )
    extracted = extract_pairs(corpus, scorer=scorer).table
    for pair in corpus.pairs:
        log = tmp_path / "logs" / pair.source / f"{pair.clip}.{layout}"
        log.parent.mkdir(parents=True, exist_ok=True)
        tv.score(
            reference=pair.reference.path, distorted=pair.distorted.path, mode="exact", log=log
        )
    found = read_logs(tmp_path / "logs", teacher="vmaf_v0.6.1")
    assert not found.failures
    assert not found.left_out
    names = ("source", "clip", "frame", *CANONICAL6, "vmaf")
    assert found.table.rows.equals(extracted.rows.select(names))
    assert found.info.arithmetic == "integer"
    assert found.info.versions.get("libvmaf") == (
        None if layout == "csv" else extracted.info.versions["libvmaf"]
    )


def test_xml_and_json_of_the_same_frames_are_the_same_rows(tmp_path):
    one = read_logs(place(tmp_path / "a", json_3)).table
    assert read_logs(place(tmp_path / "b", xml_3)).table.rows.equals(one.rows)
