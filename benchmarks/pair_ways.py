# SPDX-License-Identifier: Apache-2.0
"""Ways to make a pair of a source: ordinary encodes, and pairs that do not fit.

Every way writes files with plain ffmpeg commands and knows how they were made, so that the truth
needs no look at their content: which frame of the distorted video shows which one of the reference.
"""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinyvmaf.media.ffmpeg import find_ffmpeg

FFMPEG = find_ffmpeg().path
ORDINARY, SPOILT = "ordinary", "spoilt"

X264 = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "28", "-threads", "1"]
X265 = ["-c:v", "libx265", "-preset", "ultrafast", "-crf", "30", "-x265-params"]
X265 += ["pools=none:frame-threads=1:log-level=none"]
AV1 = ["-c:v", "libsvtav1", "-preset", "12", "-crf", "45", "-svtav1-params", "lp=1"]
VP9 = ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "0", "-crf", "45"]
FFV1 = ["-c:v", "ffv1", "-threads", "1"]
TEN = ["-pix_fmt", "yuv420p10le"]


@dataclass(frozen=True)
class Case:
    """A pair, and the truth about it.

    Attributes:
        reference, distorted: The files.
        frames: The numbers of the reference's and of the distorted video's frames that belong
            together; None where no number is true.
        options: What the command line needs to read the files.
        filters: What brings the decoded reference and distorted video to each other by hand.
        full: Whose levels are full range, so that the truth converts them.
    """

    reference: Path
    distorted: Path
    frames: tuple[list[int], list[int]] | None
    options: tuple[str, ...] = ()
    filters: tuple[str, str] = ("null", "null")
    full: tuple[bool, bool] = (False, False)


class Source:
    """A short, small clip of a source, lossless, and what is made of it."""

    def __init__(self, path, folder, *, n_frames, width, other):
        self.path, self.folder, self.n, self.width, self.other = (
            path,
            folder,
            n_frames,
            width,
            other,
        )
        self.folder.mkdir(parents=True, exist_ok=True)
        self.base = folder / "base.mkv"
        if not self.base.exists():
            size = f"scale=w='min(iw,{width})':h=-4:flags=bicubic,setsar=1"
            run(
                "-i", path, "-vf", f"{size},format=yuv420p", "-frames:v", n_frames, *FFV1, self.base
            )
        self.n, self.size, self.rate = facts(self.base)

    def make(self, name, *options, of=None, before=()):
        """A file called `name` that is made of `of`, by default of the base."""
        path = self.folder / name
        run(*before, "-i", of or self.base, *options, path)
        return path

    def case(self, distorted, frames=None, *, reference=None, **truth):
        every = list(range(self.n))
        return Case(reference or self.base, distorted, frames or (every, every), **truth)

    def picked(self, name, frames, *codec, rate=None, reference=None, **truth):
        """The frames of the base in another order, encoded at a constant rate."""
        path = self.folder / name
        width, height = self.size
        picture = width * height * 3 // 2
        raw = self.folder / "picked.yuv"
        run("-i", self.base, "-f", "rawvideo", raw)
        planes = np.fromfile(raw, np.uint8).reshape(-1, picture)
        planes[list(frames)].tofile(raw)
        geometry = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{width}x{height}"]
        run(*geometry, "-framerate", rate or self.rate, "-i", raw, *(codec or X264), path)
        raw.unlink()
        return self.case(
            path, (list(frames), list(range(len(frames)))), reference=reference, **truth
        )


def run(*arguments):
    """Run ffmpeg; its words are shown when it fails."""
    words = [str(word) for word in arguments]
    head = [str(FFMPEG), "-hide_banner", "-loglevel", "error", "-nostdin", "-y"]
    done = subprocess.run([*head, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"ffmpeg {' '.join(words)}: {done.stderr[-500:]}")


def facts(path):
    """Frames, size and frame rate of a video."""
    from tinyvmaf.media.probing import probe
    from tinyvmaf.media.video import Video

    info = probe(Video(path))
    return info.n_frames, (info.width, info.height), info.frame_rate


def even(number):
    return int(number) // 2 * 2


WAYS = {}


def way(kind, name):
    def keep(make):
        WAYS[name] = (kind, make)
        return make

    return keep


def encode(kind, name, file, *options):
    WAYS[name] = (kind, lambda s: s.case(s.make(file, *options)))


def scaled(name, file, factor, *options):
    def make(s):
        w, h = (even(side * factor) for side in s.size)
        path = s.make(file, "-vf", f"scale={w}:{h}:flags=bicubic", *options)
        back = "scale={}:{}:flags=bicubic".format(*s.size)
        return s.case(path, filters=("null", back))

    WAYS[name] = (ORDINARY, make)


encode(ORDINARY, "x264, MP4", "a.mp4", *X264)
encode(ORDINARY, "x264, 10 bit, MKV", "a.mkv", *X264, *TEN)
encode(ORDINARY, "x265, MP4", "a.mp4", *X265)
encode(ORDINARY, "x265, 10 bit, MKV", "a.mkv", *X265, *TEN)
encode(ORDINARY, "SVT-AV1, MKV", "a.mkv", *AV1)
encode(ORDINARY, "SVT-AV1, 10 bit, MP4", "a.mp4", *AV1, *TEN)
encode(ORDINARY, "VP9, WebM", "a.webm", *VP9)
encode(ORDINARY, "VP9, 10 bit, WebM", "a.webm", *VP9, *TEN, "-profile:v", "2")
encode(ORDINARY, "x264, MPEG-TS", "a.ts", *X264)
encode(ORDINARY, "x264, MOV", "a.mov", *X264)
encode(ORDINARY, "x264, fragmented MP4", "a.mp4", *X264, "-movflags", "frag_keyframe+empty_moov")
encode(ORDINARY, "x264, very coarse", "a.mp4", *X264, "-crf", "44")
encode(ORDINARY, "x265, very coarse, 10 bit", "a.mp4", *X265, *TEN, "-crf", "44")
encode(ORDINARY, "x264, sharpened", "a.mp4", "-vf", "unsharp=5:5:1.0", *X264, "-crf", "20")
encode(ORDINARY, "x264, denoised", "a.mp4", "-vf", "hqdn3d=6", *X264)
encode(ORDINARY, "starts at 2 s", "a.mp4", *X264, "-output_ts_offset", "2")
encode(ORDINARY, "flagged interlaced, is progressive", "a.mp4", *X264, "-x264-params", "tff=1")
TAG = "h264_metadata=matrix_coefficients=1:colour_primaries=1:transfer_characteristics=1"


@way(ORDINARY, "tagged BT.709")
def _tagged(s):
    # Of a reference that says nothing: two tags that differ are another matter.
    plain = "setparams=colorspace=unknown:color_primaries=unknown:color_trc=unknown"
    reference = s.make("r.mkv", "-vf", plain, *FFV1)
    return s.case(s.make("a.mp4", *X264, "-bsf:v", TAG, of=reference), reference=reference)


scaled("scaled to half, x264", "a.mp4", 0.5, *X264, "-crf", "24")
scaled("scaled to 2/3, x265, 10 bit", "a.mkv", 2 / 3, *X265, *TEN, "-crf", "24")


@way(ORDINARY, "MPEG-2, MPEG-TS")
def _mpeg2(s):
    # MPEG-2 knows few rates.
    reference = s.picked("r.mkv", range(s.n), *FFV1, rate=25).distorted
    mpeg2 = ("-c:v", "mpeg2video", "-q:v", "6")
    return s.picked("a.ts", range(s.n), *mpeg2, rate=25, reference=reference)


@way(ORDINARY, "remuxed to MKV and MPEG-TS")
def _remuxed(s):
    encoded = s.make("a.mp4", *X264)
    reference = s.make("r0.mp4", *X264, "-crf", "8")
    return s.case(
        s.make("a.ts", "-c", "copy", of=encoded),
        reference=s.make("r.mkv", "-c", "copy", of=reference),
    )


@way(ORDINARY, "encode of a stream copy cut within a group, MP4")
def _cut(s):
    whole = s.make("r0.mp4", *X264, "-crf", "10", "-g", "24")
    cut = s.make("r.mp4", "-c", "copy", of=whole, before=("-ss", f"{float(30 / s.rate):.3f}"))
    encoded = s.make("a.mp4", *X264, of=cut)
    n = shown(cut)
    return s.case(encoded, (list(range(n)), list(range(n))), reference=cut)


@way(ORDINARY, "both cut by stream copy, MP4 and MKV")
def _both_cut(s):
    every = ["-g", "24", "-x264-params", "scenecut=0"]
    at = ("-ss", f"{float(48.2 / s.rate):.3f}")
    cut, encoded = (
        s.make(name, "-c", "copy", of=s.make(f"w{name}", *X264, *every, "-crf", crf), before=at)
        for name, crf in (("r.mkv", "8"), ("a.mkv", "28"))
    )
    n = shown(cut)
    return s.case(encoded, (list(range(n)), list(range(n))), reference=cut)


@way(ORDINARY, "variable frame rate")
def _variable(s):
    uneven = f"settb=1/90000,setpts='(N+0.3*mod(N,3)+2*floor(N/20))*90000/({s.rate})'"
    reference = s.make("r.mkv", "-vf", uneven, "-fps_mode", "passthrough", *FFV1)
    # The encoder's time base has to hold these times.
    keep = ["-fps_mode", "passthrough", "-enc_time_base", "1:90000"]
    return s.case(s.make("a.mp4", *keep, *X264, of=reference), reference=reference)


@way(ORDINARY, "last frame lacks")
def _trimmed(s):
    return s.picked("a.mp4", range(s.n - 1))


@way(ORDINARY, "one frame more at the end")
def _longer(s):
    reference = s.picked("r.mkv", range(s.n - 1), *FFV1).distorted
    every = list(range(s.n - 1))
    return s.case(s.make("a.mp4", *X264), (every, every), reference=reference)


@way(ORDINARY, "ProRes reference")
def _prores(s):
    return s.case(
        s.make("a.mp4", *X264, of=(ref := s.make("r.mov", "-c:v", "prores_ks", "-profile:v", "3"))),
        reference=ref,
    )


@way(ORDINARY, "ProRes reference, x265 in 10 bit, 4:2:0")
def _prores10(s):
    reference = s.make("r.mov", "-c:v", "prores_ks", "-profile:v", "3")
    return s.case(s.make("a.mp4", *X265, *TEN, of=reference), reference=reference)


@way(ORDINARY, "4:4:4 FFV1 reference")
def _444(s):
    reference = s.make("r.mkv", "-pix_fmt", "yuv444p", *FFV1)
    return s.case(s.make("a.mp4", "-pix_fmt", "yuv420p", *X264, of=reference), reference=reference)


@way(ORDINARY, "anamorphic encode")
def _anamorphic(s):
    w, h = even(s.size[0] * 3 / 4), s.size[1]
    squeezed = f"scale={w}:{h}:flags=bicubic,setsar={s.size[0]}/{w}"
    back = "scale={}:{}:flags=bicubic".format(*s.size)
    return s.case(s.make("a.mp4", "-vf", squeezed, *X264), filters=("null", back))


@way(ORDINARY, "anamorphic pair")
def _anamorphic_pair(s):
    reference = s.make("r.mkv", "-vf", "setsar=32/27", *FFV1)
    return s.case(s.make("a.mp4", *X264, of=reference), reference=reference)


@way(ORDINARY, "turned by a display matrix")
def _turned(s):
    stored = s.make("r0.mp4", *X264, "-crf", "8")
    turned = s.make("r.mp4", "-c", "copy", of=stored, before=("-display_rotation", "90"))
    return s.case(s.make("a.mp4", *X264, of=turned), reference=turned)


@way(ORDINARY, "RGB capture as reference")
def _rgb(s):
    matrix = "scale=in_color_matrix=bt709:in_range=tv,format=gbrp"
    reference = s.make("r.mkv", "-vf", matrix, *FFV1)
    back = "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"
    tags = ["-colorspace", "bt709", "-color_range", "tv"]
    path = s.make("a.mp4", "-vf", back, *X264, *tags, of=reference)
    return s.case(path, reference=reference, filters=("bt709", "null"))


@way(ORDINARY, "full-range encode, flagged")
def _full(s):
    to = ["-vf", "scale=out_range=pc,format=yuvj420p", "-color_range", "pc"]
    return s.case(s.make("a.mp4", *to, *X264), full=(False, True))


@way(ORDINARY, "full-range reference, flagged; encode limited, flagged")
def _full_reference(s):
    to = ["-vf", "scale=out_range=pc,format=yuvj420p", "-color_range", "pc"]
    reference = s.make("r.mkv", *to, *FFV1)
    back = ["-vf", "scale=in_range=pc:out_range=tv,format=yuv420p", "-color_range", "tv"]
    path = s.make("a.mp4", *back, *X264, of=reference)
    return s.case(path, reference=reference, full=(True, False))


@way(ORDINARY, "raw reference")
def _raw(s):
    raw = s.make("r.yuv", "-f", "rawvideo")
    options = ("--size", "{}x{}".format(*s.size))
    return s.case(s.make("a.mp4", *X264), reference=raw, options=options)


@way(ORDINARY, "sequence of PNG pictures as reference")
def _pictures(s):
    matrix = "scale=in_color_matrix=bt709:in_range=tv,format=rgb24"
    reference = s.make("frame_%04d.png", "-vf", matrix, "-start_number", "1")
    back = "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"
    tags = ["-colorspace", "bt709", "-color_range", "tv"]
    before = ("-framerate", str(s.rate))
    path = s.make("a.mp4", "-vf", back, *X264, *tags, of=reference, before=before)
    return s.case(path, reference=reference, filters=("bt709", "null"))


@way(ORDINARY, "cover picture in front, two video streams")
def _cover(s):
    cover = s.make("cover.png", "-frames:v", "1")
    encoded = s.make("a0.mp4", *X264)
    path = s.folder / "a.mp4"
    maps = ["-map", "1:v", "-map", "0:v", "-map", "0:v", "-c", "copy"]
    run("-i", encoded, "-i", cover, *maps, "-disposition:v:0", "attached_pic", path)
    return s.case(path)


@way(ORDINARY, "animation on twos")
def _twos(s):
    reference = s.picked("r.mkv", [i // 2 for i in range(s.n)], *FFV1).distorted
    return s.case(s.make("a.mp4", *X264, of=reference), reference=reference)


@way(ORDINARY, "title card, then a fade")
def _title(s):
    hold = s.picked("r0.mkv", [0] * (s.n // 2) + list(range(s.n // 2)), *FFV1).distorted
    fade = f"fade=in:0:10,fade=in:{s.n // 2}:15"
    reference = s.make("r.mkv", "-vf", fade, *FFV1, of=hold)
    n = s.n // 2 * 2
    path = s.make("a.mp4", *X264, of=reference)
    return s.case(path, (list(range(n)), list(range(n))), reference=reference)


PLACES = {"start": 0.03, "first quarter": 0.25, "middle": 0.5, "last quarter": 0.75, "end": 0.96}


def places(name, make):
    for word, share in PLACES.items():
        WAYS[f"{name} at the {word}"] = (
            SPOILT,
            lambda s, share=share: make(s, max(1, round(share * (s.n - 1)))),
        )


def _swap(s, k):
    order = list(range(s.n))
    order[k], order[k - 1] = order[k - 1], order[k]
    return s.picked("a.mp4", order)


places("frame dropped", lambda s, k: s.picked("a.mp4", [i for i in range(s.n) if i != k]))


def _double(s, k):
    # The second of the two equal frames has no partner.
    case = s.picked("a.mp4", sorted([*range(s.n), k]))
    return s.case(case.distorted, (list(range(s.n)), [*range(k + 1), *range(k + 2, s.n + 1)]))


places("frame doubled", _double)
places("frames swapped", _swap)


@way(SPOILT, "frame dropped in the middle, last one doubled")
def _drop_double(s):
    order = [i for i in range(s.n) if i != s.n // 2]
    path = s.picked("a.mp4", [*order, s.n - 1]).distorted
    return s.case(path, (order, list(range(s.n - 1))))


def shifted(n):
    def make(s):
        # Long shifts need more frames: there and back, then the same slowly.
        there, slow = list(range(s.n)), [i // 2 for i in range(2 * s.n)]
        order = [*there, *reversed(there), *slow, *reversed(slow)]
        length = s.n if n < s.n // 3 else n + 50
        reference = s.picked("r.mkv", order[:length], *FFV1).distorted
        path = s.picked("a.mp4", order[n : n + length]).distorted
        frames = list(range(n, length)), list(range(length - n))
        return s.case(path, frames, reference=reference)

    WAYS[f"shifted by {n} frame{'s' * (n > 1)}"] = (SPOILT, make)


for _n in (1, 2, 5, 15, 60, 120):
    shifted(_n)


@way(SPOILT, "first frames cut off, fewer frames")
def _late(s):
    return s.picked("a.mp4", range(7, s.n))


@way(SPOILT, "an excerpt")
def _excerpt(s):
    return s.picked("a.mp4", range(s.n // 3, 2 * s.n // 3))


def rates(name, ours, theirs, frames):
    def make(s):
        reference = s.picked("r.mkv", range(s.n), *FFV1, rate=ours).distorted
        order = frames(s.n)
        return s.picked("a.mp4", order, rate=theirs, reference=reference)

    WAYS[name] = (SPOILT, make)


rates("60 to 30 fps", 60, 30, lambda n: range(0, n, 2))
rates("50 to 25 fps", 50, 25, lambda n: range(0, n, 2))
rates("24 to 25 fps, sped up", 24, 25, range)
rates("30 to 25 fps", 30, 25, lambda n: [i * 6 // 5 for i in range(n * 5 // 6)])


@way(SPOILT, "30 to 60 fps")
def _twice(s):
    reference = s.picked("r.mkv", range(s.n), *FFV1, rate=30).distorted
    path = s.picked("a.mp4", [i // 2 for i in range(2 * s.n)], rate=60).distorted
    frames = list(range(s.n)), list(range(0, 2 * s.n, 2))
    return s.case(path, frames, reference=reference)


@way(SPOILT, "24 to 25 fps, one doubled a second")
def _doubled_often(s):
    reference = s.picked("r.mkv", range(s.n), *FFV1, rate=24).distorted
    order = [i * 24 // 25 for i in range(s.n)]
    path = s.picked("a.mp4", order, rate=25).distorted
    # The second of two equal frames has no partner.
    kept = [i for i in range(s.n) if i == 0 or order[i] != order[i - 1]]
    return s.case(path, ([order[i] for i in kept], kept), reference=reference)


@way(SPOILT, "telecine")
def _telecine(s):
    path = s.make("a.mp4", "-vf", "telecine", *X264)
    return Case(s.base, path, None)


@way(SPOILT, "interlaced")
def _interlaced(s):
    path = s.make("a.mp4", "-vf", "tinterlace=interleave_top", *X264, "-flags", "+ildct+ilme")
    # Where nothing moves no combs can be seen, and the pictures are progressive.
    n = s.n // 2
    return s.case(path, (list(range(0, 2 * n, 2)), list(range(n))))


@way(SPOILT, "sped up by 0.1 %")
def _faster(s):
    return s.case(s.make("a.mp4", "-vf", "setpts=PTS/1.001", "-fps_mode", "passthrough", *X264))


@way(SPOILT, "cropped, scaled back")
def _cropped_scaled(s):
    w, h = s.size
    crop = f"crop={even(w * 0.9)}:{even(h * 0.9)},scale={w}:{h}:flags=bicubic"
    return Case(s.base, s.make("a.mp4", "-vf", crop, *X264), None)


@way(SPOILT, "black bars, cut off in the encode")
def _bars(s):
    w, h = s.size
    bar = even(h * 0.12)
    pad = f"pad={w}:{h + 2 * bar}:0:{bar}"
    reference = s.make("r.mkv", "-vf", pad, *FFV1)
    crop = f"crop={w}:{h}:0:{bar}"
    return s.case(s.make("a.mp4", *X264), reference=reference, filters=(crop, "null"))


@way(SPOILT, "black bars at the sides, cut off and scaled")
def _pillars(s):
    w, h = s.size
    bar = even(w * 0.125)
    reference = s.make("r.mkv", "-vf", f"pad={w + 2 * bar}:{h}:{bar}:0", *FFV1)
    small = f"scale={even(w * 0.75)}:{even(h * 0.75)}:flags=bicubic"
    path = s.make("a.mp4", "-vf", small, *X264)
    crop = f"crop={w}:{h}:{bar}:0"
    filters = (crop, f"scale={w}:{h}:flags=bicubic")
    return s.case(path, reference=reference, filters=filters)


@way(SPOILT, "black bars added in the encode")
def _padded(s):
    w, h = s.size
    bar = even(h * 0.12)
    path = s.make("a.mp4", "-vf", f"pad={w}:{h + 2 * bar}:0:{bar}", *X264)
    return s.case(path, filters=("null", f"crop={w}:{h}:0:{bar}"))


@way(SPOILT, "stretched to another shape")
def _stretched(s):
    w, h = s.size
    path = s.make("a.mp4", "-vf", f"scale={even(w * 0.75)}:{h}:flags=bicubic,setsar=1", *X264)
    return s.case(path, filters=("null", f"scale={w}:{h}:flags=bicubic"))


@way(SPOILT, "other content")
def _other(s):
    scale = f"scale={s.size[0]}:{s.size[1]},setsar=1,fps={s.rate}"
    path = s.make("a.mp4", "-vf", scale, "-frames:v", s.n, *X264, of=s.other)
    return Case(s.base, path, None)


@way(SPOILT, "mirrored")
def _mirrored(s):
    return s.case(s.make("a.mp4", "-vf", "hflip", *X264), filters=("null", "hflip"))


@way(SPOILT, "backwards")
def _backwards(s):
    return s.picked("a.mp4", list(reversed(range(s.n))))


@way(SPOILT, "other cut: a scene lacks")
def _other_cut(s):
    return s.picked("a.mp4", [*range(s.n // 3), *range(s.n // 2, s.n)])


@way(SPOILT, "other cut: as long, other scene")
def _other_scene(s):
    third = s.n // 3
    rate = (
        f"fps={s.rate},scale={s.size[0]}:{s.size[1]},setsar=1,format=yuv420p,trim=end_frame={third}"
    )
    parts = f"[0:v]trim=end_frame={third}[a];[1:v]{rate},loop=-1:{third},trim=end_frame={third}[b];"
    parts += f"[0:v]trim=start_frame={2 * third},setpts=PTS-STARTPTS[c]"
    path = s.folder / "a.mp4"
    joined = ["-filter_complex", f"{parts};[a][b][c]concat=n=3"]
    run("-i", s.base, "-i", s.other, *joined, "-r", s.rate, *X264, path)
    return Case(s.base, path, None)


def frozen(name, first, last):
    def make(s):
        start, stop = round(first * s.n), round(last * s.n)
        order = [*range(start), *([start] * (stop - start)), *range(stop, s.n)]
        # What a viewer sees beside the reference; only who accepts it gets a number.
        return s.case(s.picked("a.mp4", order).distorted)

    WAYS[name] = (SPOILT, make)


frozen("frozen picture for a third", 1 / 3, 2 / 3)
frozen("frozen picture to the end", 0.7, 1)


@way(SPOILT, "damaged in the middle")
def _damaged(s):
    path = s.make("a.ts", *X264)
    content = bytearray(path.read_bytes())
    # Packets that hold nothing but video: others are partly stuffing.
    full = [
        start
        for start in range(0, len(content), 188)
        if content[start + 1] & 0x1F == 1
        and content[start + 2] == 0
        and content[start + 3] >> 4 == 1
    ]
    for start in full[len(full) // 2 :][:6]:
        content[start + 60 : start + 120] = bytes(60)
    path.write_bytes(bytes(content))
    return Case(s.base, path, None)


@way(SPOILT, "range stretched without a flag")
def _range_full(s):
    mix = ["-vf", "scale=in_range=tv:out_range=pc,setparams=range=tv,format=yuv420p"]
    return s.case(s.make("a.mp4", *mix, *X264), full=(False, True))


@way(SPOILT, "range squeezed without a flag")
def _range_limited(s):
    mix = ["-vf", "scale=in_range=pc:out_range=tv,setparams=range=tv,format=yuv420p"]
    return s.case(s.make("a.mp4", *mix, *X264), full=(True, False))


@way(SPOILT, "swapped arguments")
def _swapped(s):
    return Case(s.make("a.mp4", *X264, "-crf", "36"), s.base, None)


@way(SPOILT, "size changes in the middle")
def _resized(s):
    w, h = s.size
    half, parts = s.n // 2, []
    for name, trim, scale in (
        ("p0.ts", f"trim=end_frame={half}", "null"),
        (
            "p1.ts",
            f"trim=start_frame={half},setpts=PTS-STARTPTS",
            f"scale={w // 4 * 2}:{h // 4 * 2}",
        ),
    ):
        offset = 0 if name == "p0.ts" else float(half / s.rate)
        muxing = ["-output_ts_offset", offset, "-muxdelay", "0"]
        parts.append(s.make(name, "-vf", f"{trim},{scale}", *X264, "-bf", "0", *muxing))
    path = s.folder / "a.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return Case(s.base, path, None)


def shown(path):
    """Frames that ffmpeg shows of a file."""
    command = [str(FFMPEG), "-i", str(path), "-fps_mode", "passthrough", "-f", "framehash", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return sum(line[:1].isdigit() for line in done.stdout.splitlines())
