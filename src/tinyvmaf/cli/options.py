# SPDX-License-Identifier: Apache-2.0
"""Options and arguments that several verbs share, written once."""

import re
from pathlib import Path
from typing import Annotated

import typer

from tinyvmaf.errors import UsageError
from tinyvmaf.media.video import RawFormat
from tinyvmaf.pairs.finding import Allowance

Root = Annotated[
    Path,
    typer.Argument(
        envvar="VMAF_DATA_ROOT",
        help="Corpus: a folder with corpus.csv, or with ref/ and dis/ (Netflix layout).",
    ),
]
Size = Annotated[
    str | None, typer.Option("--size", metavar="WxH", help="Size of raw YUV, such as 1920x1080.")
]
PixFmt = Annotated[
    str | None,
    typer.Option("--pix-fmt", help="Pixel format of raw YUV, such as yuv420p10le.  [yuv420p]"),
]
Teacher = Annotated[
    str, typer.Option(help="libvmaf model that labels the frames: a built-in name or a JSON file.")
]
Features = Annotated[
    str | None,
    typer.Option(
        help="Feature sets, separated by commas: canonical6, half, quarter, signal, ssim; or all.  "
        "[canonical6; all for a teacher that reads others]"
    ),
]
EngineName = Annotated[
    str | None,
    typer.Option("--engine", help="ffmpeg, or vmaf (libvmaf's own program, VMAF_BIN).  [ffmpeg]"),
]
FfmpegPath = Annotated[
    Path | None,
    typer.Option("--ffmpeg", help="The ffmpeg to use.  [TINYVMAF_FFMPEG, bundled, PATH]"),
]
Jobs = Annotated[int | None, typer.Option(help="Programs at once.  [all cores]")]
Cluster = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS|local:N",
        help="Do the work on a Dask cluster: tcp://HOST:PORT, or N processes of this machine.",
    ),
]
Allow = Annotated[
    list[Allowance] | None,
    typer.Option(help="Accept this difference between reference and distorted; repeatable."),
]
Timeout = Annotated[
    float, typer.Option(help="Stop a clip after this many seconds without a new frame.")
]
FeatureOrder = Annotated[
    str | None,
    typer.Option(
        "--features",
        metavar="A,B,...",
        help="Order of the inputs, for a file that does not record it.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def feature_order(names: str | None) -> list[str] | None:
    """The names that `--features` gives, None if it is not given."""
    return None if names is None else [name.strip() for name in names.split(",")]


def raw_format(size: str | None, pix_fmt: str | None) -> RawFormat | None:
    """The geometry that `--size` and `--pix-fmt` say, None if neither is given.

    Raises:
        UsageError: the size is not WxH, or the pixel format is unknown.
    """
    if size is None and pix_fmt is None:
        return None
    sides = re.fullmatch(r"(\d{1,6})x(\d{1,6})", (size or "1920x1080").lower())
    if sides is None:
        raise UsageError(f"--size {size}: expected WIDTHxHEIGHT, such as 1920x1080")
    return RawFormat(int(sides[1]), int(sides[2]), pix_fmt or "yuv420p")
