# SPDX-License-Identifier: Apache-2.0
"""`tinyvmaf score` as a program: what goes to stdout, what to stderr, and the exit status."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.ffmpeg

RUN = "from tinyvmaf.cli.app import main; main()"


@pytest.fixture(scope="module")
def videos(tmp_path_factory, moving):
    """A reference, two encodes of it, and one that is far too short; in a folder of its own."""
    folder = tmp_path_factory.mktemp("videos")
    reference = moving(folder / "reference.mkv", "-c:v", "ffv1", frames=12)
    for name, crf in (("good", 25), ("poor", 45)):
        moving(folder / "encodes" / f"{name}.mp4", "-crf", crf, "-pix_fmt", "yuv420p", frames=12)
    moving(folder / "encodes" / "short.mp4", "-crf", 25, "-pix_fmt", "yuv420p", frames=5)
    return reference, folder / "encodes"


def run(*arguments, status=0):
    command = [sys.executable, "-c", RUN, "score", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    return done


def test_a_pair_in_words(videos):
    reference, encodes = videos
    lines = run(reference, encodes / "good.mp4").stdout.splitlines()
    assert lines[0].startswith("VMAF ")
    assert [line.split()[0] for line in lines[1:5]] == ["harmonic", "percentiles", "worst", "12"]
    assert lines[-1].startswith(f"tinyvmaf score {reference} {encodes}/good.mp4 --mode sampled")


def test_the_record_has_all_that_its_schema_promises(videos):
    reference, encodes = videos
    done = run(reference, encodes / "good.mp4", "--json")
    record = json.loads(done.stdout)
    assert record["schema"] == "tinyvmaf.score/1"
    assert set(record["vmaf"]) >= {
        *("mean", "harmonic_mean", "min", "p1", "p5", "p10", "interval", "level")
    }
    assert record["vmaf"]["interval"] is None
    assert (record["mode"], record["frames"], record["applicability"]) == ("exact", 12, None)
    assert record["model"] == {"name": "vmaf_v0.6.1", "sha256": None}
    assert set(record["worst_frames"][0]) == {"frame", "time_s", "vmaf"}
    assert set(record["versions"]) >= {"tinyvmaf", "ffmpeg", "libvmaf"}


def test_the_command_in_a_record_gives_the_record_again(videos):
    import shlex

    reference, encodes = videos
    first = json.loads(run(reference, encodes / "poor.mp4", "--json").stdout)
    program, verb, *arguments = shlex.split(first["command"])
    assert (program, verb) == ("tinyvmaf", "score")
    second = json.loads(run(*arguments, "--json").stdout)
    assert second["vmaf"] == first["vmaf"]
    assert second["command"] == first["command"]


def test_a_folder_names_the_encode_that_fails_and_leaves_with_3(videos):
    reference, encodes = videos
    done = run(reference, encodes, status=3)
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        *("encode", "poor.mp4", "good.mp4", "differences")
    ]
    assert f"failed: {encodes}/short.mp4: reference and distorted do not fit" in done.stderr


def test_a_list_as_lines_of_json(videos, tmp_path):
    reference, encodes = videos
    pairs = tmp_path / "pairs.csv"
    rows = [f"{reference},{encodes / name}.mp4" for name in ("poor", "short", "good")]
    pairs.write_text("\n".join(["reference,distorted", *rows]))
    done = run("--batch", pairs, "--mode", "exact", "--json", status=3)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [record["schema"] for record in records] == [
        *("tinyvmaf.score/1", "tinyvmaf.failure/1", "tinyvmaf.score/1")
    ]
    assert records[0]["vmaf"]["mean"] < records[2]["vmaf"]["mean"]


def test_a_list_with_several_encodes_of_one_reference_is_a_ladder(videos, tmp_path):
    reference, encodes = videos
    pairs = tmp_path / "pairs.csv"
    rows = [f"{reference},{encodes / name}.mp4" for name in ("poor", "short", "good")]
    rows.append(f"{encodes / 'good.mp4'},{encodes / 'poor.mp4'}")
    pairs.write_text("\n".join(["reference,distorted", *rows]))
    done = run("--batch", pairs, "--json", status=3)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [record["schema"] for record in records] == ["tinyvmaf.score/1", "tinyvmaf.ladder/1"]
    ladder = run(reference, encodes, "--json", status=3)
    alone = json.loads(ladder.stdout)
    assert [each["difference"] for each in records[1]["encodes"]] == [
        each["difference"] for each in alone["encodes"]
    ]
    assert [item["distorted"] for item in records[1]["failures"]] == [f"{encodes}/short.mp4"]
    shown = run("--batch", pairs, status=3).stdout
    assert f"\n{reference}\n" in shown
    assert "differences from good.mp4" in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "score needs REFERENCE and an encode, or --batch pairs.csv"),
        (["a.yuv", "b.yuv"], "a.yuv: raw YUV needs --size WxH"),
        (["a.mp4", "b.mp4", "--mode", "fast"], "unknown mode 'fast'; expected one of"),
        (["a.mp4", "b.mp4"], "a.mp4: no such file"),
        (["a.mp4", "b.mp4", "--threads", "0"], "--threads 0: expected 1 to 512"),
        (
            ["a.yuv", "b.yuv", "--size", "8x8", "--fps", "1e999999999"],
            "--fps 1e999999999: expected",
        ),
        (["a.yuv", "b.yuv", "--size", "8x8", "--fps", "x"], "--fps x: expected a rate such as"),
        (["%d.png", "b.mp4", "--fps", "9"], "--fps 9: it is the frame rate of raw YUV and"),
        (["a.mp4", "b.mp4", "--plot", "p.gif"], "p.gif: a plot's name ends with one of .html"),
        (["a.mp4", "b.mp4", "--batch", "c.csv"], "give --batch, or REFERENCE and encodes"),
        (["a.mp4", "b.mp4", "--log", "l", "--log-format", "ini"], "unknown log format 'ini'"),
    ],
)
def test_a_wrong_call_is_one_line_and_2(arguments, said):
    done = run(*arguments, status=2)
    assert done.stdout == ""
    assert done.stderr.startswith(f"tinyvmaf: {said}")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("suffix", "start"), [("html", b"<!DOCTYPE html>"), ("png", b"\x89PNG"), ("svg", b"<svg ")]
)
def test_a_plot_is_self_contained(videos, tmp_path, suffix, start):
    reference, encodes = videos
    path = tmp_path / f"plot.{suffix}"
    run(reference, encodes / "poor.mp4", "--plot", path)
    content = path.read_bytes()
    assert content.strip().startswith(start)
    assert b"<script src=" not in content


def test_seeking_that_lies_is_found_out_and_every_frame_is_decoded(moving, tmp_path):
    size = "192x108"
    reference = moving(tmp_path / "reference.mkv", "-c:v", "ffv1", frames=60, size=size)
    options = ("-crf", 30, "-g", 15, "-sc_threshold", 0, "-pix_fmt", "yuv420p")
    good = moving(tmp_path / "good.mp4", *options, frames=60, size=size)
    data = bytearray(good.read_bytes())
    # The list of keyframes names frames that are none.
    start = data.index(b"stss") + 8
    for place in range(start + 8, start + 4 + 4 * int.from_bytes(data[start : start + 4]), 4):
        number = int.from_bytes(data[place : place + 4]) + 5
        data[place : place + 4] = number.to_bytes(4)
    lying = tmp_path / "lying.mp4"
    lying.write_bytes(data)
    call = (reference, lying, "--auxiliary", "packets", "--exact-frames", 12, "--seed", 1)
    done = run(*call, "--json")
    record = json.loads(done.stdout)
    assert record["sampling"]["method"] == "decode"
    (note,) = [note for note in record["notes"] if note.startswith("all frames were decoded")]
    assert f"{lying}: its frames cannot be found by seeking" in note
    assert note in done.stderr
    whole = json.loads(run(reference, good, *call[2:], "--json").stdout)
    assert whole["sampling"]["method"] == "seek"
    exact = run(reference, good, "--mode", "exact", "--json").stdout
    mean = json.loads(exact)["vmaf"]["mean"]
    assert abs(record["vmaf"]["mean"] - mean) < 3
    known = {item["frame"]: item["vmaf"] for item in record["sampling"]["exact_frames"]}
    assert known == {item["frame"]: item["vmaf"] for item in whole["sampling"]["exact_frames"]}
