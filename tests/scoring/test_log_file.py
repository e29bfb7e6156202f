# SPDX-License-Identifier: Apache-2.0
"""Our logs against those that libvmaf writes itself, and through a program that reads libvmaf's."""

import json
import subprocess

import numpy as np
import pytest
from easyvmaf.results import read_frames, read_scores

import tinyvmaf as tv
from tinyvmaf.errors import UsageError
from tinyvmaf.libvmaf.logs import read_log
from tinyvmaf.scoring.log_file import LogHead, log_format, write_log

HEAD = LogHead(libvmaf="3.2.0", fps=50.125, width=320, height=136)


@pytest.fixture(scope="module", params=["json", "xml", "csv"])
def logs(request, pristine, distorted, ffmpeg, tmp_path_factory):
    """The log of libvmaf's filter and ours of the same pair: format, theirs, ours."""
    folder = tmp_path_factory.mktemp("logs")
    graph = f"[0:v][1:v]libvmaf=log_fmt={request.param}:log_path=theirs.{request.param}"
    command = [ffmpeg.path, "-i", distorted, "-i", pristine, "-lavfi", graph, "-f", "null", "-"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    ours = folder / f"ours.{request.param}"
    tv.score(reference=pristine, distorted=distorted, threads=1, log=ours)
    return request.param, folder / f"theirs.{request.param}", ours


@pytest.mark.ffmpeg
def test_a_log_is_libvmafs_but_for_the_speed_and_rounding(logs):
    layout, theirs, ours = logs
    expected, found = theirs.read_text().splitlines(), ours.read_text().splitlines()
    assert len(found) == len(expected)
    different = [pair for pair in zip(expected, found, strict=True) if pair[0] != pair[1]]
    # The speed of the run, and pooled figures whose last digit libvmaf rounds from more digits.
    for wanted, got in different:
        assert wanted.split('"')[0] == got.split('"')[0]
        if "fps" not in wanted:
            assert _numbers(got) == pytest.approx(_numbers(wanted), abs=2e-6)
    assert len(different) < len(expected) / 5 if layout != "csv" else not different


def _numbers(line):
    return [
        float(word)
        for word in line.replace(",", "").split('"') + line.replace(",", "").split()
        if word.replace(".", "").replace("-", "").isdigit()
    ]


@pytest.mark.ffmpeg
def test_a_program_that_reads_libvmafs_logs_reads_ours(logs, exact):
    layout, theirs, ours = logs
    assert read_frames(str(ours), layout) == read_frames(str(theirs), layout)
    assert read_scores(str(ours), layout, ["vmaf"]) == pytest.approx({"vmaf": exact.vmaf.mean})


@pytest.mark.ffmpeg
def test_our_own_reader_reads_it(logs, exact):
    layout, _, ours = logs
    if layout != "xml":
        assert read_log(ours)["vmaf"].tolist() == exact.frame_scores.tolist()


def test_scores_of_another_mode_stand_in_the_column_vmaf(tmp_path):
    measured = tmp_path / "measured.csv"
    measured.write_text("Frame,integer_adm2,vmaf,\n0,0.900000,80.000000,\n1,0.800000,70.000000,\n")
    path = tmp_path / "log.csv"
    write_log(path, layout="csv", head=HEAD, scores=np.array([81.25, 70.5]), measured=measured)
    assert path.read_text() == (
        "Frame,integer_adm2,vmaf,\n0,0.900000,81.250000,\n1,0.800000,70.500000,\n"
    )


def test_a_mode_without_a_pass_over_all_frames_writes_scores_alone(tmp_path):
    path = tmp_path / "log.json"
    write_log(path, layout="json", head=HEAD, scores=np.array([80.0, 60.0]), measured=None)
    assert json.loads(path.read_text()) == {
        "version": "3.2.0",
        "fps": 50.12,
        "frames": [
            {"frameNum": 0, "metrics": {"vmaf": 80.0}},
            {"frameNum": 1, "metrics": {"vmaf": 60.0}},
        ],
        "pooled_metrics": {
            "vmaf": {"min": 60.0, "max": 80.0, "mean": 70.0, "harmonic_mean": 68.591549}
        },
        "aggregate_metrics": {},
    }


def test_scores_that_do_not_fit_the_log_are_a_bug_and_leave_no_file(tmp_path):
    measured = tmp_path / "measured.csv"
    measured.write_text("Frame,vmaf,\n0,80.000000,\n")
    with pytest.raises(ValueError, match="zip"):
        write_log(
            tmp_path / "log.xml", layout="xml", head=HEAD, scores=np.zeros(2), measured=measured
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["measured.csv"]


def test_the_format_is_named_or_read_off_the_suffix(tmp_path):
    assert log_format(tmp_path / "a.XML", None) == "xml"
    assert log_format(tmp_path / "a", None) == "json"
    assert log_format(tmp_path / "a.txt", "json") == "json"
    with pytest.raises(UsageError, match=r"a.foo: no log format has the suffix '.foo'"):
        log_format(tmp_path / "a.foo", None)
    assert log_format(tmp_path / "a.xml", "csv") == "csv"
    with pytest.raises(UsageError) as caught:
        log_format(tmp_path / "a.xml", "yaml")
    assert str(caught.value) == "unknown log format 'yaml'; expected one of json, xml, csv"
