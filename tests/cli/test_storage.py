# SPDX-License-Identifier: Apache-2.0
"""What a user sees of object stores; the store is a real S3 server of this machine."""

import json
import re
from pathlib import Path

import pytest

from tinyvmaf.corpus.sample import sample_path
from tinyvmaf.features.table import read_table
from tinyvmaf.files import is_file, read_bytes, write_bytes
from tinyvmaf.storage import address

_FOLDED = re.compile("s3:/(?!/)")


@pytest.mark.ffmpeg
@pytest.mark.slow
def test_corpus_cache_and_table_in_a_store(tiny_corpus, s3, tmp_path, monkeypatch, program):
    """The same table as from files; clips are staged, and removed afterwards."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TINYVMAF_CACHE", str(tmp_path / "cache"))
    local = json.loads(
        program.run("extract", tiny_corpus, "-o", tmp_path / "t.parquet", "--json").stdout
    )
    lines = (tiny_corpus / "corpus.csv").read_text().splitlines()
    for line in lines[1:]:
        for name in line.split(",")[2:4]:
            if not Path(name).is_absolute():
                write_bytes(s3 / "corpus" / name, (tiny_corpus / name).read_bytes())
    write_bytes(s3 / "corpus" / "corpus.csv", (tiny_corpus / "corpus.csv").read_bytes())
    monkeypatch.setenv("TINYVMAF_CACHE", address(s3 / "cache"))
    monkeypatch.setenv("TMPDIR", str(scratch))
    call = ["extract", address(s3 / "corpus"), "-o", address(s3 / "t.parquet"), "--json"]
    for options, cached in (([], 0), (["--cluster", "local:2"], local["clips"])):
        done = program.run(*call, *options)
        assert (done.status, done.stderr) == (0, "")
        record = json.loads(done.stdout)
        assert record["table"] == address(s3 / "t.parquet")
        assert (record["sha256"], record["cached"]) == (local["sha256"], cached)
        assert read_bytes(s3 / "t.parquet") == (tmp_path / "t.parquet").read_bytes()
        assert list(scratch.iterdir()) == []
    assert read_table(s3 / "t.parquet").sha256 == local["sha256"]


@pytest.mark.ffmpeg
def test_a_clip_that_the_store_does_not_hold_is_named(s3, tmp_path, tiny_corpus, program):
    row = "s,a,missing.mkv,missing.mp4"
    write_bytes(s3 / "corpus.csv", f"source,clip,reference,distorted\n{row}\n".encode())
    done = program.run("extract", address(s3), "-o", tmp_path / "t.parquet")
    assert done.status == 2
    assert "s/a: no such file in the store" in done.stderr


def test_a_store_that_cannot_be_reached_is_said_before_any_work(tiny_corpus, monkeypatch, program):
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    done = program.run("extract", tiny_corpus, "-o", "s3://nowhere/t.parquet")
    assert done.status == 2
    assert len(done.lines) == 1
    assert done.stderr.startswith("tinyvmaf: s3://nowhere/.t.parquet.part: cannot be written: ")


@pytest.mark.slow
def test_every_output_shows_addresses_as_they_are_typed(s3, program, tmp_path):
    """A `Path` folds the two slashes of an address: none comes out like that."""
    table, corpus = address(s3 / "t.parquet"), address(s3 / "corpus")
    write_bytes(s3 / "t.parquet", sample_path().read_bytes())
    row = "s,a,missing.mkv,missing.mp4"
    write_bytes(s3 / "corpus" / "corpus.csv", f"source,clip,reference,distorted\n{row}\n".encode())
    run = tmp_path / "run"
    short = ("--model-arch", "linear", "--epochs", 1)
    model = address(s3 / "m.onnx")
    for words in (
        ("loso", table, *short, "-o", run),
        ("report", run, "--json"),
        ("evaluate", table, "tinyvmaf_small_v1", "--json"),
        ("train", table, *short, "-o", model),
        ("table", "compact", table, "-o", address(s3 / "whole.parquet")),
        ("corpus", "scan", corpus, "--json"),
        ("corpus", "scan", corpus),
        ("extract", corpus, "-o", tmp_path / "t.parquet", "--json"),
        ("score", address(s3 / "r.mkv"), address(s3 / "d.mkv"), "--json"),
        ("models", "show", model, "--json"),
        ("report", address(s3 / "none")),
        ("compare", address(s3 / "none"), address(s3 / "other")),
        ("frontier", corpus, "-o", tmp_path / "frontier"),
    ):
        done = program.run(*words)
        assert "internal error" not in done.stderr, done.stderr
        assert not _FOLDED.search(done.stdout + done.stderr), done.stdout + done.stderr
    assert json.loads((run / "run.json").read_text())["table"]["origin"] == table
    for path in run.rglob("*"):
        if path.suffix in {".json", ".md", ".html", ".csv", ".tex"}:
            assert not _FOLDED.search(path.read_text()), path


@pytest.mark.slow
def test_a_run_in_a_store(s3, program):
    """Swept into it, and reported from it, byte for byte."""
    where = address(s3 / "run")
    swept = program.run("loso", "--sample", "--model-arch", "linear", "--epochs", 1, "-o", where)
    assert swept.status == 0
    assert swept.stdout.endswith(f"parameters: {where}/loso_linear_eval.html\n")
    page = read_bytes(s3 / "run" / "loso_linear_eval.html")
    assert is_file(s3 / "run" / "run.json")
    again = program.run("report", where)
    assert again.status == 0
    assert again.stdout.splitlines()[2] == f"{where}/loso_linear_eval.html"
    assert read_bytes(s3 / "run" / "loso_linear_eval.html") == page
    missing = program.run("report", address(s3 / "other"))
    assert missing.status == 2
    assert "no run here" in missing.stderr
