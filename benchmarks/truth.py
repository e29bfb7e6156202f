# SPDX-License-Identifier: Apache-2.0
"""Odd but valid pairs, each scored in three ways and compared to the score of its decoded planes.

Every pair is made with ffmpeg from an installed clip. The truth: both videos decoded to raw planes,
the planes scored by libvmaf alone. `score --mode exact`, `score --mode sampled` (each of its exact
frames) and `extract` must give the same numbers to the last digit, or refuse the pair.

    python benchmarks/truth.py FOLDER [WORD ...]

Resumable: what FOLDER holds is not made or scored again. With words, only pairs whose name has one
of them. Writes `docs/results/benchmarks/truth.json` and prints a Markdown table when all are done.
"""

import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import av

from tinyvmaf.corpus.pair import Pair
from tinyvmaf.corpus.sample import installed_clips
from tinyvmaf.errors import TinyVmafError, ToolFailed
from tinyvmaf.features.cache import open_cache
from tinyvmaf.features.cached_scores import PairScorer
from tinyvmaf.files import working_folder
from tinyvmaf.libvmaf.engine import FfmpegEngine
from tinyvmaf.libvmaf.logs import read_log
from tinyvmaf.libvmaf.teacher import Teacher
from tinyvmaf.media.ffmpeg import find_ffmpeg, run_ffmpeg
from tinyvmaf.media.video import Video
from tinyvmaf.provenance import versions
from tinyvmaf.scoring.score import score

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "docs" / "results" / "benchmarks" / "truth.json"
N_FRAMES = 24
FULL = 2
TEACHER = Teacher("vmaf_v0.6.1")
# The four formats of planes that the truth is taken in; a pair that needs a conversion has none.
PLAIN = {f"yuv{s}p{d}" for s in ("420", "422", "444") for d in ("", "10le", "12le")}

X264 = ("-c:v", "libx264", "-preset", "veryfast")
X265 = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none")
VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "0")
AV1 = ("-c:v", "libsvtav1", "-preset", "11")
FFV1 = ("-c:v", "ffv1")


@dataclass(frozen=True)
class Case:
    """A pair: how its two files are made, and the words with which it may be scored."""

    name: str
    group: str
    reference: tuple[str, ...]
    distorted: tuple[str, ...]
    suffixes: tuple[str, str] = (".mkv", ".mp4")
    copies: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    copied_suffixes: tuple[str, str] = ("", "")
    size: str = "320x180"
    source: str = "bikes"
    allow: tuple[str, ...] = field(default=())


def h264_tags(primaries, transfer, matrix, full):
    words = {
        "colour_primaries": primaries,
        "transfer_characteristics": transfer,
        "matrix_coefficients": matrix,
        "video_full_range_flag": full,
    }
    return (
        "-c",
        "copy",
        "-bsf:v",
        "h264_metadata=" + ":".join(f"{k}={v}" for k, v in words.items()),
    )


TAGS = {
    "none": (),
    "bt709": (1, 1, 1, 0),
    "bt601": (6, 6, 6, 0),
    "bt470bg": (5, 5, 5, 0),
    "bt2020": (9, 14, 9, 0),
    "primaries": (9, 2, 2, 0),
    "srgb": (1, 13, 1, 0),
    "full": (1, 1, 1, 1),
}


def cases():
    low = (*X264, "-crf", "36")
    high = (*X264, "-crf", "8")
    # 8 x 8 combinations of tags, less those that are refused for their range alone.
    for ours, theirs in product(TAGS, TAGS):
        if (ours == "full") != (theirs == "full"):
            continue
        copies = tuple(h264_tags(*TAGS[n]) if TAGS[n] else () for n in (ours, theirs))
        yield Case(
            f"tags {ours} {theirs}",
            "colour tags",
            high,
            low,
            (".ts", ".ts"),
            copies,
            allow=("color-matrix",),
        )
    codecs = {
        "x264 mp4": (low, ".mp4"),
        "x264 mkv b-frames": ((*low, "-bf", "4"), ".mkv"),
        "x264 ts": (low, ".ts"),
        "x264 mov": (low, ".mov"),
        "x264 flv": (low, ".flv"),
        "x264 open groups": (
            (*low, "-x264-params", "keyint=8:open-gop=1:bframes=3:scenecut=0"),
            ".mp4",
        ),
        "x264 intra refresh": ((*low, "-x264-params", "intra-refresh=1:keyint=8"), ".mkv"),
        "x264 slices": ((*low, "-slices", "4"), ".mkv"),
        "x265 mp4": ((*X265, "-crf", "36"), ".mp4"),
        "x265 mkv": ((*X265, "-crf", "36"), ".mkv"),
        "x265 ts": ((*X265, "-crf", "36"), ".ts"),
        "vp9 webm": ((*VP9, "-crf", "55"), ".webm"),
        "vp9 alternate frames": (
            ("-c:v", "libvpx-vp9", "-b:v", "120k", "-auto-alt-ref", "1", "-lag-in-frames", "16"),
            ".webm",
        ),
        "vp8 webm": (("-c:v", "libvpx", "-b:v", "150k"), ".webm"),
        "av1 mp4": ((*AV1, "-crf", "55"), ".mp4"),
        "av1 mkv film grain": ((*AV1, "-crf", "50", "-svtav1-params", "film-grain=10"), ".mkv"),
        "mpeg4 avi": (("-c:v", "mpeg4", "-q:v", "18", "-bf", "2"), ".avi"),
        "mpeg4 mp4": (("-c:v", "mpeg4", "-q:v", "18"), ".mp4"),
        "mpeg2 ts": (("-c:v", "mpeg2video", "-q:v", "18", "-bf", "2"), ".ts"),
        "mpeg2 program": (("-c:v", "mpeg2video", "-q:v", "18"), ".mpg"),
        "mpeg1": (("-c:v", "mpeg1video", "-q:v", "18"), ".mpg"),
        "h263": (("-c:v", "h263", "-q:v", "18", "-vf", "scale=352:288"), ".avi"),
        "mjpeg avi": (("-c:v", "mjpeg", "-q:v", "20", "-pix_fmt", "yuvj420p"), ".avi"),
        "mjpeg mov": (("-c:v", "mjpeg", "-q:v", "20", "-pix_fmt", "yuvj420p"), ".mov"),
        "ffv1": ((*FFV1, "-vf", "gblur=2"), ".mkv"),
        "huffyuv": (("-c:v", "ffvhuff", "-vf", "gblur=2"), ".avi"),
        "y4m": (("-vf", "gblur=2"), ".y4m"),
        "rawvideo nut": (("-c:v", "rawvideo", "-vf", "gblur=2"), ".nut"),
        "rawvideo avi": (("-c:v", "rawvideo", "-vf", "gblur=2"), ".avi"),
        "theora": (("-c:v", "libtheora", "-q:v", "2"), ".ogv"),
    }
    for name, (arguments, suffix) in codecs.items():
        size = "352x288" if name == "h263" else "320x180"
        yield Case(name, "codecs and containers", FFV1, arguments, (".mkv", suffix), size=size)
    formats = [f"yuv{s}p{d}" for s in ("420", "422", "444") for d in ("", "10le", "12le")]
    for pix_fmt in formats:
        same = ("-pix_fmt", pix_fmt)
        coded = (*FFV1, *same) if "12" in pix_fmt else (*X264, "-crf", "36", *same)
        blurred = ("-vf", "gblur=1.5") if "12" in pix_fmt else ()
        yield Case(pix_fmt, "formats", (*FFV1, *same), (*coded, *blurred), (".mkv", ".mkv"))
    for pix_fmt in ("gray", "gbrp", "nv12", "yuv411p", "yuva420p"):
        same = ("-pix_fmt", pix_fmt)
        codec = ("-c:v", "rawvideo") if pix_fmt in {"nv12", "yuv411p"} else FFV1
        suffix = ".nut" if codec != FFV1 else ".mkv"
        yield Case(
            pix_fmt,
            "formats",
            (*codec, *same),
            (*codec, *same, "-vf", "gblur=1.5"),
            (suffix, suffix),
        )
    for size in ("321x181", "98x66", "256x144", "322x182", "270x480", "64x64"):
        yield Case(
            f"size {size}",
            "sizes",
            FFV1,
            low if size != "321x181" else (*FFV1, "-vf", "gblur=2"),
            (".mkv", ".mkv"),
            size=size,
        )
    turns = {
        "90": ("-display_rotation", "90"),
        "180": ("-display_rotation", "180"),
        "270": ("-display_rotation", "270"),
        "mirror": ("-display_hflip",),
        "90 mirror": ("-display_rotation", "90", "-display_hflip"),
    }
    for name, turn in turns.items():
        copy = (*turn, "-c", "copy")
        yield Case(
            f"both turned {name}", "display matrix", high, low, (".mp4", ".mp4"), (copy, copy)
        )
    yield Case(
        "edit list",
        "edit lists and covers",
        high,
        low,
        (".mp4", ".mp4"),
        (("-ss", "0.2", "-c", "copy"), ("-ss", "0.2", "-c", "copy")),
    )
    yield Case(
        "negative times",
        "edit lists and covers",
        high,
        (*low, "-bf", "3"),
        (".mp4", ".mp4"),
        ((), ("-c", "copy", "-use_editlist", "0")),
    )
    yield Case(
        "late start",
        "edit lists and covers",
        high,
        low,
        (".mkv", ".mkv"),
        (("-itsoffset", "3", "-c", "copy"), ("-itsoffset", "3", "-c", "copy")),
    )
    yield Case(
        "cover",
        "edit lists and covers",
        high,
        low,
        (".mp4", ".mp4"),
        (("COVER", "-c", "copy"), ("COVER", "-c", "copy")),
    )
    yield Case(
        "sound first",
        "edit lists and covers",
        high,
        low,
        (".mkv", ".mkv"),
        (("SOUND", "-c:v", "copy"), ("SOUND", "-c:v", "copy")),
    )
    yield Case(
        "cut open groups",
        "edit lists and covers",
        (*X264, "-crf", "8", "-x264-params", "keyint=8:open-gop=1:bframes=3:scenecut=0"),
        (*low, "-x264-params", "keyint=8:open-gop=1:bframes=3:scenecut=0"),
        (".ts", ".ts"),
        (("-ss", "0.4", "-c", "copy"), ("-ss", "0.4", "-c", "copy")),
        (".ts", ".ts"),
    )
    for fps in ("24000/1001", "30000/1001", "50", "60"):
        rate = ("-r", fps)
        yield Case(f"rate {fps}", "rates", (*FFV1, *rate), (*low, *rate))
    yield Case("carphone", "other clips", FFV1, low, source="carphone_pristine")
    yield Case("cartoon", "other clips", FFV1, low, source="bigbuckbunny")


class Bench:
    """Makes and scores pairs in a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.ffmpeg = find_ffmpeg().path
        self.clips = {path.stem: path for path in installed_clips()}

    def ff(self, *arguments):
        run_ffmpeg(self.ffmpeg, [*map(str, arguments)])

    def source(self, case):
        made = self.folder / f"{case.source}_{case.size}.mkv"
        if not made.exists():
            aside = made.with_suffix(".part.mkv")
            scale = f"scale={case.size.replace('x', ':')}:flags=bicubic,setsar=1"
            cut = ("-frames:v", N_FRAMES, "-an", "-pix_fmt", "yuv444p12le", "-vf", scale)
            bare = ("-fflags", "+bitexact", "-bsf:v", "null")
            self.ff("-i", self.clips[case.source], *cut, *bare, "-c:v", "ffv1", "-y", aside)
            aside.rename(made)
        return made

    def file(self, case, side):
        arguments = (case.reference, case.distorted)[side]
        suffix, copy = case.suffixes[side], case.copies[side]
        stem = f"{case.name}_{('reference', 'distorted')[side]}".replace(" ", "_").replace("/", "_")
        made = self.folder / "pairs" / f"{stem}{suffix}"
        if made.exists():
            return made
        made.parent.mkdir(exist_ok=True)
        plain = self.folder / f"coded{suffix}"
        if "-pix_fmt" not in arguments:
            arguments = (*arguments, "-pix_fmt", "yuv420p")
        self.ff("-i", self.source(case), *arguments, "-y", plain)
        if copy:
            aside = self.folder / f"copied{suffix}"
            before = list(copy[: copy.index("-c") if "-c" in copy else 0])
            if copy[0] == "COVER":
                cover = self.folder / "cover.png"
                self.ff("-f", "lavfi", "-i", "color=red:s=64x64", "-frames:v", "1", "-y", cover)
                self.ff(
                    "-i",
                    cover,
                    "-i",
                    plain,
                    "-map",
                    "0",
                    "-map",
                    "1",
                    "-c",
                    "copy",
                    "-disposition:v:0",
                    "attached_pic",
                    "-y",
                    aside,
                )
            elif copy[0] == "SOUND":
                self.ff(
                    "-f",
                    "lavfi",
                    "-i",
                    "sine=d=1",
                    "-i",
                    plain,
                    "-map",
                    "0",
                    "-map",
                    "1",
                    "-c:a",
                    "mp2",
                    "-c:v",
                    "copy",
                    "-y",
                    aside,
                )
            else:
                self.ff(*before, "-i", plain, *copy[len(before) :], "-y", aside)
            plain = aside
        plain.rename(made)
        return made

    def truth(self, reference, distorted):
        """The scores of the decoded planes; None where they would have to be converted."""
        formats = []
        with working_folder() as folder:
            for name, path in (("reference", reference), ("distorted", distorted)):
                with av.open(str(path)) as container:
                    cover = av.stream.Disposition.attached_pic
                    stream = next(s for s in container.streams.video if not s.disposition & cover)
                    codec = stream.codec_context
                    is_full = codec.pix_fmt.startswith("yuvj") or int(codec.color_range) == FULL
                    pix_fmt = codec.pix_fmt.replace("yuvj", "yuv")
                raw = folder / f"{name}.yuv"
                # Turned as a player does; without -pix_fmt nothing is converted.
                said = (
                    "-loglevel",
                    "info",
                    "-i",
                    path,
                    "-map",
                    "0:V:0",
                    "-fps_mode",
                    "passthrough",
                )
                self.ff(*said, "-f", "rawvideo", "-y", raw)
                size = self.size(path, folder)
                formats.append((pix_fmt, size, is_full))
            if formats[0] != formats[1] or formats[0][0] not in PLAIN:
                return None
            pix_fmt, size, _ = formats[0]
            raw = ("-f", "rawvideo", "-pixel_format", pix_fmt, "-video_size", size)
            inputs = [(*raw, "-i", folder / f"{name}.yuv") for name in ("distorted", "reference")]
            log = folder / "log.csv"
            graph = f"[0:v][1:v]libvmaf=log_fmt=csv:log_path={log}:shortest=1"
            self.ff(*inputs[0], *inputs[1], "-filter_complex", graph, "-f", "null", "-")
            return read_log(log)["vmaf"].tolist()

    def size(self, path, folder):
        """Width and height of the decoded pictures, as shown."""
        picture = folder / "first.y4m"
        self.ff(
            "-i",
            path,
            "-map",
            "0:V:0",
            "-frames:v",
            "1",
            "-pix_fmt",
            "yuv444p",
            "-strict",
            "-1",
            "-y",
            picture,
        )
        with picture.open("rb") as file:
            words = file.readline().decode().split()
        return f"{words[1][1:]}x{words[2][1:]}"

    def run(self, case):
        reference, distorted = (self.file(case, side) for side in (0, 1))
        truth = self.truth(reference, distorted)
        found = {"name": case.name, "group": case.group, "truth": truth is not None}
        if truth is not None:
            found["vmaf"] = sum(truth) / len(truth)
            found["n_frames"] = len(truth)
        for way in ("exact", "sampled", "extract"):
            try:
                found[way] = self.compare(way, case, reference, distorted, truth)
            except TinyVmafError as error:
                kind = "failed" if isinstance(error, ToolFailed) else "refused"
                found[way] = f"{kind}: {str(error).replace(str(self.folder), '')}"
        return found

    def compare(self, way, case, reference, distorted, truth):
        allow = list(case.allow)
        if way == "extract":
            with working_folder() as cache:
                scorer = PairScorer(
                    engine=FfmpegEngine(find_ffmpeg()),
                    teacher=TEACHER,
                    cache=open_cache(cache),
                    allowed=frozenset(allow),
                )
                pair = Pair.of_files(reference=Video(reference), distorted=Video(distorted))
                (scored,) = scorer.score([pair], on_frame=lambda _: None)
                values = [v for part in scored.log.parts() for v in part["vmaf"].tolist()]
                pairs = dict(enumerate(values))
        elif way == "exact":
            scores = score(
                reference=reference, distorted=distorted, mode="exact", allow=allow
            ).frame_scores
            pairs = dict(enumerate(scores.tolist()))
        else:
            done = score(
                reference=reference,
                distorted=distorted,
                mode="sampled",
                exact_frames=8,
                allow=allow,
            )
            pairs = dict(done.sampling.exact) if done.sampling else {}
            if not pairs:
                pairs = dict(enumerate(done.frame_scores.tolist()))
        if truth is None:
            return "scored (converted, no truth)"
        if way != "sampled" and len(pairs) != len(truth):
            return f"WRONG: {len(pairs)} frames instead of {len(truth)}"
        worst = max(abs(value - truth[frame]) for frame, value in pairs.items())
        return "equal" if worst == 0 else f"WRONG by {worst:.6f}"


def main():
    folder = Path(sys.argv[1]).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    bench, results = Bench(folder), folder / "results.jsonl"
    known = {}
    if results.exists():
        known = {row["name"]: row for row in map(json.loads, results.read_text().splitlines())}
    words = sys.argv[2:]
    for case in cases():
        if case.name in known or (words and not any(word in case.name for word in words)):
            continue
        started = time.perf_counter()
        try:
            found = bench.run(case)
        except TinyVmafError as error:
            print(f"{case.name}: cannot be made: {error}", file=sys.stderr)
            continue
        known[case.name] = found
        with results.open("a") as file:
            print(json.dumps(found), file=file)
        seconds = time.perf_counter() - started
        ways = [found[way] for way in ("exact", "sampled", "extract")]
        print(f"{case.name}: {' | '.join(ways)} ({seconds:.1f} s)", file=sys.stderr, flush=True)
    if words:
        return
    rows = list(known.values())
    print(table(rows))
    n_wrong = sum(row[way].startswith("WRONG") for row in rows for way in WAYS)
    record = {
        "name": "truth",
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "versions": {**versions("numpy"), **FfmpegEngine(find_ffmpeg()).versions},
        "n_pairs": len(rows),
        "n_wrong": n_wrong,
        "printed": table(rows),
        "pairs": rows,
    }
    RESULT.write_text(json.dumps(record, indent=1) + "\n")
    sys.exit(1 if n_wrong else 0)


WAYS = ("exact", "sampled", "extract")


def table(rows):
    lines = [
        "| group | pairs | equal in all three | converted, no truth | refused | wrong |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    groups = dict.fromkeys(row["group"] for row in rows)
    for group in [*groups, None]:
        chosen = [row for row in rows if group in {None, row["group"]}]
        count = Counter(verdict(row) for row in chosen)
        cells = [count[kind] for kind in ("equal", "converted", "refused", "wrong")]
        lines.append(f"| {group or 'all'} | {len(chosen)} | {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def verdict(row):
    said = [row[way] for way in WAYS]
    if any(words.startswith("WRONG") for words in said):
        return "wrong"
    if all(words == "equal" for words in said):
        return "equal"
    if any(words.startswith(("refused", "failed")) for words in said):
        return "refused"
    return "converted"


if __name__ == "__main__":
    main()
