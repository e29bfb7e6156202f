# SPDX-License-Identifier: Apache-2.0
"""The base installation scores; what it lacks is said with the command that adds it."""

import json
import subprocess
import sys
from importlib import metadata
from types import SimpleNamespace

import pytest

import tinyvmaf as tv
from tinyvmaf import extras
from tinyvmaf.cli.app import EXTRA_OF, VERBS
from tinyvmaf.errors import ToolNotFound
from tinyvmaf.extras import EXTRAS, extra_of, install_command, require

# The modules of all extras cannot be imported; then the program runs as installed.
BASE = """
import sys
for name in {modules!r}:
    sys.modules[name] = None
from tinyvmaf.cli.app import main
main()
"""
MODULES = tuple(module for modules in EXTRAS.values() for module in modules)


def base(*arguments):
    """Run the program as if only the base were installed."""
    command = [sys.executable, "-c", BASE.format(modules=MODULES), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.ffmpeg
@pytest.mark.parametrize(
    "options",
    [
        ["--mode", "exact"],
        ["--within", "1", "--json"],
        ["--mode", "model", "--model", "tinyvmaf_medium_v1"],
        ["--log", "log.json", "--plot", "curve.svg"],
        ["--plot", "curve.html"],
    ],
)
def test_the_base_scores(tmp_path, monkeypatch, moving, make_video, options):
    monkeypatch.chdir(tmp_path)
    reference = moving(tmp_path / "r.mkv", "-c:v", "ffv1", frames=24)
    distorted = make_video(tmp_path / "d.mkv", "-i", reference, "-c:v", "libx264", "-crf", 35)
    done = base("score", reference, distorted, *options)
    assert done.returncode == 0, done.stderr


@pytest.mark.ffmpeg
def test_the_base_scores_a_ladder_with_a_target_and_draws_it(
    tmp_path, monkeypatch, moving, make_video
):
    monkeypatch.chdir(tmp_path)
    reference = moving(tmp_path / "r.mkv", "-c:v", "ffv1", frames=24)
    encodes = [
        make_video(tmp_path / f"{crf}.mkv", "-i", reference, "-c:v", "libx264", "-crf", crf)
        for crf in (45, 40, 35)
    ]
    done = base("score", reference, *encodes, "--target", "50", "--plot", "ladder.html")
    assert done.returncode == 0, done.stderr
    assert "<svg" in (tmp_path / "ladder.html").read_text(encoding="utf-8")
    done = base("score", reference, *encodes, "--plot", "ladder.png")
    assert (done.returncode, done.stdout) == (2, "")
    assert "a PNG needs altair and vl_convert, not installed; add it with: pip install" in (
        " ".join(done.stderr.split())
    )


@pytest.mark.parametrize(
    "verb", [["list"], ["show", "tinyvmaf_small_v1"], ["path", "tinyvmaf_small_v1"]]
)
def test_the_base_knows_its_models(verb):
    done = base("models", *verb)
    assert (done.returncode, done.stderr) == (0, "")
    assert "tinyvmaf_small_v1" in done.stdout


@pytest.mark.parametrize("verb", sorted(EXTRA_OF))
def test_every_other_verb_says_what_to_install(verb):
    done = base(verb, "x", "-o", "y")
    assert (done.returncode, done.stdout) == (2, "")
    lines = done.stderr.splitlines()
    assert "".join(lines).startswith(f"tinyvmaf: tinyvmaf {verb} needs polars, scipy, sklearn, ")
    assert f"[{EXTRA_OF[verb]}]" in "".join(lines)
    assert base(verb, "--help").returncode == 0


def test_verbs_that_may_need_one():
    assert set(EXTRA_OF) < set(VERBS)
    done = base("models", "verify", "tinyvmaf_small_v1")
    assert done.returncode == 2
    assert done.stderr.startswith("tinyvmaf: tinyvmaf models needs onnx, not installed; add it ")


def test_names_of_the_package_say_it(monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "polars" else object())
    for name in ("loso", "read_table"):
        monkeypatch.delitem(vars(tv), name, raising=False)
        with pytest.raises(ToolNotFound, match=rf"^tinyvmaf.{name} needs polars, not installed; "):
            getattr(tv, name)
    assert tv.score is not None


def origin(monkeypatch, record):
    text = None if record is None else json.dumps(record)
    found = SimpleNamespace(read_text=lambda name: text)
    monkeypatch.setattr(metadata, "distribution", lambda name: found)
    return install_command("research")


def test_the_command_is_that_of_this_installation(monkeypatch):
    assert origin(monkeypatch, None) == "pip install 'tinyvmaf[research]'"
    url = {"url": "file:///a%20b/tinyvmaf", "dir_info": {}}
    assert origin(monkeypatch, url) == "pip install '/a b/tinyvmaf[research]'"
    url["dir_info"] = {"editable": True}
    assert origin(monkeypatch, url) == "pip install -e '/a b/tinyvmaf[research]'"
    wheel = {"url": "https://e.org/tinyvmaf.whl", "archive_info": {}}
    assert origin(monkeypatch, wheel) == (
        "pip install 'tinyvmaf[research] @ https://e.org/tinyvmaf.whl'"
    )

    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", absent)
    monkeypatch.setattr(extras, "_ROOT", "/checkout")
    assert install_command("train") == "pip install -e '/checkout[train]'"


def test_what_is_missing():
    assert (extra_of("polars.io"), extra_of("jax"), extra_of("numpy")) == (
        "research",
        "train",
        None,
    )
    require("research", what="this")
