# SPDX-License-Identifier: Apache-2.0
import json

import pytest

PICTURE = 16 * 16 * 3 // 2


@pytest.fixture
def layout(tmp_path):
    for folder in ("ref", "dis"):
        (tmp_path / folder).mkdir()

    def make(files):
        for name, n_bytes in files.items():
            (tmp_path / name).write_bytes(bytes(n_bytes))
        return tmp_path

    return make


GOOD = {"ref/A_29.97fps.yuv": 3 * PICTURE, "dis/A_1_16_10.yuv": 3 * PICTURE}


def test_a_scan_lists_what_is_there(tinyvmaf, layout):
    done = tinyvmaf("corpus", "scan", layout(GOOD), "--size", "16x16")
    assert done.status == 0
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["source", "clips", "frames", "size", "fps", "format"],
        ["A", "1", "3", "16x16", "29.97", "yuv420p"],
        ["total", "1", "3"],
    ]


def test_a_scan_names_every_problem(tinyvmaf, layout):
    root = layout({**GOOD, "dis/A_2_16_10.yuv": PICTURE + 1, "dis/B_1_16_10.yuv": PICTURE})
    done = tinyvmaf("corpus", "scan", root, "--size", "16x16", "--json")
    assert done.status == 3
    record = json.loads(done.stdout)
    assert record["schema"] == "tinyvmaf.scan/1"
    assert [item["n_clips"] for item in record["sources"]] == [1]
    assert [item["path"] for item in record["problems"]] == [
        f"{root}/dis/B_1_16_10.yuv",
        f"{root}/dis/A_2_16_10.yuv",
    ]
    text = tinyvmaf("corpus", "scan", root, "--size", "16x16")
    assert text.status == 3
    assert f"{root}/dis/B_1_16_10.yuv: orphan: no reference of source B" in text.lines


def test_nothing_usable(tinyvmaf, layout):
    """The files of the published corpus are 1920x1080; these are not."""
    done = tinyvmaf("corpus", "scan", layout(GOOD))
    assert done.status == 2
    assert all("not a whole number of 1920x1080 yuv420p frames" in line for line in done.lines)


def test_the_root_comes_from_the_environment(tinyvmaf, layout, monkeypatch):
    monkeypatch.setenv("VMAF_DATA_ROOT", str(layout(GOOD)))
    assert tinyvmaf("corpus", "scan", "--size", "16x16").status == 0


def test_a_damaged_manifest_is_named_with_its_line(tinyvmaf, tmp_path):
    path = tmp_path / "corpus.csv"
    path.write_text("source,reference,distorted\nA,a.mp4,\n")
    done = tinyvmaf("corpus", "scan", tmp_path)
    assert (done.status, done.lines) == (
        2,
        [f"tinyvmaf: {path}, line 2: no value for distorted"],
    )


@pytest.mark.ffmpeg
def test_build_scan_and_build_again(tinyvmaf, moving, tmp_path):
    source = moving(tmp_path / "red.mkv", "-c:v", "ffv1")
    ladder = tmp_path / "ladder.toml"
    ladder.write_text('[[rung]]\nencoder = "libx264"\ncrf = [30, 40]\n')
    call = ["corpus", "build", source, "-o", tmp_path / "made", "--ladder", ladder, "--frames", 4]
    done = tinyvmaf(*call)
    manifest = tmp_path / "made" / "corpus.csv"
    assert (done.status, done.stdout) == (0, f"{manifest}: 2 clips made, 0 kept, 0 failed\n")
    assert tinyvmaf("corpus", "scan", tmp_path / "made").status == 0
    assert tinyvmaf(*call).stdout == f"{manifest}: 0 clips made, 2 kept, 0 failed\n"


@pytest.mark.ffmpeg
def test_raw_sources_need_their_size(tinyvmaf, moving, tmp_path):
    source = moving(tmp_path / "red.yuv", "-f", "rawvideo")
    done = tinyvmaf("corpus", "build", source, "-o", tmp_path / "made")
    assert (done.status, len(done.lines)) == (2, 1)
    assert done.stderr.endswith("(raw YUV needs --size WxH)\n")


@pytest.mark.ffmpeg
def test_a_build_that_fails_in_part(tinyvmaf, moving, tmp_path):
    source = moving(tmp_path / "red.mkv", "-c:v", "ffv1")
    ladder = tmp_path / "ladder.toml"
    ladder.write_text(
        '[[rung]]\nencoder = "libx264"\ncrf = [30]\n[[rung]]\nencoder = "libvpx-vp9"\ncrf = [99]\n'
    )
    done = tinyvmaf("corpus", "build", source, "-o", tmp_path / "made", "--ladder", ladder)
    assert done.status == 3
    assert len(done.lines) == 1
    assert done.stderr.startswith("failed: red/libvpx-vp9_108p_crf99: ffmpeg")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.mp4"], "tinyvmaf: none.mp4: no such file"),
        (["none.mp4", "--frames", "0"], "tinyvmaf: --frames 0: expected 1 or more"),
        (["none.mp4", "--ladder", "none.toml"], "tinyvmaf: none.toml: not a readable ladder"),
    ],
)
def test_a_build_that_cannot_be(tinyvmaf, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    done = tinyvmaf("corpus", "build", *arguments, "-o", "made")
    assert (done.status, done.stdout, len(done.lines)) == (2, "", 1)
    assert done.stderr.startswith(message)


@pytest.mark.parametrize(
    ("source", "output"), [("a.mkv", "s3://bucket/corpus"), ("s3://bucket/a.mkv", "made")]
)
@pytest.mark.parametrize("engine", [(), ("--cluster", "local:1")])
def test_build_is_for_a_file_system(tinyvmaf, tmp_path, monkeypatch, source, output, engine):
    monkeypatch.chdir(tmp_path)
    done = tinyvmaf("corpus", "build", source, "-o", output, *engine)
    assert done.status == 2
    remote = source if source.startswith("s3") else output
    assert done.stderr == (
        f"tinyvmaf: {remote}: a corpus is built in a file system; name a local path, "
        "and copy the finished folder to the store\n"
    )
    assert list(tmp_path.iterdir()) == []
