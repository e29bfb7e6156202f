# SPDX-License-Identifier: Apache-2.0
"""Source, clip and labels of logs come from a pattern, a manifest or folders; the rest is named."""

import pytest

from tinyvmaf.errors import CorpusError, UsageError
from tinyvmaf.features.log_names import name_logs


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def named(found, folder):
    return [
        (log.path.relative_to(folder).as_posix(), log.source, log.clip, dict(log.labels))
        for log in found.logs
    ]


def reasons(found, folder):
    return {item.path.relative_to(folder).as_posix(): item.reason for item in found.left_out}


def test_a_pattern(tmp_path):
    names = ["a_b_200kbps_360p_h264.json", "c_1500.5kbps_720p_vp9.json.gz", "c_720p_vp9.json"]
    touch(tmp_path, *names, "notes.txt", ".hidden.json")
    found = name_logs([tmp_path], pattern="{source}_{kbps}kbps_{height}p_{encoder}.json")
    assert named(found, tmp_path) == [
        (names[0], "a_b", names[0][:-5], {"kbps": 200.0, "height": 360.0, "encoder": "h264"}),
        (names[1], "c", names[1][:-8], {"kbps": 1500.5, "height": 720.0, "encoder": "vp9"}),
    ]
    assert reasons(found, tmp_path) == {
        "notes.txt": "no log by its suffix (1 such files)",
        names[2]: "does not fit the pattern {source}_{kbps}kbps_{height}p_{encoder}.json",
    }


def test_a_pattern_with_folders_and_a_clip(tmp_path):
    touch(tmp_path, "x264/Bird/q1.xml", "x264/Bird/q2.xml", "av1/Bird/q1.xml")
    found = name_logs([tmp_path], pattern="{encoder}/{source}/q{quality}").logs
    assert [(log.source, log.clip, log.labels["encoder"]) for log in found] == [
        ("Bird", "av1/Bird/q1", "av1"),
        ("Bird", "x264/Bird/q1", "x264"),
        ("Bird", "x264/Bird/q2", "x264"),
    ]
    (log,) = name_logs([tmp_path / "av1"], pattern="{source}/{clip}.xml").logs
    assert (log.source, log.clip) == ("Bird", "q1")


def test_fields_besides_source_and_clip_hold_no_underscore(tmp_path):
    touch(tmp_path, "1280_720_3000K_av1_Center_Panorama.json")
    (log,) = name_logs([tmp_path], pattern="{width}_{height}_{kbps}K_{encoder}_{source}").logs
    assert (log.source, log.labels["encoder"]) == ("Center_Panorama", "av1")


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("{kbps}.json", "no {source} in it"),
        ("{source}_{frame}.json", "a label cannot be called frame"),
        ("{source}_{0}.json", "expected names in braces, found '0'"),
        ("{source}_{kbps:d}.json", "expected names in braces, found 'kbps'"),
        ("{source", "expected '}' before end of string"),
    ],
)
def test_a_pattern_that_cannot_be_used(tmp_path, pattern, reason):
    touch(tmp_path, "a.json")
    with pytest.raises(UsageError) as caught:
        name_logs([tmp_path], pattern=pattern)
    assert str(caught.value) == f"`pattern='{pattern}'`: {reason}"


def test_folders_are_sources(tmp_path):
    touch(tmp_path, "Bird/q1.csv", "Bird/deep/q1.csv", "Café/q1.mp4.json", "stray.xml")
    found = name_logs([tmp_path])
    assert named(found, tmp_path) == [
        ("Bird/deep/q1.csv", "Bird", "deep/q1", {}),
        ("Bird/q1.csv", "Bird", "q1", {}),
        ("Café/q1.mp4.json", "Café", "q1", {}),
    ]
    assert reasons(found, tmp_path) == {
        "stray.xml": (
            "is in no folder of a source; put it into one, or use `pattern` or `manifest`"
        )
    }
    # A file that is named is taken, whatever its suffix.
    (log,) = name_logs([tmp_path / "Bird" / "q1.csv"]).logs
    assert (log.source, log.clip) == ("Bird", "q1")


def test_a_manifest_of_logs(tmp_path):
    touch(tmp_path, "logs/a.json", "logs/b.json", "logs/c.json")
    manifest = tmp_path / "list.csv"
    manifest.write_text(
        "log;source;clip;mos;height\nlogs/a.json;Bird;low;1.5;360\nlogs/b.json;Bird;;;720\n"
        "logs/gone.json;Bird;x;3;1080\n"
    )
    found = name_logs([tmp_path / "logs"], manifest=manifest)
    assert named(found, tmp_path) == [
        ("logs/b.json", "Bird", "b", {"mos": None, "height": 720.0}),
        ("logs/a.json", "Bird", "low", {"mos": 1.5, "height": 360.0}),
    ]
    assert reasons(found, tmp_path) == {
        "logs/c.json": f"no row of {manifest} names it",
        "logs/gone.json": "no such log",
    }
    # Without logs it is the manifest that lists them; one that is not there fails when it is read.
    assert len(name_logs([], manifest=manifest).logs) == 3


def test_a_manifest_of_videos(tmp_path):
    touch(tmp_path, "logs/low.json", "logs/high_vmaf.xml")
    manifest = tmp_path / "corpus.csv"
    manifest.write_text(
        "source,reference,distorted,mos,width,height,encoder\n"
        "Bird,r.mkv,dis/low.mp4,1.5,64,64,x264\nBird,r.mkv,dis/high.mp4,4,64,64,\n"
    )
    found = name_logs([tmp_path / "logs"], manifest=manifest)
    assert named(found, tmp_path) == [
        ("logs/high_vmaf.xml", "Bird", "high", {"mos": 4.0, "encoder": ""}),
        ("logs/low.json", "Bird", "low", {"mos": 1.5, "encoder": "x264"}),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("source,mos\n", ": found source, mos; logs need `source`, and `log`, `clip` or"),
        ("source,log\n,a.json\n", ", line 2: no value for source"),
        ("source,log\nB,a.json\nB,a.json\n", ", line 3: a.json occurs twice"),
        ("source,log\nB,a.json,x\n", ": a line has more values than there are columns"),
        ("source,log,log\nB,a.json,x\n", ": two columns are called 'log'"),
    ],
)
def test_a_wrong_manifest(tmp_path, text, reason):
    manifest = tmp_path / "list.csv"
    manifest.write_text(text)
    with pytest.raises(CorpusError) as caught:
        name_logs([], manifest=manifest)
    assert str(caught.value).startswith(f"{manifest}{reason}")


def test_what_cannot_be_named(tmp_path):
    with pytest.raises(UsageError, match=r"gone: no such log or folder$"):
        name_logs([tmp_path / "gone"])
    with pytest.raises(CorpusError, match=r"^no log found that fits$"):
        name_logs([tmp_path])
    touch(tmp_path, "x/a.json", "y/a.json")
    with pytest.raises(CorpusError, match="are both clip a of source a; give them different"):
        name_logs([tmp_path], pattern="{source}.json")
