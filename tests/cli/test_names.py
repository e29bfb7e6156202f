# SPDX-License-Identifier: Apache-2.0
"""File names that mean something to a shell, to ffmpeg or to a filter graph."""

import numpy as np
import pytest

from tinyvmaf.features.table import read_table

pytestmark = pytest.mark.ffmpeg

HOSTILE = [
    "two words",
    "it's",
    'say "hi"',
    "a:b",
    "a,b;c=d",
    "50% %03d %s",
    "[a][b]",
    "back\\slash",
    "$HOME `id` *?",
    "-y",
    "Fuß 東京 🎬",
    "http:",
    "|pipe & <in >out",
    "cafe\u0301",
]


@pytest.fixture(scope="module")
def pair(tmp_path_factory, moving, make_video):
    folder = tmp_path_factory.mktemp("names")
    reference = moving(folder / "r.mkv", "-c:v", "ffv1", frames=3)
    return reference, make_video(folder / "d.mkv", "-i", reference, "-c:v", "libx264", "-crf", "40")


def manifest(root, *pairs):
    root.mkdir(parents=True, exist_ok=True)
    lines = ["source,clip,reference,distorted"]
    for number, (reference, distorted) in enumerate(pairs):
        quoted = ['"{}"'.format(str(path).replace('"', '""')) for path in (reference, distorted)]
        lines.append(f"source,{number},{','.join(quoted)}")
    (root / "corpus.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


def test_files_with_such_names_score_as_any_other(tinyvmaf, pair, tmp_path, monkeypatch):
    """Each under its own name, in a folder of that name; nothing is taken from the cache."""
    pairs = [pair]
    for name in HOSTILE:
        folder = tmp_path / name
        folder.mkdir()
        renamed = [folder / f"{name}{end}.mkv" for end in (" r", "")]
        for path, target in zip(pair, renamed, strict=True):
            target.write_bytes(path.read_bytes())
        pairs.append(tuple(renamed))
    monkeypatch.chdir(tmp_path)
    tables = []
    for number, two in enumerate(pairs):
        monkeypatch.setenv("TINYVMAF_CACHE", str(tmp_path / "caches" / str(number)))
        root = manifest(tmp_path / "manifests" / str(number), two)
        done = tinyvmaf("extract", root, "-o", "t.parquet")
        assert (done.status, done.lines) == (0, []), two[1].name
        assert "1 computed" in done.stdout
        tables.append(read_table(tmp_path / "t.parquet"))
    for table in tables[1:]:
        np.testing.assert_array_equal(table.target, tables[0].target)


@pytest.mark.parametrize("name", HOSTILE)
def test_corpus_output_cache_and_temporary_folder_may_have_such_names(
    tinyvmaf, pair, tmp_path, monkeypatch, name
):
    """The log that libvmaf writes lies in the temporary folder, whose name no graph may hold."""
    folders = {use: tmp_path / use / name for use in ("corpus", "output", "cache", "temporary")}
    folders["temporary"].mkdir(parents=True)
    monkeypatch.setattr("tempfile.tempdir", str(folders["temporary"]))
    monkeypatch.setenv("TINYVMAF_CACHE", str(folders["cache"]))
    table = folders["output"] / f"{name}.parquet"
    done = tinyvmaf("extract", manifest(folders["corpus"], pair), "-o", table)
    assert (done.status, done.lines) == (0, [])
    assert done.stdout.startswith(f"{table}: 3 frames of 1 clips")
    assert read_table(table).rows.height == 3
    assert list(folders["temporary"].iterdir()) == []


def test_relative_paths_that_begin_with_a_dash(tinyvmaf, pair, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path, name in zip(pair, ("-r.mkv", "-d.mkv"), strict=True):
        (tmp_path / name).write_bytes(path.read_bytes())
    root = manifest(tmp_path / "-corpus", ("../-r.mkv", "../-d.mkv"))
    done = tinyvmaf("extract", "-o", "-t.parquet", "--", root.name)
    assert (done.status, done.lines) == (0, [])
    assert read_table(tmp_path / "-t.parquet").rows.height == 3
