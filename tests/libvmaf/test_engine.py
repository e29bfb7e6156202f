# SPDX-License-Identifier: Apache-2.0
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest

from tinyvmaf.errors import CorpusError, ToolNotFound, UsageError
from tinyvmaf.features.cache import Cache
from tinyvmaf.libvmaf.engine import FfmpegEngine, find_engine
from tinyvmaf.libvmaf.logs import read_log
from tinyvmaf.libvmaf.sets import CANONICAL6

GOLDEN = Path(__file__).parents[1] / "golden" / "vmaf-cli-3.2.0_640x360_31frames.json"


@pytest.fixture
def vmaf(tmp_path):
    """A stand-in for libvmaf's program: notes its arguments and gives out a recorded log."""

    def write(log=GOLDEN):
        program = (
            "import pathlib, sys",
            "arguments = sys.argv[1:]",
            "if arguments == ['--version']: sys.exit(print('3.2.0', file=sys.stderr))",
            f"pathlib.Path({str(tmp_path / 'said')!r}).write_text('\\n'.join(arguments))",
            "output = arguments[arguments.index('--output') + 1]",
            f"pathlib.Path(output).write_bytes(pathlib.Path({str(log)!r}).read_bytes())",
        )
        (tmp_path / "program.py").write_text("\n".join(program))
        path = tmp_path / "vmaf"
        command = shlex.join([sys.executable, str(tmp_path / "program.py")])
        path.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        path.chmod(0o755)
        return path

    return write


@pytest.fixture(scope="module")
def pair(folder, moving):
    """31 frames of 640x360, as the recorded log has."""
    return tuple(moving(folder / f"{name}.y4m", frames=31, size="640x360") for name in "rd")


@pytest.mark.ffmpeg
def test_the_engine_is_ffmpeg_unless_vmaf_is_named_or_set(vmaf, monkeypatch):
    assert isinstance(find_engine(), FfmpegEngine)
    path = vmaf()
    monkeypatch.setenv("VMAF_BIN", str(path))
    assert find_engine().versions == {"vmaf": "3.2.0", "libvmaf": "3.2.0"}
    assert isinstance(find_engine("ffmpeg"), FfmpegEngine)


def test_an_engine_that_does_not_exist(monkeypatch, tmp_path):
    with pytest.raises(UsageError) as caught:
        find_engine("gstreamer")
    assert str(caught.value) == "unknown engine 'gstreamer'; expected ffmpeg or vmaf"
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolNotFound, match="no program `vmaf` on PATH; name it with VMAF_BIN"):
        find_engine("vmaf")
    monkeypatch.setenv("VMAF_BIN", "/none")
    with pytest.raises(ToolNotFound, match="VMAF_BIN names /none, which is not an executable"):
        find_engine()


@pytest.mark.ffmpeg
def test_a_pair_through_libvmafs_own_program(score, vmaf, monkeypatch, pair, tmp_path):
    monkeypatch.setenv("VMAF_BIN", str(vmaf()))
    table = score(pair, engine=find_engine()).table
    expected = read_log(GOLDEN)
    np.testing.assert_array_equal(table.target, expected["vmaf"])
    np.testing.assert_array_equal(table.features, np.stack([expected[n] for n in CANONICAL6], 1))
    assert table.info.versions["vmaf"] == "3.2.0"
    said = (tmp_path / "said").read_text().split("\n")
    assert said[:4] == ["--reference", str(pair[0]), "--distorted", str(pair[1])]


@pytest.mark.ffmpeg
def test_a_short_log_of_libvmafs_own_program_is_not_believed(
    score, vmaf, monkeypatch, pair, folder, moving, tmp_path
):
    longer = tuple(moving(folder / f"{name}32.y4m", frames=32, size="640x360") for name in "rd")
    monkeypatch.setenv("VMAF_BIN", str(vmaf()))
    with pytest.raises(CorpusError, match="libvmaf scored 31 frames"):
        score(longer, engine=find_engine())
    broken = tmp_path / "broken.json"
    broken.write_bytes(GOLDEN.read_bytes()[:5000])
    monkeypatch.setenv("VMAF_BIN", str(vmaf(broken)))
    with pytest.raises(CorpusError, match=r"log\.json: not a readable libvmaf log"):
        score(pair, engine=find_engine(), cache=Cache(tmp_path / "empty"))


@pytest.mark.ffmpeg
def test_what_libvmafs_own_program_cannot_read_is_refused(
    score, vmaf, monkeypatch, reference, distorted, pair, folder, moving
):
    monkeypatch.setenv("VMAF_BIN", str(vmaf()))
    with pytest.raises(CorpusError, match=r"`engine='vmaf'` reads raw YUV and Y4M only"):
        score((reference, distorted), engine=find_engine())
    smaller = moving(folder / "smaller.y4m", frames=31, size="320x180")
    with pytest.raises(CorpusError, match=r"compares videos as they are, but distorted 320x180"):
        score((pair[0], smaller), engine=find_engine())
