# SPDX-License-Identifier: Apache-2.0
import pickle
import sys
from dataclasses import replace
from pathlib import Path

import imageio_ffmpeg
import pytest

from tinyvmaf.errors import ToolFailed, ToolLacksFeature, ToolNotFound
from tinyvmaf.media.ffmpeg import ffmpeg_path, find_ffmpeg, generated_frame_log, run_ffmpeg


@pytest.fixture
def script(tmp_path):
    """Write an executable script; returns its path."""

    def write(name, *lines):
        path = tmp_path / name
        path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
        path.chmod(0o755)
        return path

    return write


def test_the_option_comes_before_the_environment(script, monkeypatch):
    named, environment = script("named"), script("environment")
    monkeypatch.setenv("TINYVMAF_FFMPEG", str(environment))
    assert ffmpeg_path(named) == named
    assert ffmpeg_path() == environment


def test_the_wheel_comes_before_path_and_path_is_the_last_resort(script, monkeypatch):
    on_path = script("ffmpeg")
    monkeypatch.setenv("PATH", str(on_path.parent))
    assert str(ffmpeg_path()) == imageio_ffmpeg.get_ffmpeg_exe()
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    assert ffmpeg_path() == on_path


def test_no_ffmpeg_anywhere(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolNotFound) as caught:
        ffmpeg_path()
    assert str(caught.value) == (
        "no ffmpeg found: tried `ffmpeg`, TINYVMAF_FFMPEG, the imageio-ffmpeg package and "
        "PATH; `pip install imageio-ffmpeg` installs one with libvmaf"
    )


def test_a_named_binary_that_is_missing_is_not_replaced_by_another(tmp_path, monkeypatch):
    missing = tmp_path / "missing"
    with pytest.raises(ToolNotFound) as caught:
        ffmpeg_path(missing)
    assert str(caught.value) == f"`ffmpeg` names {missing}, which is not an executable program"
    monkeypatch.setenv("TINYVMAF_FFMPEG", str(missing))
    with pytest.raises(ToolNotFound, match=r"TINYVMAF_FFMPEG names .*missing"):
        ffmpeg_path()


def test_a_file_that_is_not_executable(tmp_path):
    path = tmp_path / "ffmpeg"
    path.write_text("#!/bin/sh\n")
    with pytest.raises(ToolNotFound, match="not an executable program"):
        find_ffmpeg(path)


def test_a_program_that_is_no_ffmpeg(script):
    other = script("other", "echo 'sox 14.4.2'")
    with pytest.raises(ToolNotFound) as caught:
        find_ffmpeg(other)
    assert str(caught.value) == f"{other} is not ffmpeg: it introduces itself as 'sox 14.4.2'"


def test_a_program_that_says_nothing_or_fails(script):
    with pytest.raises(ToolNotFound, match="introduces itself as ''"):
        find_ffmpeg(script("silent"))
    with pytest.raises(ToolNotFound, match=r"is not an ffmpeg that runs: .*status 3: no licence"):
        find_ffmpeg(script("failing", "echo 'no licence' >&2", "exit 3"))
    broken = script("broken")
    broken.write_bytes(b"\x7fELF but not really")
    with pytest.raises(ToolNotFound, match="cannot start"):
        find_ffmpeg(broken)


@pytest.mark.ffmpeg
def test_an_ffmpeg_without_libvmaf(script, ffmpeg):
    """What a build without the filter does: it fails as soon as a graph names it."""
    poor = script(
        "poor",
        'case "$*" in *libvmaf*) echo "No such filter: libvmaf" >&2; exit 8;; esac',
        f'exec {ffmpeg.path} "$@"',
    )
    with pytest.raises(ToolLacksFeature) as caught:
        find_ffmpeg(poor)
    assert str(caught.value) == (
        f"{poor} (ffmpeg {ffmpeg.version}) cannot compute VMAF: poor failed with exit status 8: "
        "No such filter: libvmaf; it needs the filter libvmaf, that is a build with "
        "--enable-libvmaf; `pip install imageio-ffmpeg` installs one, or name another with "
        "`ffmpeg` or TINYVMAF_FFMPEG"
    )
    assert isinstance(caught.value.__cause__, ToolFailed)


@pytest.mark.ffmpeg
def test_an_ffmpeg_whose_libvmaf_writes_no_log(script, ffmpeg):
    """Exit status 0 proves nothing."""
    liar = script("liar", 'case "$*" in *libvmaf*) exit 0;; esac', f'exec {ffmpeg.path} "$@"')
    with pytest.raises(ToolLacksFeature):
        find_ffmpeg(liar)


@pytest.mark.ffmpeg
def test_a_link_keeps_its_name(tmp_path, ffmpeg):
    """A launcher that many links point to tells by the link's name which program is meant."""
    link = tmp_path / "ffmpeg"
    link.symlink_to(ffmpeg.path)
    assert find_ffmpeg(link).path == link


@pytest.mark.ffmpeg
@pytest.mark.parametrize(
    ("named", "version"),
    [
        ("n9.0.2-17-g2a571b6068-20260930", "9.0.2"),
        ("6.1.1-3ubuntu5", "6.1.1"),
        ("7.1", "7.1"),
        # Two nightly builds are two versions: their results must not share a cache entry.
        ("N-118350-g0a1b2c3d4e", "N-118350-g0a1b2c3d4e"),
        ("git-2026-02-03-abcdef0", "git-2026-02-03-abcdef0"),
    ],
)
def test_versions_as_builds_name_them(script, ffmpeg, named, version):
    build = script(
        "build",
        f'if [ "$1" = -version ]; then echo "ffmpeg version {named} Copyright"; exit; fi',
        f'exec {ffmpeg.path} "$@"',
    )
    assert find_ffmpeg(build).version == version


@pytest.mark.ffmpeg
def test_progress_counts_every_frame(ffmpeg):
    seen = []
    source = ["-f", "lavfi", "-i", "testsrc2=size=64x36:rate=25", "-frames:v", "40"]
    run_ffmpeg(ffmpeg.path, [*source, "-f", "null", "-"], on_frame=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 40


@pytest.mark.ffmpeg
def test_a_model_that_libvmaf_does_not_know(ffmpeg):
    with pytest.raises(ToolFailed) as caught:
        generated_frame_log(ffmpeg.path, model="version=vmaf_v9.9.9")
    assert caught.value.returncode
    assert "vmaf_v9.9.9" in " ".join(caught.value.command)


def test_relative_binaries_survive_a_change_of_folder(script, monkeypatch):
    path = script("mine")
    monkeypatch.chdir(path.parent)
    assert ffmpeg_path(Path("./mine")) == path


def test_another_machine_finds_its_own_copy_of_the_same_build(ffmpeg):
    elsewhere = replace(ffmpeg, path=Path("/nowhere/ffmpeg"))
    assert pickle.loads(pickle.dumps(elsewhere)) == ffmpeg  # noqa: S301 (made here)


@pytest.mark.parametrize("change", [{"version": "8.0"}, {"libvmaf": "2.3.1"}])
def test_another_build_on_another_machine_is_refused(ffmpeg, change):
    """Its scores would go into one table, and one cache, with ours."""
    data = pickle.dumps(replace(ffmpeg, **change))
    with pytest.raises(ToolLacksFeature) as caught:
        pickle.loads(data)  # noqa: S301 (made here)
    wanted = replace(ffmpeg, **change)
    assert f"has ffmpeg {ffmpeg.version} with libvmaf {ffmpeg.libvmaf}" in str(caught.value)
    assert f"expected ffmpeg {wanted.version} with libvmaf {wanted.libvmaf}" in str(caught.value)


def test_the_wheel_s_binary_is_found_without_asking_the_package(monkeypatch):
    def fails():
        # What it says for as long as it lives after a look at the wrong moment.
        raise RuntimeError("No ffmpeg exe could be found")

    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", fails)
    assert ffmpeg_path().parent.name == "binaries"


def test_imageio_s_own_variable_is_obeyed(script, monkeypatch):
    named = script("mine")
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(named))
    assert ffmpeg_path() == named
