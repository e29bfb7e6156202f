# SPDX-License-Identifier: Apache-2.0
"""What is said of real pairs, good and bad; every file is made by ffmpeg from a real clip."""

import subprocess

import pytest

import tinyvmaf as tv
from tinyvmaf.errors import MisalignedError
from tinyvmaf.libvmaf.logs import read_log
from tinyvmaf.media.video import RawFormat

pytestmark = pytest.mark.ffmpeg


def score(reference, distorted, **options):
    return tv.score(
        reference=reference, distorted=distorted, threads=1, **{"mode": "exact", **options}
    )


def refusal(reference, distorted, **options):
    with pytest.raises(MisalignedError) as caught:
        score(reference, distorted, **options)
    return str(caught.value).removeprefix("reference and distorted do not fit: ")


def test_identical_videos_score_near_the_top_and_nothing_is_said(pristine):
    found = score(pristine, pristine)
    assert found.vmaf.mean > 97
    assert found.notes == ()


def test_more_distortion_scores_lower(pristine, distorted, worse, exact):
    same, bad = score(pristine, pristine), score(pristine, worse)
    assert same.vmaf.mean > exact.vmaf.mean + 5 > bad.vmaf.mean + 10
    assert exact.notes == bad.notes == ()


def test_exact_is_what_the_bare_filter_says(pristine, distorted, exact, ffmpeg, tmp_path):
    graph = "[0:v][1:v]libvmaf=log_fmt=json:log_path=log.json"
    command = [ffmpeg.path, "-i", distorted, "-i", pristine, "-lavfi", graph, "-f", "null", "-"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    assert exact.frame_scores.tolist() == read_log(tmp_path / "log.json")["vmaf"].tolist()


def test_the_number_of_threads_changes_nothing(pristine, distorted, exact):
    found = tv.score(reference=pristine, distorted=distorted, threads=4, mode="exact")
    assert found.frame_scores.tolist() == exact.frame_scores.tolist()


def test_swapped_arguments_are_refused(pristine, worse):
    said = refusal(worse, pristine)
    assert said.startswith("reference shows less detail (")
    assert "and has the lower bitrate (" in said
    assert said.endswith(
        "if the two are swapped, name the pristine video first, or accept it with --allow swapped"
    )


def test_swapped_arguments_can_be_accepted(pristine, worse):
    found = score(worse, pristine, allow=["swapped"])
    assert found.notes[-1].endswith("(accepted)")
    assert found.notes[-1].startswith("reference shows less detail")


def test_a_smaller_reference_is_called_suspicious(pristine, made):
    small = made("small.mp4", filters=["scale=160:68"])
    said = refusal(small, pristine)
    assert said.startswith("reference is smaller (160x68 against 320x136) and has the lower")


def test_a_shift_by_one_frame_is_refused(pristine, made):
    late = made("late.mp4", first=1, crf=30)
    assert refusal(pristine, late) == (
        "the pictures are shifted: reference has 1 frame at its start that distorted lacks: "
        "score with --sync, which leaves out the first 1 of reference, "
        "or accept it with --allow shift"
    )


@pytest.mark.parametrize("frames", [1, 3])
def test_sync_makes_a_shift_good(frames, pristine, made, exact):
    late = made(f"late{frames}.mp4", first=frames, crf=30)
    found = score(pristine, late, sync=True)
    assert len(found.frame_scores) == 30 - frames
    assert abs(found.vmaf.mean - exact.vmaf.mean) < 2
    assert "--sync" in found.command


def test_sync_works_in_the_other_direction(pristine, made, exact):
    late_reference = made("late_reference.mp4", first=2)
    early = made("early.mp4", crf=30)
    assert "distorted has 2 frames at its start that reference lacks" in refusal(
        late_reference, early
    )
    found = score(late_reference, early, sync=True)
    assert len(found.frame_scores) == 28
    assert abs(found.vmaf.mean - exact.vmaf.mean) < 2
    # Times are those of the distorted video, which has two frames more in front.
    assert found.times_s[0] == pytest.approx(2 / 25)


def test_a_lost_first_frame_is_named_beside_the_frame_count(pristine, made):
    short = made("short.mp4", first=1, n_frames=29, crf=30)
    said = refusal(pristine, short)
    assert said.startswith("reference has 30 frames, distorted 29 (--allow frame-count")
    assert said.endswith(
        "reference has 1 frame at its start that distorted lacks: --sync leaves that out"
    )
    assert len(score(pristine, short, sync=True).frame_scores) == 29


def test_an_accepted_shift_scores_badly(pristine, made, exact):
    late = made("late.mp4", first=1, crf=30)
    found = score(pristine, late, allow=["shift"])
    assert found.vmaf.mean < exact.vmaf.mean - 10
    assert found.notes[-1].endswith("(accepted)")


def test_another_frame_rate_is_refused(pristine, made):
    fast = made("fast.mp4", before=("-r", 50), crf=30)
    assert refusal(pristine, fast).startswith("reference has 25 fps, distorted 50 (--allow frame-r")
    assert len(score(pristine, fast, allow=["frame-rate"]).frame_scores) == 30


def test_another_bit_depth_is_refused(pristine, made, exact):
    deep = made("deep.mp4", "-pix_fmt", "yuv420p10le", crf=30)
    assert refusal(pristine, deep).startswith(
        "reference has pixel format yuv420p, distorted yuv420p10le (--allow pix-fmt"
    )
    found = score(pristine, deep, allow=["pix-fmt"])
    assert abs(found.vmaf.mean - exact.vmaf.mean) < 5


def test_two_videos_of_ten_bits_fit(made):
    reference = made("deep_pristine.mp4", "-pix_fmt", "yuv420p10le")
    deep = made("deep.mp4", "-pix_fmt", "yuv420p10le", crf=30)
    found = score(reference, deep)
    assert 60 < found.vmaf.mean < 98
    assert found.notes == ()


def test_another_colour_range_is_refused(pristine, made, exact):
    full = made("full.mp4", "-color_range", "pc", filters=["scale=out_range=full"], crf=30)
    assert refusal(pristine, full).startswith("reference has limited colour range, distorted the o")
    found = score(pristine, full, allow=["color-range"])
    assert abs(found.vmaf.mean - exact.vmaf.mean) < 3


def test_a_colour_range_that_is_not_flagged_is_seen(pristine, made):
    filters = ["scale=in_range=limited:out_range=full", "setparams=range=limited"]
    mixed_up = made("mixed_up.mp4", "-color_range", "tv", filters=filters, crf=20)
    found = score(pristine, mixed_up, allow=["color-range"])
    (said,) = [note for note in found.notes if "colour range" in note]
    assert said == (
        "distorted looks like the reference with its colour range stretched from limited to full: "
        "find the step that mixed up the colour range, and encode again"
    )


@pytest.mark.parametrize(("transfer", "curve"), [("smpte2084", "PQ"), ("arib-std-b67", "HLG")])
def test_hdr_is_refused(transfer, curve, made):
    colour = ("-pix_fmt", "yuv420p10le", "-color_primaries", "bt2020", "-colorspace", "bt2020nc")
    filters = [f"setparams=color_trc={transfer}"]
    reference = made(f"{curve}.mp4", *colour, "-color_trc", transfer, filters=filters)
    encode = made(f"{curve}_low.mp4", *colour, "-color_trc", transfer, filters=filters, crf=30)
    said = refusal(reference, encode)
    assert said.startswith(
        f"reference is HDR ({curve}, {transfer}), for which no model here was made: tone-map both "
        "to SDR (BT.709) in the same way and score those, or accept it with --allow hdr; distorted"
    )
    found = score(reference, encode, allow=["hdr"])
    assert found.notes[0] == (
        f"reference is HDR ({curve}, {transfer}), for which no model here was made (accepted)"
    )


def test_a_variable_frame_rate_is_refused_unless_both_have_it(pristine, made):
    filters = ["setpts='if(gt(N,9),N+4,N)/25/TB'"]
    options = ("-fps_mode", "vfr", "-video_track_timescale", "25000")
    vary = made("vary.mp4", *options, filters=filters, crf=30)
    said = refusal(pristine, vary, allow=["frame-rate"])
    assert said.startswith("the frame rate of distorted varies, and the frames of the two are not")
    assert said.endswith("or accept it with --allow variable-rate")
    both = made("vary_pristine.mp4", *options, filters=filters)
    found = score(both, vary)
    assert found.times_s[10] == pytest.approx(14 / 25)
    assert found.notes == ()


def test_a_rotated_phone_video_is_compared_as_shown(pristine, make_video, tmp_path, ffmpeg):
    phone, shown = tmp_path / "phone.mp4", tmp_path / "shown.mp4"
    make_video(phone, "-display_rotation", "90", "-i", pristine, "-c", "copy")
    make_video(shown, "-i", phone, "-c:v", "libx264", "-crf", "30")
    found = score(phone, shown)
    assert found.notes[0] == (
        "reference is turned by 90 degrees when it is shown: it is compared as shown, 136x320"
    )
    assert found.vmaf.mean > 70


def test_a_video_that_lost_its_rotation_is_refused(pristine, distorted, make_video, tmp_path):
    phone = make_video(
        tmp_path / "phone.mp4", "-display_rotation", "90", "-i", pristine, "-c", "copy"
    )
    assert (
        "the pictures have other shapes: reference 136x320, distorted 320x136, as if one were "
        "turned: turn one of them, or accept it with --allow rotation"
    ) in refusal(phone, distorted)


def test_interlaced_video_is_refused(made):
    options = ("-flags", "+ilme+ildct", "-x264-params", "tff=1")
    filters = ["tinterlace=interleave_top", "setfield=tff"]
    interlaced = made("interlaced.mp4", *options, filters=filters, n_frames=12)
    said = refusal(interlaced, interlaced)
    assert said.startswith("reference is interlaced, so that one frame shows two moments: deinter")


def test_a_video_of_one_frame_is_scored(made):
    one, low = made("one.mp4", n_frames=1), made("one_low.mp4", n_frames=1, crf=40)
    found = score(one, low)
    assert found.frame_scores.shape == (1,)
    assert found.vmaf.min == found.vmaf.p1 == found.vmaf.mean
    assert [item.frame for item in found.worst_frames] == [0]


def test_another_start_time_is_said(pristine, made):
    late = made("offset.mkv", "-output_ts_offset", "1", crf=30)
    (said,) = score(pristine, late).notes
    assert said == (
        "reference starts at 0.000 s, distorted at 1.000 s: frames are paired by number from the "
        "first on; cut both alike if that is wrong"
    )


def test_other_content_is_called_other_content(pristine, clips, make_video, tmp_path):
    other = make_video(
        tmp_path / "other.mp4",
        *("-i", clips["bigbuckbunny"], "-vf", "scale=320:136", "-frames:v", 30, "-crf", 40, "-an"),
    )
    found = score(pristine, other)
    assert found.notes[0].startswith("the two hardly resemble each other (correlation of their")


def test_raw_video_scores_like_its_container(pristine, distorted, make_video, tmp_path, exact):
    files = [
        make_video(tmp_path / f"{path.stem}.yuv", "-i", path, "-f", "rawvideo")
        for path in (pristine, distorted)
    ]
    found = score(*files, raw=RawFormat(320, 136))
    assert found.frame_scores.tolist() == exact.frame_scores.tolist()
    assert "--size 320x136 --pix-fmt yuv420p --fps 25" in found.command


def test_another_size_is_scaled_and_said(pristine, made):
    small = made("half.mp4", filters=["scale=160:68"], crf=20)
    found = score(pristine, small)
    assert found.notes == ("distorted 160x68 scaled to 320x136 (bicubic)",)
    assert found.vmaf.mean < score(pristine, pristine).vmaf.mean - 10
