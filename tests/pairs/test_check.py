# SPDX-License-Identifier: Apache-2.0
"""What is said of real pairs, good and bad; every file is made by ffmpeg from a real clip."""

import subprocess
from dataclasses import replace
from fractions import Fraction

import pytest

import tinyvmaf as tv
from tinyvmaf.corpus.pair import Pair
from tinyvmaf.errors import MisalignedError
from tinyvmaf.libvmaf.logs import read_log
from tinyvmaf.media.ffmpeg import find_ffmpeg
from tinyvmaf.media.video import RawFormat, Video
from tinyvmaf.pairs.check import check
from tinyvmaf.pairs.proof import verify

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
        "if the two are swapped, name the pristine video first, or accept it with "
        "`allow=['swapped']`"
    )


def test_swapped_arguments_can_be_accepted(pristine, worse):
    found = score(worse, pristine, allow=["swapped"])
    assert found.notes[-1].endswith("(accepted)")
    assert found.notes[-1].startswith("reference shows less detail")


def test_a_smaller_reference_is_called_suspicious(pristine, made):
    small = made("small.mp4", filters=["scale=160:68"])
    said = refusal(small, pristine)
    assert said.startswith("reference is smaller (160x68 against 320x136) and has the lower")


def test_a_sharpened_encode_is_not_called_swapped(pristine, made):
    sharp = made("sharp.mp4", filters=["unsharp=5:5:1.5"], crf=20)
    assert score(pristine, sharp).notes == ()


def test_a_shift_by_one_frame_is_refused(pristine, made):
    late = made("late.mp4", first=1, crf=30)
    assert refusal(pristine, late) == (
        "the pictures are shifted: reference has 1 frame at its start that distorted lacks: "
        "`sync=True` leaves out the first 1 of reference"
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


def test_a_lost_first_frame_is_found_although_the_last_one_is_left_out(pristine, made):
    short = made("short.mp4", first=1, n_frames=29, crf=30)
    assert refusal(pristine, short) == (
        "the pictures are shifted: reference has 1 frame at its start that distorted lacks: "
        "`sync=True` leaves out the first 1 of reference"
    )
    assert len(score(pristine, short, sync=True).frame_scores) == 29


def test_one_frame_fewer_at_the_end_is_left_out_and_said(pristine, made):
    found = score(pristine, made("trimmed.mp4", n_frames=29, crf=30))
    assert len(found.frame_scores) == 29
    assert found.notes == ("the last frame of reference has no partner: left out",)


SPOILT = {
    "a dropped frame": ("select='not(eq(n,14))'", "from frame 14 of distorted on (0.560 s)", 29),
    "a doubled frame": ("loop=loop=1:size=1:start=14", "from frame 14 of distorted on", 29),
    "one dropped, the last doubled": (
        "select='not(eq(n,14))',setpts=N/25/TB,tpad=stop=1:stop_mode=clone",
        "from frame 14 of distorted on",
        29,
    ),
}


@pytest.mark.parametrize("what", SPOILT)
def test_a_frame_that_lacks_or_is_double_is_found_and_made_good(what, pristine, made, exact):
    filters, words, n_frames = SPOILT[what]
    spoilt = made(f"{what}.mp4", filters=[filters, "setpts=N/25/TB"], n_frames=32, crf=30)
    assert words in refusal(pristine, spoilt)
    found = score(pristine, spoilt, sync=True)
    assert abs(len(found.frame_scores) - n_frames) <= 1
    assert abs(found.vmaf.mean - exact.vmaf.mean) < 2
    assert any("piece by piece" in note for note in found.notes)


def test_swapped_frames_are_found(pristine, made):
    swapped = made("swapped_frames.mp4", filters=["shuffleframes=0 1 3 2 4 5 6 7 8 9"], crf=24)
    assert refusal(pristine, swapped).startswith(
        "frames 2 and 3 of distorted are in each other's place (3 such places): encode it again"
    )


def test_an_excerpt_is_found_by_picture_and_offered(made):
    reference = made("long.mp4", n_frames=60)
    part = made("part.mp4", first=25, n_frames=20, crf=30)
    said = refusal(reference, part)
    assert said.endswith("`reference_start_s=1.000` compares it with that part")
    found = score(reference, part, reference_start_s=1.0)
    assert len(found.frame_scores) == 20
    assert found.vmaf.mean > 60
    assert "--reference-start 1" in found.command


def test_a_part_of_the_time_is_compared(pristine, distorted, exact):
    found = score(pristine, distorted, start_s=0.4, duration_s=0.4)
    assert len(found.frame_scores) == 10
    assert found.frame_scores[3:8].tolist() == exact.frame_scores[13:18].tolist()
    assert found.times_s[0] == pytest.approx(0.4)


def test_half_the_frame_rate_is_compared_at_common_times(pristine, made, exact):
    half = made("half_rate.mp4", filters=["framestep=2"], n_frames=15, crf=30)
    assert refusal(pristine, half) == (
        "reference shows 25 frames a second, distorted 12.5, and 14 frames of reference have no "
        "partner at the same time: `allow=['frame-rate']` compares the 15 frames at common times"
    )
    found = score(pristine, half, allow=["frame-rate"])
    assert len(found.frame_scores) == 15
    assert found.vmaf.mean > 60


def test_bars_are_found_and_cropped(pristine, made, exact):
    barred = made("barred.mp4", filters=["pad=320:176:0:20"])
    encode = made("distorted.mp4", crf=30)
    assert refusal(barred, encode) == (
        "reference has black bars that distorted lacks: `crop='320:136:0:20'` takes them off"
    )
    for crop in ("320:136:0:20", "auto"):
        found = score(barred, encode, crop=crop)
        assert abs(found.vmaf.mean - exact.vmaf.mean) < 1
    assert refusal(barred, encode, crop="320:136:0:10")


def test_a_zoomed_picture_is_refused(pristine, made):
    zoomed = made("zoomed.mp4", filters=["crop=312:132,scale=320:136:flags=bicubic"], crf=20)
    assert refusal(pristine, zoomed).startswith(
        "distorted does not show the same part of the picture as reference ("
    )


def test_an_accepted_shift_scores_badly(pristine, made, exact):
    late = made("late.mp4", first=1, crf=30)
    found = score(pristine, late, allow=["shift"])
    assert found.vmaf.mean < exact.vmaf.mean - 10
    assert found.notes[-1].endswith("(accepted)")


def test_another_frame_rate_is_refused(pristine, made):
    fast = made("fast.mp4", before=("-r", 50), crf=30)
    assert refusal(pristine, fast).startswith("reference shows 25 frames a second, distorted 50, ")
    assert len(score(pristine, fast, allow=["frame-rate"]).frame_scores) == 30


def test_another_bit_depth_is_converted_and_said(pristine, made, exact):
    deep = made("deep.mp4", "-pix_fmt", "yuv420p10le", crf=30)
    found = score(pristine, deep)
    assert abs(found.vmaf.mean - exact.vmaf.mean) < 5
    (said,) = found.notes
    assert said == (
        "reference is yuv420p, distorted yuv420p10le: compared as yuv420p10le, of which "
        "vmaf_v0.6.1 reads the luma alone"
    )


def test_two_videos_of_ten_bits_fit(made):
    reference = made("deep_pristine.mp4", "-pix_fmt", "yuv420p10le")
    deep = made("deep.mp4", "-pix_fmt", "yuv420p10le", crf=30)
    found = score(reference, deep)
    assert 60 < found.vmaf.mean < 98
    assert found.notes == ()


def test_another_colour_range_is_converted_if_it_is_flagged(pristine, made, exact):
    full = made("full.mp4", "-color_range", "pc", filters=["scale=out_range=full"], crf=30)
    found = score(pristine, full)
    assert abs(found.vmaf.mean - exact.vmaf.mean) < 3
    assert any("full colour range and the other limited" in note for note in found.notes)


def test_a_colour_range_that_is_not_flagged_is_refused(pristine, made):
    filters = ["scale=in_range=limited:out_range=full", "setparams=range=limited"]
    mixed_up = made("mixed_up.mp4", "-color_range", "tv", filters=filters, crf=20)
    assert refusal(pristine, mixed_up) == (
        "distorted looks like the reference with its colour range stretched from limited to full, "
        "and is not flagged so: find the step that mixed up the range and encode again; "
        "`allow=['color-range']` converts its levels back"
    )
    found = score(pristine, mixed_up, allow=["color-range"])
    right = score(pristine, made("right.mp4", crf=20))
    assert abs(found.vmaf.mean - right.vmaf.mean) < 1


@pytest.mark.parametrize(("transfer", "curve"), [("smpte2084", "PQ"), ("arib-std-b67", "HLG")])
def test_hdr_is_refused(transfer, curve, made):
    colour = ("-pix_fmt", "yuv420p10le", "-color_primaries", "bt2020", "-colorspace", "bt2020nc")
    filters = [f"setparams=color_trc={transfer}"]
    reference = made(f"{curve}.mp4", *colour, "-color_trc", transfer, filters=filters)
    encode = made(f"{curve}_low.mp4", *colour, "-color_trc", transfer, filters=filters, crf=30)
    said = refusal(reference, encode)
    assert said.startswith(
        f"reference is HDR ({curve}, {transfer}), for which no model here was made: tone-map both "
        "to SDR (BT.709) in the same way and score those, or accept it with `allow=['hdr']`; "
        "distorted"
    )
    found = score(reference, encode, allow=["hdr"])
    assert found.notes[0] == (
        f"reference is HDR ({curve}, {transfer}), for which no model here was made (accepted)"
    )


def test_a_variable_frame_rate_needs_the_same_times(pristine, made):
    filters = ["setpts='if(gt(N,9),N+4,N)/25/TB'"]
    options = ("-fps_mode", "vfr", "-video_track_timescale", "25000")
    vary = made("vary.mp4", *options, filters=filters, crf=30)
    said = refusal(pristine, vary)
    assert said.startswith("the frames of the two are not shown at the same times, and 4 frames of")
    assert said.endswith("frame by frame, in order, whatever their times")
    assert len(score(pristine, vary, allow=["frame-rate"]).frame_scores) == 30
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
    assert "one seems to be turned (136x320 against 320x136)" in refusal(phone, distorted)


def test_interlaced_video_is_refused(made):
    options = ("-flags", "+ilme+ildct", "-x264-params", "tff=1")
    filters = ["tinterlace=interleave_top", "setfield=tff"]
    interlaced = made("interlaced.mp4", *options, filters=filters, n_frames=12)
    said = refusal(interlaced, interlaced)
    assert said.startswith("reference is interlaced: its pictures show two moments each: deinter")


def test_a_flag_alone_is_no_interlacing(made):
    flagged = made("flagged.mp4", "-flags", "+ilme+ildct", "-x264-params", "tff=1")
    (said,) = score(flagged, made("distorted.mp4", crf=30)).notes
    assert said == (
        "reference is flagged as interlaced, its pictures are not: compared as they are"
    )


def test_a_video_of_one_frame_is_scored(made):
    one, low = made("one.mp4", n_frames=1), made("one_low.mp4", n_frames=1, crf=40)
    found = score(one, low)
    assert found.frame_scores.shape == (1,)
    assert found.vmaf.min == found.vmaf.p1 == found.vmaf.mean
    assert [item.frame for item in found.worst_frames] == [0]


def test_another_start_time_does_not_matter(pristine, made):
    late = made("offset.mkv", "-output_ts_offset", "1", crf=30)
    assert score(pristine, late).notes == ()


def test_other_content_is_refused(pristine, clips, make_video, tmp_path):
    other = make_video(
        tmp_path / "other.mp4",
        *("-i", clips["bigbuckbunny"], "-vf", "scale=320:136", "-frames:v", 30, "-crf", 40, "-an"),
    )
    assert "the two do not show the same (correlation of their pictures" in refusal(pristine, other)


@pytest.mark.ffmpeg
def test_a_negative_is_something_else_and_no_picture_of_another_scale(pristine, made):
    negative = made("negative.mp4", filters=["negate"], crf=30)
    assert "the two do not show the same" in refusal(pristine, negative)


def test_raw_video_scores_like_its_container(pristine, distorted, make_video, tmp_path, exact):
    files = [
        make_video(tmp_path / f"{path.stem}.yuv", "-i", path, "-f", "rawvideo")
        for path in (pristine, distorted)
    ]
    found = score(*files, raw=RawFormat(320, 136))
    assert found.frame_scores.tolist() == exact.frame_scores.tolist()
    assert found.command.endswith("--size 320x136 --pix-fmt yuv420p")


def test_another_size_is_scaled_and_said(pristine, made):
    small = made("half.mp4", filters=["scale=160:68"], crf=20)
    found = score(pristine, small)
    assert found.notes == ("distorted 160x68 scaled to 320x136 (bicubic)",)
    assert found.vmaf.mean < score(pristine, pristine).vmaf.mean - 10


@pytest.mark.parametrize(
    "times", ["N/30/TB", "(N+3*floor(N/3))/30/TB"], ids=["constant", "varying"]
)
def test_raw_video_and_pictures_are_shown_when_the_other_video_is(moving, tmp_path, times):
    # Neither says when its frames are shown: read at 25 frames a second, few would have a partner.
    encode = tmp_path / "encode.mkv"
    lossless = ["-c:v", "ffv1", "-vf", f"settb=1/90000,setpts={times}", "-fps_mode", "passthrough"]
    moving(encode, *lossless, frames=9)
    raw = moving(tmp_path / "raw.yuv", frames=9)
    coded = moving(tmp_path / "coded.mkv", "-c:v", "ffv1", "-pix_fmt", "bgr0", frames=9)
    pattern = tmp_path / "%02d.png"
    subprocess.run([find_ffmpeg().path, "-loglevel", "error", "-i", coded, pattern], check=True)
    geometry = RawFormat(192, 108)
    assert score(raw, encode, raw=geometry).frame_scores.shape == (9,)
    assert score(pattern, encode).frame_scores.shape == (9,)
    with pytest.raises(MisalignedError, match="no partner at the same time"):
        score(raw, encode, raw=replace(geometry, frame_rate=Fraction(25)))


def test_saturated_colours_of_lossless_pictures_are_no_stretched_range(make_video, tmp_path):
    # By BT.709 their luma would be that of the reference, by BT.601, times 255/219.
    colours = "gradients=size=320x180:nb_colors=2:c0=0x323cf0:c1=0x8cff64:seed=1:speed=0.2"
    source = ["-f", "lavfi", "-i", f"{colours},format=gbrp", "-frames:v", 9, "-c:v", "ffv1"]
    rgb = make_video(tmp_path / "rgb.mkv", *source)
    yuv = make_video(tmp_path / "yuv.mkv", *source, "-pix_fmt", "yuv420p")
    found = score(yuv, rgb)
    assert found.notes[1] == "distorted is RGB: converted to YUV of limited range by BT.601"
    assert found.vmaf.mean > 95
    both = Pair.of_files(reference=Video(yuv), distorted=Video(rgb))
    assert verify(check(both)).notes == found.notes


@pytest.mark.parametrize("rate", [10, 24, 60])
def test_raw_video_of_any_frame_rate_is_scored(moving, tmp_path, rate):
    encode = moving(tmp_path / "encode.mkv", "-c:v", "ffv1", frames=40, rate=rate)
    raw = moving(tmp_path / "raw.yuv", frames=40, rate=rate)
    for mode in ("exact", "sampled"):
        found = score(raw, encode, raw=RawFormat(192, 108), mode=mode)
        assert found.vmaf.mean > 90  # refused as damaged when pictures were numbered too coarsely
