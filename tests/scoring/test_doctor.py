# SPDX-License-Identifier: Apache-2.0
import pytest

from tinyvmaf.extras import install_command
from tinyvmaf.models import zoo
from tinyvmaf.scoring import doctor
from tinyvmaf.scoring.doctor import Status

pytestmark = pytest.mark.ffmpeg


def by_name(**options):
    return {check.name: check for check in doctor.doctor(**options).checks}


def test_a_healthy_machine(ffmpeg):
    checks = by_name()
    needed = ("libraries", "cores", "ffmpeg", "known pair", "cache", "temporary files")
    assert {name: checks[name].status for name in needed} == dict.fromkeys(needed, Status.OK)
    assert checks["ffmpeg"].found.startswith(f"{ffmpeg.version} with libvmaf {ffmpeg.libvmaf} at ")
    assert checks["known pair"].found == "VMAF 55.688, expected 55.688 within 0.05"
    assert checks["teachers"].found.startswith("vmaf_v0.6.1, vmaf_v0.6.1neg, ")
    assert all(check.cure is None for check in checks.values() if check.status is Status.OK)


def test_a_program_that_is_no_ffmpeg(tmp_path):
    path = tmp_path / "ffmpeg"
    path.write_text("#!/bin/sh\necho hello\n")
    path.chmod(0o755)
    checks = by_name(ffmpeg=path)
    assert checks["ffmpeg"].status is Status.BROKEN
    assert checks["ffmpeg"].found == f"{path} is not ffmpeg: it introduces itself as 'hello'"
    assert "pip install imageio-ffmpeg" in checks["ffmpeg"].cure
    assert "known pair" not in checks


def test_a_libvmaf_that_scores_something_else(monkeypatch):
    monkeypatch.setattr(doctor, "KNOWN_SCORE", 60.0)
    check = by_name()["known pair"]
    assert (check.status, check.found) == (
        Status.BROKEN,
        "VMAF 55.688, expected 60.0 within 0.05",
    )
    assert check.cure.startswith("this libvmaf gives other scores")


def test_a_cache_that_cannot_be_made(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("TINYVMAF_CACHE", str(tmp_path / "file" / "cache"))
    check = by_name()["cache"]
    assert check.status is Status.BROKEN
    assert check.cure == "name a folder that can be written with TINYVMAF_CACHE"


def test_extras_that_are_missing_are_no_fault(monkeypatch):
    monkeypatch.setattr(doctor, "find_spec", lambda name: None if name == "jax" else object())
    check = by_name()["extra train"]
    assert (check.status, check.found) == (Status.ABSENT, "not installed: jax")
    assert check.cure == install_command("train")


def test_a_shipped_model_that_was_changed(monkeypatch, model_path):
    monkeypatch.setattr(zoo, "ZOO", model_path.parent)
    assert by_name()["models"].found == "some_model_v1"
    model_path.write_bytes(model_path.read_bytes()[:-7])
    assert by_name()["models"].status is Status.BROKEN
