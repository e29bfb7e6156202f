# SPDX-License-Identifier: Apache-2.0
import json
import os
import resource

import numpy as np
import polars as pl
import pytest

import tinyvmaf as tv
from tinyvmaf.features.table import read_table

pytestmark = pytest.mark.ffmpeg


@pytest.fixture(scope="module")
def videos(tmp_path_factory, moving, make_video):
    """A good pair, and every distorted video that does not fit its reference, by name."""
    folder = tmp_path_factory.mktemp("videos")
    reference = moving(folder / "reference.mkv", "-c:v", "ffv1", frames=12)
    x264 = ["-c:v", "libx264", "-crf", "35"]

    def encode(name, *arguments):
        return make_video(folder / name, *arguments)

    text = folder / "text.mp4"
    text.write_text("This is not a video.\n" * 100)
    (folder / "empty.mp4").touch()
    (folder / "short.yuv").write_bytes(bytes(192 * 108 * 3 // 2 * 12 - 1))
    return {
        "reference": reference,
        "good": encode("good.mp4", "-i", reference, *x264),
        "missing": folder / "missing.mp4",
        "empty": folder / "empty.mp4",
        "text": text,
        "audio": encode("audio.mp4", "-f", "lavfi", "-i", "sine=duration=0.5"),
        "size": folder / "short.yuv",
        "rate": encode("rate.mp4", "-r", 50, "-i", reference, *x264),
        "fewer": encode("fewer.mp4", "-i", reference, "-frames:v", 2, *x264),
        "deep": encode("deep.mp4", "-i", reference, "-pix_fmt", "yuv420p10le", *x264),
        "folder": folder,
    }


# Which distorted video -> what is said of it.
REFUSED = {
    "missing": "{path}: no such file",
    "empty": "{path}: the file is empty (0 bytes)",
    "text": "{path}: not a readable video: Invalid data found when processing input",
    "audio": "{path}: holds no video stream, only audio",
    "folder": "{path}: is a folder, expected a video file",
    "size": (
        "{path}: 373247 bytes are not a whole number of 192x108 yuv420p frames (31104 bytes each: "
        "11 frames and 31103 bytes over); give the right geometry with --size WxH"
    ),
    "rate": (
        "reference and distorted do not fit: reference shows 25 frames a second, distorted 50, and "
        "5 frames of distorted have no partner at the same time: --allow frame-rate compares them "
        "frame by frame, in order, whatever their times"
    ),
    "fewer": (
        "reference and distorted do not fit: reference has 12 frames, distorted 2: the last 10 of "
        "reference (0.40 s) have no partner: --allow frame-count compares the first 2"
    ),
}


@pytest.fixture
def corpus(tmp_path, videos):
    """Write a manifest of the named distorted videos; the folder."""

    def write(*names):
        root = tmp_path / "corpus"
        root.mkdir(exist_ok=True)
        lines = ["source,clip,reference,distorted"]
        lines += [f"moving,{name},{videos['reference']},{videos[name]}" for name in names]
        (root / "corpus.csv").write_text("\n".join(lines) + "\n")
        return root

    return write


def files(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", REFUSED)
def test_a_pair_that_is_wrong_gives_one_line_and_no_table(tinyvmaf, corpus, videos, tmp_path, name):
    root = corpus(name)
    done = tinyvmaf("extract", root, "-o", tmp_path / "t.parquet", "--size", "192x108")
    reason = REFUSED[name].format(path=videos[name])
    expected = f"tinyvmaf: {root}: no pair could be computed; moving/{name}: {reason}"
    assert (done.status, done.stdout, done.lines) == (2, "", [expected])
    assert files(tmp_path) == ["corpus.csv"]


def test_wrong_pairs_beside_a_good_one_are_named_and_the_good_one_is_kept(
    tinyvmaf, corpus, videos, tmp_path
):
    root, table = corpus("good", *REFUSED), tmp_path / "t.parquet"
    done = tinyvmaf("extract", root, "-o", table, "--size", "192x108")
    assert done.status == 3
    assert done.lines == [
        f"failed: moving/{name}: {REFUSED[name].format(path=videos[name])}"
        for name in sorted(REFUSED)
    ]
    assert done.stdout.startswith(f"{table}: 12 frames of 1 clips of 1 sources")
    assert read_table(table).rows["clip"].unique().to_list() == ["good"]


def test_what_is_allowed_by_name_is_done_and_noted(tinyvmaf, corpus, tmp_path):
    table = tmp_path / "t.parquet"
    options = ["--allow", "frame-rate", "--allow", "frame-count"]
    root = corpus("rate", "fewer", "deep")
    done = tinyvmaf("extract", root, "-o", table, *options, "--json")
    assert (done.status, done.lines) == (0, [])
    record = json.loads(done.stdout)
    assert (record["rows"], record["clips"], record["failed"]) == (26, 3, [])
    assert tuple(record["notes"]) == read_table(table).info.notes
    assert {note.partition(":")[0] for note in record["notes"]} == {
        "moving/rate",
        "moving/fewer",
        "moving/deep",
    }


def test_json_names_the_failures_too(tinyvmaf, corpus, tmp_path):
    table = tmp_path / "t.parquet"
    done = tinyvmaf("extract", corpus("good", "fewer"), "-o", table, "--json")
    record = json.loads(done.stdout)
    assert done.status == 3
    assert record["schema"] == "tinyvmaf.extract/1"
    assert [item["pair"] for item in record["failed"]] == ["moving/fewer"]
    assert record["sha256"] == read_table(table).sha256


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--teacher", "vmaf_v9"], "this libvmaf lacks the teacher 'vmaf_v9'; recent builds"),
        (["--teacher", "models/a.json"], "teacher models/a.json: no such file"),
        (["--features", "canonical7"], "unknown feature set 'canonical7'"),
        (["--engine", "gstreamer"], "unknown engine 'gstreamer'; expected ffmpeg or vmaf"),
        (["--ffmpeg", "/none"], "--ffmpeg names /none, which is not an executable program"),
        (["--jobs", "0"], "--jobs 0: expected 1 or more"),
        (["--size", "big"], "--size big: expected WIDTHxHEIGHT, such as 1920x1080"),
        (["--size", "4000000x4"], "--size 4000000x4: expected WIDTHxHEIGHT, such as 1920x1080"),
        (["--size", "0x4"], "a video of 0x4 pixels: expected 1x1 or more"),
        (["--pix-fmt", "rgb24"], "unknown pixel format 'rgb24' for raw video"),
    ],
)
def test_a_call_that_is_wrong(tinyvmaf, corpus, tmp_path, options, message):
    done = tinyvmaf("extract", corpus("good"), "-o", tmp_path / "t.parquet", *options)
    assert (done.status, done.stdout, len(done.lines)) == (2, "", 1)
    assert done.stderr.startswith(f"tinyvmaf: {message}")
    assert files(tmp_path) == ["corpus.csv"]


def test_no_corpus(tinyvmaf, tmp_path):
    done = tinyvmaf("extract", tmp_path / "none", "-o", tmp_path / "t.parquet")
    assert done.lines == [f"tinyvmaf: {tmp_path}/none: no such folder or manifest"]
    assert done.status == 2


def test_the_root_comes_from_the_environment_too(tinyvmaf, corpus, tmp_path, monkeypatch):
    monkeypatch.setenv("VMAF_DATA_ROOT", str(corpus("good")))
    done = tinyvmaf("extract", "-o", tmp_path / "t.parquet")
    assert done.status == 0


@pytest.mark.parametrize("name", ["file/t.parquet", "file/deeper/t.parquet", ".", "pipe"])
def test_an_output_that_cannot_be_written_is_refused_before_any_work(
    tinyvmaf, corpus, tmp_path, monkeypatch, name
):
    """Under a file nobody can make one, not even an administrator."""
    monkeypatch.setenv("TINYVMAF_CACHE", str(tmp_path / "cache"))
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    done = tinyvmaf("extract", corpus("good"), "-o", tmp_path / name)
    assert (done.status, done.stdout, len(done.lines)) == (2, "", 1)
    assert done.stderr.startswith(f"tinyvmaf: cannot write {tmp_path / name}: ")
    assert not (tmp_path / "cache").exists()


def test_a_device_is_not_replaced_by_a_table(tinyvmaf, corpus):
    done = tinyvmaf("extract", corpus("good"), "-o", os.devnull)
    assert done.lines == [
        f"tinyvmaf: cannot write {os.devnull}: it is not a regular file; name a file with -o"
    ]


def test_a_full_disk_leaves_what_was_there(program, corpus, tmp_path):
    """The kernel refuses the write, as on a full disk; the table from before is untouched."""
    table, root = tmp_path / "t.parquet", corpus("good")
    call = ["extract", root, "-o", table, "--features", "all"]
    assert program.run(*call).status == 0
    before = table.read_bytes()
    # Enough for libvmaf's one-frame log, too little for the table.
    limit = 5500
    assert len(before) > limit

    def no_space():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = program.run(*call, preexec_fn=no_space)
    assert (done.status, done.stdout, len(done.lines)) == (2, "", 1)
    assert done.stderr.startswith(f"tinyvmaf: cannot write {table}: File too large")
    assert table.read_bytes() == before
    assert files(tmp_path) == ["corpus.csv", "t.parquet"]


@pytest.mark.parametrize("made_before", [False, True])
def test_an_extraction_into_parts_that_fails_leaves_no_folder(
    tinyvmaf, corpus, tmp_path, made_before
):
    if made_before:
        (tmp_path / "table").mkdir()
    done = tinyvmaf("extract", corpus("text"), "-o", tmp_path / "table")
    assert done.status == 2
    assert (tmp_path / "table").exists() == made_before


def test_excerpts_of_one_reference_have_the_scores_of_those_parts(
    tinyvmaf, videos, make_video, tmp_path
):
    late = ["-vf", "trim=start_frame=4,setpts=PTS-STARTPTS", "-c:v", "libx264", "-crf", "35"]
    make_video(tmp_path / "late.mp4", "-i", videos["reference"], *late)
    rows = {
        "whole": f"{videos['good']},,,",
        "part": f"{videos['good']},0.08,0.2,",
        "late": "late.mp4,,,0.16",
    }
    lines = [f"moving,{clip},{videos['reference']},{row}" for clip, row in rows.items()]
    head = "source,clip,reference,distorted,start,duration,reference_start"
    (tmp_path / "corpus.csv").write_text("\n".join([head, *lines]) + "\n")
    assert tinyvmaf("extract", tmp_path, "-o", tmp_path / "t.parquet", "--jobs", 1).status == 0
    frames = read_table(tmp_path / "t.parquet").rows
    options = {
        "whole": {},
        "part": {"start_s": 0.08, "duration_s": 0.2},
        "late": {"reference_start_s": 0.16},
    }
    for clip, given in options.items():
        distorted = tmp_path / "late.mp4" if clip == "late" else videos["good"]
        found = tv.score(
            reference=videos["reference"], distorted=distorted, mode="exact", **given
        ).frame_scores
        column = frames.filter(pl.col("clip") == clip).sort("frame")["vmaf"]
        assert column.to_list() == pytest.approx(found.tolist(), abs=1e-5)
    assert len(frames.filter(pl.col("clip") == "part")) == 5
    batch = tmp_path / "pairs.csv"
    batch.write_text("\n".join([head, *lines]) + "\n")
    scored = tinyvmaf("score", "--batch", batch, "--mode", "exact", "--json")
    assert scored.status == 0
    assert "--start 0.08 --duration 0.2" in scored.stdout


def test_two_runs_give_the_same_table(tinyvmaf, corpus, tmp_path):
    tables = []
    for name in ("first", "second"):
        path = tmp_path / f"{name}.parquet"
        assert tinyvmaf("extract", corpus("good"), "-o", path, "--jobs", 1).status == 0
        tables.append(read_table(path))
    assert tables[0].sha256 == tables[1].sha256
    np.testing.assert_array_equal(tables[0].target, tables[1].target)


def test_a_table_in_parts_is_compacted_to_the_table_written_at_once(tinyvmaf, corpus, tmp_path):
    root, parts = corpus("good", "fewer"), tmp_path / "table"
    done = tinyvmaf("extract", root, "-o", parts, "--json")
    found = json.loads(done.stdout)
    assert (done.status, found["rows"], len(found["failed"])) == (3, 12, 1)
    assert tinyvmaf("extract", root, "-o", tmp_path / "at_once.parquet").status == 3
    assert tinyvmaf("table", "compact", parts, "-o", tmp_path / "t.parquet").status == 0
    assert (tmp_path / "t.parquet").read_bytes() == (tmp_path / "at_once.parquet").read_bytes()
    # Wherever a verb takes a table, it takes its parts; an unfinished one is none.
    assert (
        tinyvmaf("loso", parts, "-o", tmp_path / "run")
        .lines[-1]
        .startswith("tinyvmaf: leave-one-source-out needs at least 3 sources")
    )
    (parts / "index.json").unlink()
    done = tinyvmaf("loso", parts, "-o", tmp_path / "run")
    assert (done.status, len(done.lines)) == (2, 1)
    assert "the table was not finished (no index.json)" in done.stderr
