# SPDX-License-Identifier: Apache-2.0
import json
import re
from dataclasses import replace
from types import SimpleNamespace

import av
import numpy as np
import polars as pl
import pytest

from tinyvmaf.corpus.pair import Pair
from tinyvmaf.corpus.reading import read_corpus
from tinyvmaf.errors import CorpusError, SplitError, UsageError
from tinyvmaf.features import extraction
from tinyvmaf.features.cache import Cache, hash_file
from tinyvmaf.features.table import read_table, write_table
from tinyvmaf.libvmaf.engine import FfmpegEngine
from tinyvmaf.libvmaf.sets import CANONICAL6
from tinyvmaf.media.video import RawFormat, Video
from tinyvmaf.pairs.finding import Allowance
from tinyvmaf.progress import SILENT

pytestmark = pytest.mark.ffmpeg


def rows(extraction):
    """The features and the score of every frame."""
    table = extraction.table
    return np.column_stack([table.features, table.target])


def libvmafs(log, features=CANONICAL6, score="vmaf"):
    return np.array(
        [[*(frame[f"integer_{name}"] for name in features), frame[score]] for frame in log]
    )


def test_the_table_is_libvmafs_own_log(score, bare_log, reference, distorted):
    expected = libvmafs(bare_log(reference, distorted))
    assert expected.shape == (8, 7)
    np.testing.assert_array_equal(rows(score((reference, distorted))), expected)


def test_real_clips_give_libvmafs_own_log(score, bare_log, tiny_corpus):
    """Another container, size and encoder in every pair; the reduced ones are scaled alone."""
    pairs = [pair for pair in read_corpus(tiny_corpus).pairs if "54p" not in pair.clip]
    same_size = [pair for pair in pairs if "libx264_" in pair.clip and "crf30" not in pair.clip]
    assert len(same_size) == 6
    extraction = score(*same_size)
    expected = [libvmafs(bare_log(pair.reference.path, pair.distorted.path)) for pair in same_size]
    np.testing.assert_array_equal(rows(extraction), np.concatenate(expected))


@pytest.mark.parametrize(
    ("teacher", "asked", "kept", "said"),
    [
        ("vmaf_v0.6.1", None, "canonical6", ""),
        ("vmaf_v0.6.1", "half", "half", ""),
        ("vmaf_v1.0.16_3d0h", None, "all", "adm3.*: all features are kept"),
        (
            "vmaf_v1.0.16_3d0h",
            "canonical6",
            "canonical6",
            "which `features='canonical6'` leaves out",
        ),
        ("vmaf_v1.0.16_3d0h", "all,half", "all,half", ""),
    ],
)
def test_the_features_that_are_kept_follow_the_teacher(teacher, asked, kept, said):
    notes = []
    progress = SimpleNamespace(note=notes.append, task=SILENT.task)
    assert extraction.features_of(teacher, asked, progress) == kept
    assert [bool(re.search(said, note)) for note in notes] == [True] * bool(said)


def test_a_video_against_itself_scores_near_the_top(score, reference):
    table = score((reference, reference)).table
    assert table.target.min() > 95
    np.testing.assert_allclose(table.features[:, :5], 1.0, atol=1e-5)


def test_a_coarse_encode_scores_lower_than_a_fine_one(score, tiny_corpus):
    pairs = [pair for pair in read_corpus(tiny_corpus).pairs if pair.source == "bikes"]
    table = score(*pairs).table
    mean = dict(table.rows.group_by("clip").agg(pl.col("vmaf").mean()).iter_rows())
    fine, coarse = (mean[f"libx264_272p_crf{crf}"] for crf in (20, 40))
    assert fine > 85 > coarse


def test_opinions_of_a_manifest_are_labels_of_the_table(score, tiny_corpus, tmp_path):
    pairs = [pair for pair in read_corpus(tiny_corpus).pairs if pair.source == "bikes"]
    judged = [replace(pairs[0], mos=2.5), *pairs[1:]]
    table = score(*judged).table
    assert table.info.labels == ("mos",)
    opinions = dict(table.clips.select("clip", "mos").iter_rows())
    assert opinions == {pair.clip: pair.mos for pair in judged}
    write_table(table, tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet").sha256 == table.sha256
    assert score(*pairs).table.info.labels == ()


def test_the_container_does_not_matter(score, folder, make_video, reference, distorted):
    """MP4, Matroska, Y4M and raw YUV of the same frames: the same six features and score."""
    size = RawFormat(192, 108)
    found = [
        score((reference, distorted)),
        *(
            score(
                (
                    make_video(folder / f"r.{suffix}", "-i", reference, *arguments),
                    make_video(folder / f"d.{suffix}", "-i", distorted, *arguments),
                )
            )
            for suffix, arguments in {
                "mp4": ["-c:v", "libx264", "-qp", "0"],
                "avi": ["-c:v", "ffvhuff"],
                "y4m": [],
            }.items()
        ),
        score(
            tuple(
                Video(make_video(folder / f"{name}.yuv", "-i", path, "-f", "rawvideo"), size)
                for name, path in (("r", reference), ("d", distorted))
            )
        ),
    ]
    for other in found[1:]:
        np.testing.assert_array_equal(rows(other), rows(found[0]))


def test_ten_bits_and_full_range_do_not_depend_on_the_container(score, folder, make_video, moving):
    for name, arguments, pix_fmt in [
        ("deep", ["-pix_fmt", "yuv420p10le"], "yuv420p10le"),
        ("full", ["-vf", "scale=out_range=full", "-color_range", "pc"], "yuv420p"),
    ]:
        original = moving(folder / f"{name}.mkv", *arguments, "-c:v", "libx264", "-qp", "0")
        coarse = make_video(folder / f"{name}.mp4", "-i", original, "-c:v", "libx264", "-crf", "35")
        raw = [
            Video(
                make_video(folder / f"{path.name}.yuv", "-i", path, "-f", "rawvideo"),
                RawFormat(192, 108, pix_fmt),
            )
            for path in (original, coarse)
        ]
        np.testing.assert_array_equal(rows(score((original, coarse))), rows(score(tuple(raw))))


@pytest.fixture(scope="module")
def larger(folder, moving, make_video):
    """A pair of 320x180 pixels: the v1 models see nothing in smaller ones."""
    original = moving(folder / "larger.mkv", "-c:v", "ffv1", frames=4, size="320x180")
    arguments = ["-c:v", "libx264", "-crf", "38"]
    return original, make_video(folder / "larger.mp4", "-i", original, *arguments)


@pytest.mark.parametrize(
    "teacher", ["vmaf_v0.6.1neg", "vmaf_4k_v0.6.1", "vmaf_float_v0.6.1", "vmaf_v1.0.16_3d0h"]
)
def test_another_teacher_labels_the_same_six_features(score, bare_log, larger, teacher):
    reference, distorted = larger
    plain = score((reference, distorted)).table
    table = score((reference, distorted), teacher=teacher).table
    np.testing.assert_array_equal(table.features, plain.features)
    expected = [frame["vmaf"] for frame in bare_log(reference, distorted, f"version={teacher}")]
    np.testing.assert_array_equal(table.target, expected)
    assert np.abs(table.target - plain.target).max() > 0.01
    assert table.info.teacher == teacher


def test_a_model_that_fails_while_ffmpeg_ends_well(score, reference, distorted):
    with pytest.raises(CorpusError) as caught:
        score((reference, distorted), teacher="vmaf_v1.0.16_3d0h")
    assert "source/clip0: libvmaf wrote no log: libvmaf ERROR" in str(caught.value)


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    """A libvmaf model whose score is 100 adm2, under a name that no filter graph would take."""
    support_vectors = (
        "svm_type nu_svr\nkernel_type linear\nnr_class 2\ntotal_sv 1\nrho 0\nSV\n1 1:1 \n"
    )
    record = {
        "param_dict": {"score_clip": [0.0, 100.0], "norm_type": "clip_0to1"},
        "model_dict": {
            "model_type": "LIBSVMNUSVR",
            "model": support_vectors,
            "norm_type": "linear_rescale",
            "score_clip": [0.0, 100.0],
            "feature_names": ["VMAF_integer_feature_adm2_score"],
            "feature_dict": {"VMAF_integer_feature": ["adm2"]},
            "slopes": [0.01, 1.0],
            "intercepts": [0.0, 0.0],
        },
    }
    path = tmp_path_factory.mktemp("models") / "it's: a,b [50%].json"
    path.write_text(json.dumps(record))
    return path


def test_a_teacher_in_a_json_file(score, reference, distorted, model_file):
    plain = score((reference, distorted)).table
    table = score((reference, distorted), teacher=str(model_file)).table
    np.testing.assert_array_equal(table.features, plain.features)
    np.testing.assert_allclose(table.target, 100 * plain.features[:, 0], atol=2e-4)
    name, _, digest = table.info.teacher.partition("@")
    assert name == model_file.stem
    assert len(digest) == 12


def test_another_model_file_of_the_same_name_is_another_teacher(
    score, reference, distorted, model_file, tmp_path
):
    steeper = json.loads(model_file.read_text())
    steeper["model_dict"]["slopes"][0] = 0.02
    other = tmp_path / model_file.name
    other.write_text(json.dumps(steeper))
    first = score((reference, distorted), teacher=str(model_file))
    second = score((reference, distorted), teacher=str(other))
    np.testing.assert_allclose(second.table.target * 2, first.table.target, atol=1e-4)
    assert second.table.info.teacher != first.table.info.teacher


def test_a_broken_model_file_is_refused_before_any_work(score, reference, tmp_path, watcher):
    broken = tmp_path / "broken.json"
    broken.write_text('{"model_dict": ')
    with pytest.raises(UsageError) as caught:
        score((reference, reference), teacher=str(broken))
    assert str(caught.value).startswith(f"teacher {broken}: libvmaf cannot use this model: ")
    assert watcher.total is None


@pytest.mark.parametrize("name", ["vmaf_v9.9.9", "", "a:b", "a'b", "vmaf_v0.6.1:name=x"])
def test_a_teacher_that_does_not_exist(score, reference, name):
    with pytest.raises(UsageError, match="teacher"):
        score((reference, reference), teacher=name)


def test_a_missing_model_file(score, reference):
    with pytest.raises(UsageError) as caught:
        score((reference, reference), teacher="models/none.json")
    assert str(caught.value) == "teacher models/none.json: no such file"


def test_an_unknown_feature_set(score, reference):
    with pytest.raises(UsageError, match="unknown feature set 'canonical7'"):
        score((reference, reference), feature_set="canonical7")


def test_all_features_are_those_that_the_pass_logs(score, bare_log, reference, distorted):
    table = score((reference, distorted), feature_set="all").table
    log = bare_log(reference, distorted)
    names = {name.removeprefix("VMAF_integer_feature_").removeprefix("integer_") for name in log[0]}
    assert table.info.features[:6] == CANONICAL6
    assert set(table.info.features) == names - {"vmaf"}
    motion3 = table.features[:, table.info.features.index("motion3")]
    np.testing.assert_array_equal(motion3, [frame["integer_motion3"] for frame in log])


def test_a_smaller_clip_is_scaled_as_libvmafs_users_do(score, folder, make_video, reference):
    arguments = ["-vf", "scale=96:54:flags=area", "-c:v", "libx264", "-crf", "20"]
    small = make_video(folder / "small.mp4", "-i", reference, *arguments)
    scaled = ["-i", small, "-vf", "scale=192:108:flags=bicubic", "-c:v", "ffv1"]
    by_hand = make_video(folder / "scaled.mkv", *scaled)
    extraction = score((reference, small))
    np.testing.assert_array_equal(rows(extraction), rows(score((reference, by_hand))))
    assert extraction.table.info.notes == (
        "source/clip0: distorted 96x54 scaled to 192x108 (bicubic)",
    )


def test_fewer_frames_are_refused_and_compared_only_on_request(
    score, folder, make_video, reference, distorted
):
    cut = make_video(
        folder / "cut.mp4", "-i", distorted, "-frames:v", 5, "-c:v", "libx264", "-qp", 0
    )
    with pytest.raises(CorpusError) as caught:
        score((reference, cut))
    assert str(caught.value).endswith(
        "reference has 8 frames, distorted 5: the last 3 of reference (0.12 s) have no partner: "
        "`allow=['frame-count']` compares the first 5"
    )
    found = score((reference, cut), allowed={Allowance.FRAME_COUNT})
    assert found.table.rows.height == 5
    assert any("have no partner (accepted)" in note for note in found.table.info.notes)
    expected = rows(score((reference, distorted)))[:5]
    # Motion looks one frame ahead, and the last frame has none.
    np.testing.assert_array_equal(rows(found)[:4], expected[:4])


def test_another_rate_is_refused_and_paired_by_number_only_on_request(
    score, folder, make_video, reference, distorted
):
    double = make_video(folder / "50.mp4", "-r", 50, "-i", distorted, "-c:v", "libx264", "-qp", 0)
    plain = make_video(folder / "25.mp4", "-i", distorted, "-c:v", "libx264", "-qp", 0)
    with pytest.raises(CorpusError, match="reference shows 25 frames a second, distorted 50"):
        score((reference, double))
    allowed = score((reference, double), allowed={Allowance.FRAME_RATE})
    np.testing.assert_array_equal(rows(allowed), rows(score((reference, plain))))


def test_another_bit_depth_is_converted_and_said(score, folder, make_video, reference):
    arguments = ["-pix_fmt", "yuv420p10le", "-c:v", "libx264", "-crf", "30"]
    deep = make_video(folder / "ten.mp4", "-i", reference, *arguments)
    note = "reference is yuv420p, distorted yuv420p10le: compared as yuv420p10le, of which"
    assert score((reference, deep)).table.info.notes[0].startswith(f"source/clip0: {note}")


def test_a_flagged_colour_range_is_converted_and_said(score, folder, make_video, reference):
    arguments = ["-vf", "scale=out_range=full", "-color_range", "pc", "-c:v", "libx264"]
    full = make_video(folder / "pc.mp4", "-i", reference, *arguments, "-crf", "4")
    found = score((reference, full))
    assert found.table.target.min() > 90
    assert any("compared in limited range" in note for note in found.table.info.notes)


def test_a_pair_that_starts_elsewhere_or_rounds_times_is_paired_by_number(
    score, folder, make_video, reference, distorted
):
    """Containers round time stamps and start where they like; no frame may be doubled for that."""
    offset = ["-c", "copy", "-output_ts_offset", "1.013"]
    late = make_video(folder / "late.mkv", "-i", distorted, *offset)
    np.testing.assert_array_equal(
        rows(score((reference, late))), rows(score((reference, distorted)))
    )


def test_a_clip_that_players_turn_is_compared_as_it_is_shown(score, folder, make_video, reference):
    """As phones record it: lying pictures and a note to show them upright."""
    lying = make_video(folder / "lying.mp4", "-i", reference, "-c:v", "libx264", "-qp", "0")
    turned = ["-display_rotation", "90", "-i", lying, "-c", "copy"]
    phone = make_video(folder / "phone.mp4", *turned)
    upright = make_video(folder / "upright.mkv", "-i", phone, "-c:v", "ffv1")
    low = make_video(folder / "upright.mp4", "-i", phone, "-c:v", "libx264", "-crf", "35")
    np.testing.assert_array_equal(rows(score((phone, low))), rows(score((upright, low))))


def test_a_frame_that_the_decoder_drops_is_noticed(score, folder, make_video, reference):
    """ffmpeg would pair what is left, repeat the last frame, and end with status 0."""
    arguments = ["-c:v", "libx264", "-g", "4", "-bf", "0"]
    path = make_video(folder / "whole.mp4", "-i", reference, *arguments)
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        start, size = packets[2].pos, packets[2].size
    data = bytearray(path.read_bytes())
    data[start : start + size] = b"\xff" * size
    damaged = folder / "damaged.mp4"
    damaged.write_bytes(data)
    extraction = score(
        (reference, path), Pair("source", "damaged", Video(reference), Video(damaged))
    )
    assert [failure.pair.clip for failure in extraction.failures] == ["damaged"]
    assert extraction.table.n_clips == 1


def test_packets_that_are_no_frames_do_not_refuse_a_good_pair(score, folder, make_video, reference):
    """An encoder may store hidden frames as packets of their own."""
    arguments = ["-c:v", "libvpx", "-b:v", "100k", "-auto-alt-ref", "1", "-lag-in-frames", "8"]
    hidden = make_video(folder / "hidden.ivf", "-i", reference, *arguments)
    assert score((reference, hidden)).table.rows.height == 8


def test_a_failing_pair_is_named_and_the_others_are_kept(
    score, reference, distorted, folder, watcher
):
    missing = folder / "missing.mp4"
    extraction = score((reference, distorted), (reference, missing), (missing, distorted))
    assert [failure.pair.clip for failure in extraction.failures] == ["clip1", "clip2"]
    assert all(str(item.error) == f"{missing}: no such file" for item in extraction.failures)
    assert extraction.table.n_clips == 1
    assert watcher.finished == 1


class Counting(FfmpegEngine):
    """Remembers how many pairs every decode served."""

    def score(self, requests, **options):
        self.decodes.append(len(requests))
        return super().score(requests, **options)


@pytest.fixture
def counting(ffmpeg):
    engine = Counting(ffmpeg)
    object.__setattr__(engine, "decodes", [])
    return engine


@pytest.mark.parametrize("feature_set", ["all", "signal,quarter,ssim"])
def test_pairs_that_share_a_decode_get_what_each_alone_gets(
    score, make_video, distorted, moving, folder, tmp_path, counting, watcher, feature_set
):
    """Also where each is compared in another way: scaled, shorter, in other colours."""
    reference = moving(folder / "wide.mkv", "-vf", "scale=256:144", "-c:v", "ffv1")
    encode = ("-i", reference, "-c:v", "libx264", "-crf")
    pairs = [
        (reference, make_video(folder / f"{name}.mp4", *encode, *options))
        for name, options in {
            "fine": ("20",),
            "small": ("30", "-vf", "scale=128:72"),
            "short": ("30", "-frames:v", "6"),
            "deep": ("30", "-pix_fmt", "yuv420p10le"),
        }.items()
    ]
    allowed = tuple(set(Allowance) - {Allowance.DAMAGED})
    wishes = {"feature_set": feature_set, "allowed": allowed}
    together = score(*pairs, **wishes, cache=Cache(tmp_path / "a"), engine=counting, jobs=1)
    assert counting.decodes == [2, 2]
    assert together.n_computed == 4
    assert watcher.done == watcher.total
    alone = [score(pair, **wishes, cache=Cache(tmp_path / "b")) for pair in pairs]
    np.testing.assert_array_equal(rows(together), np.concatenate([rows(each) for each in alone]))


def test_only_what_is_missing_is_decoded_together(score, reference, distorted, tmp_path, counting):
    cache = Cache(tmp_path)
    score((reference, distorted), cache=cache)
    pairs = [(reference, distorted)] * 2 + [(reference, reference)] * 2
    found = score(*pairs, cache=cache, engine=counting, jobs=1)
    # Both groups have one of either; the second finds what the first has computed.
    assert (found.n_computed, found.n_cached) == (1, 3)
    assert counting.decodes == [1]


def test_a_pair_that_spoils_a_decode_costs_the_others_nothing(
    score, reference, distorted, folder, tmp_path, counting, watcher
):
    """Its header promises what its body does not hold: only the scored frames tell."""
    whole = distorted.read_bytes()
    broken = folder / "broken_body.mp4"
    body = whole.index(b"mdat") + 60
    broken.write_bytes(whole[:body] + bytes(len(whole) // 4) + whole[body + len(whole) // 4 :])
    good, bad = (reference, distorted), (reference, broken)
    found = score(good, bad, good, good, cache=Cache(tmp_path), engine=counting, jobs=1)
    assert [failure.pair.clip for failure in found.failures] == ["clip1"]
    assert found.table.n_clips == 3
    assert max(counting.decodes) == 2
    assert watcher.done == watcher.total
    np.testing.assert_array_equal(rows(found), np.tile(rows(score(good)), (3, 1)))


def test_progress_adds_up(score, tiny_corpus, tmp_path, watcher, ffmpeg):
    pairs = read_corpus(tiny_corpus).pairs[:3]
    score(*pairs, cache=Cache(tmp_path))
    assert (watcher.total, watcher.done, watcher.finished) == (24, 24, 1)


def test_a_log_that_does_not_prove_success(score, reference, tmp_path, ffmpeg):
    """An engine that ends well with a frame too few is not believed."""

    class Careless(FfmpegEngine):
        def score(self, comparisons, **options):
            ((log,),) = super().score(comparisons, **options)
            cut = ({name: values[:-1] for name, values in part.items()} for part in log)
            return ((cut,),)

    cache = Cache(tmp_path)
    with pytest.raises(CorpusError) as caught:
        score((reference, reference), cache=cache, engine=Careless(ffmpeg))
    assert str(caught.value).endswith(
        "libvmaf scored 7 frames, but the reference decodes to 8 and the distorted video to 8: "
        "one of them is damaged or cut short"
    )
    assert score((reference, reference), cache=cache).n_computed == 1


@pytest.mark.parametrize("quickly_seen", [True, False])
def test_one_reference_under_two_names_is_no_table(
    score, tmp_path, reference, distorted, monkeypatch, quickly_seen, watcher
):
    """Of equal size it is seen before any work, in a store only when its hash is known."""
    copy = tmp_path / "copy.mkv"
    copy.write_bytes(reference.read_bytes())
    pairs = [
        Pair(name, "low", Video(path), Video(distorted))
        for name, path in (("Bird", reference), ("bird", copy))
    ]
    if not quickly_seen:
        monkeypatch.setattr(extraction, "_refuse_one_content_twice", lambda *_: None)
    with pytest.raises(SplitError, match="sources 'Bird' and 'bird' have the same reference"):
        score(*pairs)
    assert (watcher.total is None) == quickly_seen


def test_a_table_knows_the_content_of_its_references(score, tmp_path, reference, distorted):
    table = score((reference, distorted)).table
    assert table.info.references == {"source": (hash_file(reference),)}
    write_table(table, tmp_path / "table.parquet")
    assert read_table(tmp_path / "table.parquet").info == table.info
