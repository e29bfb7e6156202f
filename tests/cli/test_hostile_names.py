# SPDX-License-Identifier: Apache-2.0
"""One hostile name through every verb and every medium: it stays text, on its own line."""

import csv
import json
import os
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.parsers.expat import ParserCreate

import polars as pl
import pytest

from tests.evaluation.tables import smooth_table
from tinyvmaf.features.table import make_table, write_table
from tinyvmaf.frontier.frontier_record import FrontierRecord
from tinyvmaf.frontier.measuring import Frontier
from tinyvmaf.libvmaf.sets import CANONICAL6
from tinyvmaf.report.frontier_report import write_frontier
from tinyvmaf.scoring.costs import COSTS_SCHEMA, CostsRecord
from tinyvmaf.typed_json import from_json

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.ffmpeg

NAME = "a\nVMAF 100.00\x1b[31m\x07\u202e<!--<script>alert(1)|`*_www.x.org\x85=1+1"
# A file's name may also hold bytes that are not UTF-8.
FILE = f"{NAME}\udcff"
RAW = "\x1b\x07\x85\u202e\udcff"


def harmless(text):
    """Nothing of the name is more than text on a line of its own."""
    assert all(sign.isprintable() or sign == "\n" for sign in text), ascii(text)
    assert not any(line.startswith("VMAF 100.00") for line in text.split("\n"))
    return text


def parse(svg):
    """The names of an SVG's elements; it is not SVG if that fails."""
    names, parser = [], ParserCreate()
    parser.StartElementHandler = lambda name, _: names.append(name)
    parser.Parse(svg, True)
    return names


class _Elements(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


def harmless_files(folder):
    """Every file that was written; the names of their suffixes."""
    found = set()
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        found.add(path.suffix)
        data = path.read_bytes()
        if path.suffix == ".png":
            assert data.startswith(b"\x89PNG")
        elif path.suffix == ".svg":
            assert "script" not in parse(data)
            harmless(data.decode())
        elif path.suffix == ".html":
            elements = _Elements(data.decode()).found
            policies = [each.get("content") for tag, each in elements if tag == "meta"]
            assert any(each and each.startswith("default-src 'none'") for each in policies)
            assert sum(tag == "script" for tag, _ in elements) == 3
            assert not set(RAW) & set(data.decode())
        elif path.suffix in {".md", ".json", ".xml", ".csv", ".tex"}:
            text = harmless(data.decode())
            if path.suffix == ".md":
                # A command stands in a fence, where markup is text.
                assert "<script" not in re.sub(r"```+sh\n.*\n```+\n", "", text)
            if path.suffix == ".csv":
                cells = [cell for row in csv.reader(text.splitlines()) for cell in row]
                assert not any(cell[:1] in set("=@") for cell in cells)
            if path.suffix == ".json":
                json.loads(text)
    return found


@pytest.fixture
def pair(tmp_path, moving, make_video):
    folder = tmp_path / "videos"
    moving(folder / "r.mkv", "-c:v", "ffv1", frames=4)
    make_video(folder / "d.mkv", "-i", folder / "r.mkv", "-c:v", "libx264", "-crf", "40")
    return [(folder / f"{letter}.mkv").rename(folder / f"{FILE}{letter}.mkv") for letter in "rd"]


@pytest.mark.slow
def test_score(tinyvmaf, program, pair, tmp_path):
    outputs = tmp_path / "out"
    outputs.mkdir()
    for kind in ("html", "svg", "png"):
        done = tinyvmaf("score", *pair, "--plot", outputs / f"curve.{kind}")
        assert done.status == 0, done.stderr
        harmless(done.stdout + done.stderr)
    for kind in ("json", "xml", "csv"):
        assert tinyvmaf("score", *pair, "--log", outputs / f"log.{kind}").status == 0
    assert len(harmless_files(outputs)) == 6
    record = json.loads(harmless(tinyvmaf("score", *pair, "--json").stdout))
    assert os.fsdecode(os.fsencode(record["distorted"])) == str(pair[1])
    asked = tinyvmaf("score", *pair, "--at-least", 20)
    assert asked.status in {0, 4, 5}, asked.stderr
    harmless(asked.stdout + asked.stderr)
    shutil.copy(pair[1], pair[1].with_name(f"=1+{FILE}.mkv"))
    ladder = ("score", pair[0], pair[0].parent, "--csv", outputs / "ladder.csv")
    for kind in ("html", "svg", "png"):
        many = tinyvmaf(*ladder, "--target", 60, "--plot", outputs / f"ladder.{kind}")
        assert many.status == 0, many.stderr
        harmless(many.stdout + many.stderr)
    json.loads(harmless(program.run(*ladder, "--json").stdout))
    assert len(harmless_files(outputs)) == 6
    wrong = tinyvmaf("score", *pair, "--threads", NAME)
    assert wrong.status == 2
    harmless(wrong.stdout + wrong.stderr)
    missing = tinyvmaf("score", pair[0], pair[0].with_name(f"{FILE}none.mkv"))
    assert missing.status == 2
    assert len(harmless(missing.stderr).splitlines()) == 1


def test_corpora(tinyvmaf, pair, tmp_path):
    """Manifests are UTF-8: a name that is not cannot stand in one, and `corpus build` says so."""
    for path, letter in zip(pair, "rd", strict=True):
        path.rename(path.with_name(f"{NAME}{letter}.mkv"))
    manifest = tmp_path / "videos" / "corpus.csv"
    row = {"source": NAME, "reference": f"{NAME}r.mkv", "distorted": f"{NAME}d.mkv"}
    pl.DataFrame(row).write_csv(manifest)
    for words in (("corpus", "scan", manifest), ("corpus", "scan", manifest, "--json"),
                  ("extract", manifest, "-o", tmp_path / f"{NAME}.parquet"),
                  ("extract", manifest, "-o", tmp_path / "t.parquet", "--json")):  # fmt: skip
        done = tinyvmaf(*words)
        assert done.status == 0, done.stderr
        harmless(done.stdout + done.stderr)
    ladder = tmp_path / "ladder.toml"
    ladder.write_text('[[rung]]\nencoder = "libx264"\nheights = [1]\ncrf = [30]\n')
    source = tmp_path / "videos" / f"{FILE}.mkv"
    (tmp_path / "videos" / f"{NAME}r.mkv").rename(source)
    done = tinyvmaf("corpus", "build", source, "-o", tmp_path / "built", "--ladder", ladder)
    assert done.status in {0, 2}
    assert "internal error" not in done.stderr
    harmless(done.stdout + done.stderr)


@pytest.mark.slow
def test_runs_and_their_reports(tinyvmaf, tmp_path):
    table = smooth_table()
    rows = table.rows.with_columns(
        pl.col("source").replace("S01", NAME), pl.col("clip").replace("c1", NAME)
    )
    path, run = tmp_path / f"{NAME}.parquet", tmp_path / f"{NAME} run"
    write_table(make_table(rows, table.info), path)
    short = ("--model-arch", "linear", "--epochs", "1")
    for words in (("loso", path, "-o", run, *short), ("report", run), ("report", run, "--json"),
                  ("train", path, "-o", tmp_path / "m" / f"{NAME}.onnx", *short),
                  ("loso", path, "-o", tmp_path / "other", *short),
                  ("compare", run, tmp_path / "other")):  # fmt: skip
        done = tinyvmaf(*words)
        assert done.status == 0, done.stderr
        harmless(done.stdout + done.stderr)
    assert {".html", ".md", ".json", ".svg", ".png"} <= harmless_files(run)
    harmless_files(tmp_path / "m")


def test_models(tinyvmaf, tmp_path, model_path, make_card):
    path = tmp_path / f"{FILE}.onnx"
    path.write_bytes(model_path.read_bytes())
    card = make_card(name=NAME, training_sources=(NAME,), notes=(NAME,))
    path.with_suffix(".json").write_text(card.to_json())
    table = tmp_path / "t.parquet"
    write_table(smooth_table(), table)
    bundle = tmp_path / "bundle"
    for words in (("models", "show", path), ("models", "show", path, "--json"),
                  ("models", "export", path, "-o", bundle, "--to", "vmafx"),
                  ("models", "verify", path), ("models", "verify", path, "--json"),
                  ("evaluate", table, path), ("evaluate", table, path, "--json")):  # fmt: skip
        done = tinyvmaf(*words)
        assert "internal error" not in done.stderr
        harmless(done.stdout + done.stderr)
    assert {".json", ".csv"} <= harmless_files(bundle)
    done = tinyvmaf("models", "repair", path, "-o", tmp_path / "mended.onnx")
    assert done.status == 2
    harmless(done.stdout + done.stderr)


def test_logs_and_opinions(tinyvmaf, tmp_path):
    """Logs in folders that are named so, a column that is, and opinions of such clips."""
    logs = tmp_path / "logs"
    frames = [
        {"frameNum": n, "metrics": {**dict.fromkeys(CANONICAL6, 0.5), "vmaf": 50.0 + n}}
        for n in range(3)
    ]
    for source in (NAME, "=2", "s3"):
        for clip in (f"=1{FILE}", f"{NAME}b", "c"):
            (logs / source).mkdir(parents=True, exist_ok=True)
            (logs / source / f"{clip}.json").write_text(
                json.dumps({"version": "3.0.0", "frames": frames})
            )
    (logs / f"{FILE}.json").write_text(f'{{"{NAME}": 1')
    votes = tmp_path / f"{NAME}.csv"
    pl.DataFrame({"clip": [f"{NAME}b", "c", f"{NAME} none"], "MOS": [1.0, 2.0, 3.0]}).write_csv(
        votes
    )
    table, other = tmp_path / f"{NAME}.parquet", tmp_path / "t.parquet"
    call = ("table", "import", logs, "--opinions", votes, "-o", table)
    for words in (
        call,
        (*call, "--json"),
        ("table", "import", logs / NAME, "-o", other),
        ("table", "import", logs, "--pattern", f"{{source}}{NAME}", "-o", other),
        ("table", "join", table, votes, "-o", other),
    ):
        done = tinyvmaf(*words)
        assert "internal error" not in done.stderr, done.stderr
        harmless(done.stdout + done.stderr)


def test_the_frontier(tmp_path):
    """Names of models and sources of a record, in its table and its picture."""
    record = json.loads((ROOT / "docs" / "results" / "frontier.json").read_text())
    record["methods"][0] |= {"name": FILE, "worst_source": NAME}
    costs = CostsRecord(COSTS_SCHEMA, {NAME: 1.0}, (NAME,), "", {})
    write_frontier(Frontier(from_json(FrontierRecord, record), costs), tmp_path)
    assert {".md", ".svg", ".json"} <= harmless_files(tmp_path)
    assert all(harmless(word) for word in (tmp_path / "frontier.md").read_text().splitlines())


@pytest.mark.slow
def test_reports_of_opinions(tinyvmaf, tmp_path):
    table = smooth_table()
    rows = table.rows.with_columns(
        pl.col("source").replace("S01", NAME).replace("S02", "=2"),
        pl.col("clip").replace("c1", NAME),
        mos=pl.col("vmaf").mean().over("source", "clip") / 20,
    )
    path = tmp_path / f"{NAME}.parquet"
    write_table(make_table(rows, replace(table.info, labels=("mos",))), path)
    done = tinyvmaf("loso", path, "--target", "mos", "-o", tmp_path / "run")
    assert done.status == 0, done.stderr
    harmless(done.stdout + done.stderr)
    assert {".md", ".json", ".csv", ".tex"} <= harmless_files(tmp_path / "run")
