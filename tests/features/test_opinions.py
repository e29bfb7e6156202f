# SPDX-License-Identifier: Apache-2.0
"""Opinions find their clips by name alone, and whoever finds no partner is named."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import t

from tinyvmaf.errors import CorpusError, SchemaError
from tinyvmaf.features.log_names import NamedLog
from tinyvmaf.features.opinions import join_opinions, join_to_logs
from tinyvmaf.features.table import TableInfo, make_table
from tinyvmaf.libvmaf.sets import CANONICAL6

CLIPS = ("bird_200kbps_59.94fps_h264_vmaf", "bird_500kbps_59.94fps_h264_vmaf", "café_1")
LOGS = [NamedLog(Path(f"{clip}.json"), clip[:4], clip, {}) for clip in CLIPS]


def joined(tmp_path, text):
    path = tmp_path / "opinions.csv"
    path.write_text(text, encoding="utf-8")
    found = join_to_logs(LOGS, path)
    return [dict(log.labels) for log in found.logs], found


def refusal(tmp_path, text):
    with pytest.raises(CorpusError) as caught:
        joined(tmp_path, text)
    return str(caught.value).removeprefix(str(tmp_path / "opinions.csv"))


def test_means_and_intervals(tmp_path):
    labels, found = joined(
        tmp_path,
        "src,video_name,MOS,CI\nbird,bird_200kbps_59.94fps_h264.mp4,1.5,0.25\n"
        "bird,videos/BIRD_500kbps_59.94fps_h264.mkv,4,\nfish,fish_1.mp4,3,0.1\n",
    )
    assert labels == [
        {"mos": 1.5, "mos_ci": 0.25},
        {"mos": 4.0, "mos_ci": None},
        {"mos": None, "mos_ci": None},
    ]
    assert found.without_opinion == ("café/café_1",)
    assert found.without_log == ("fish_1.mp4",)


def test_a_row_a_vote_and_a_column_a_subject_say_the_same(tmp_path):
    votes = {"bird_200kbps_59.94fps_h264": [1, 2, 2], "café_1": [5, 4, None]}
    rows = [(clip, n, vote) for clip in votes for n, vote in enumerate(votes[clip])]
    long = "".join(f"{clip},{n},{'' if v is None else v}\n" for clip, n, v in rows)
    wide = "".join(
        "\t".join([clip, "1000", *("" if v is None else str(v) for v in votes[clip])]) + "\n"
        for clip in votes
    )
    labels, _ = joined(tmp_path, "clip,subject,vote\n" + long)
    again, _ = joined(tmp_path, "clip\tkbps\ts1\ts2\ts03\n" + wide)
    assert labels == again
    assert labels[1] == {"mos": None, "mos_ci": None, "n_votes": None}
    first = labels[0]
    assert (first["mos"], first["n_votes"], labels[2]["n_votes"]) == (5 / 3, 3, 2)
    half = t.interval(0.95, 2, scale=np.std([1, 2, 2], ddof=1) / 3**0.5)[1]
    assert first["mos_ci"] == pytest.approx(half)


def test_a_standard_deviation_and_a_count_give_an_interval(tmp_path):
    labels, _ = joined(tmp_path, "clip,mos,std,n\ncafé_1,3,0.8,16\n")
    assert labels[2] == {
        "mos": 3.0,
        "mos_ci": pytest.approx(t.ppf(0.975, 15) * 0.8 / 4),
        "n_votes": 16.0,
    }


def test_what_is_refused(tmp_path):
    assert refusal(tmp_path, "clip,mos\nfish,3\n") == (
        ": no column holds names of clips that the logs have; the first log is "
        "bird_200kbps_59.94fps_h264"
    )
    assert refusal(tmp_path, "clip,mos\ncafé_1,good\n") == (
        ", line 2: mos is 'good', expected a number"
    )
    assert refusal(tmp_path, "clip,mos\ncafé_1,3\ncafé_1.mp4,3\n") == (
        ", line 3: clip café_1.mp4 occurs twice"
    )
    # Numbers that are no votes are not averaged.
    assert refusal(tmp_path, "clip,kbps,height\ncafé_1,3000,720\n").startswith(": no opinions; ")


def test_opinions_of_a_table(tmp_path):
    clips = ["a.json", "a.json", "b.json"]
    rows = pl.DataFrame(
        {
            "source": ["S"] * 3,
            "clip": clips,
            "frame": [0, 1, 0],
            **{name: [0.5] * 3 for name in (*CANONICAL6, "vmaf")},
        }
    )
    table = make_table(rows, TableInfo(teacher="vmaf_v0.6.1"))
    path = tmp_path / "o.csv"
    path.write_text("stimuli_file,mos,ci\na.mkv,2.5,0.5\nc.mkv,1,0.5\n")
    found = join_opinions(table, path)
    assert found.table.rows["mos"].to_list() == [2.5, 2.5, None]
    assert found.table.info.labels == ("mos", "mos_ci")
    assert (found.without_opinion, found.without_row) == (("S/b.json",), ("c.mkv",))
    with pytest.raises(SchemaError, match="the table has a column mos, mos_ci already"):
        join_opinions(found.table, path)
