# SPDX-License-Identifier: Apache-2.0
"""Finding an ffmpeg that has libvmaf, and running it with parsed progress.

The order of the search: the path given, `TINYVMAF_FFMPEG`, the `imageio-ffmpeg` wheel, PATH. The
first that exists is used: if it does not work, that is an error, and no other is tried.
"""

import json
import os
import platform
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tinyvmaf.errors import ToolFailed, ToolLacksFeature, ToolNotFound
from tinyvmaf.files import working_folder
from tinyvmaf.media.diagnostics import VERBOSE, Diagnostics
from tinyvmaf.process.programs import run

ENVIRONMENT_VARIABLE = "TINYVMAF_FFMPEG"

# A program that does not print its version within this time is not ffmpeg.
_ANSWER_S = 20.0

MODEL_FILE = "teacher.json"
"""Name of a model's file in the folder that ffmpeg runs in."""

QUIET = ("-hide_banner", "-nostdin", "-loglevel")
PROGRESS = ("-progress", "pipe:1", "-nostats", "-stats_period", "0.5")


@dataclass(frozen=True, slots=True)
class Ffmpeg:
    """An ffmpeg binary that has computed VMAF once.

    Attributes:
        path: Absolute path of the binary.
        version: As it names itself, for example `9.0.2`.
        libvmaf: The version of the libvmaf inside, as its log names it.
    """

    path: Path
    version: str
    libvmaf: str

    def __reduce__(self) -> tuple[object, ...]:
        """Another process, maybe on another machine, has to find the same ffmpeg there."""
        return _find_same, (self.path, self.version, self.libvmaf)


def _find_same(path: Path, version: str, libvmaf: str) -> Ffmpeg:
    found = find_ffmpeg(path if path.is_file() else None)
    if (found.version, found.libvmaf) != (version, libvmaf):
        raise ToolLacksFeature(
            f"{platform.node()} has ffmpeg {found.version} with libvmaf {found.libvmaf} at "
            f"{found.path}, expected ffmpeg {version} with libvmaf {libvmaf}; install the same "
            f"imageio-ffmpeg on every worker, or name the same build with {ENVIRONMENT_VARIABLE}"
        )
    return found


def find_ffmpeg(path: Path | None = None) -> Ffmpeg:
    """Find ffmpeg and prove that its libvmaf works by scoring one generated frame.

    Raises:
        ToolNotFound: there is none, or what was named is not a program.
        ToolLacksFeature: it was built without libvmaf.
    """
    return _inspect(ffmpeg_path(path))


def ffmpeg_path(path: Path | None = None) -> Path:
    """Path of ffmpeg, found without running it.

    Raises:
        ToolNotFound: nothing was found, or what was named is not a program.
    """
    named = path or os.environ.get(ENVIRONMENT_VARIABLE)
    if named:
        origin = "`ffmpeg`" if path else ENVIRONMENT_VARIABLE
        # A path drops the `./` in front; a bare name is a program on PATH or a file right here.
        found = shutil.which(str(named)) or shutil.which(Path(named).absolute())
        if found is None:
            raise ToolNotFound(f"{origin} names {named}, which is not an executable program")
        return Path(found).absolute()
    found = _bundled() or shutil.which("ffmpeg")
    if found is None:
        raise ToolNotFound(
            "no ffmpeg found: tried `ffmpeg`, "
            f"{ENVIRONMENT_VARIABLE}, the imageio-ffmpeg package and PATH; "
            "`pip install imageio-ffmpeg` installs one with libvmaf"
        )
    # Not resolved: programs such as snap's launcher tell by the link's name what they are.
    return Path(found).absolute()


def run_ffmpeg(
    path: Path,
    arguments: Sequence[str],
    *,
    cwd: Path | None = None,
    on_frame: Callable[[int], None] | None = None,
    stall_s: float | None = None,
    diagnostics: Diagnostics | None = None,
) -> str:
    """Run ffmpeg and return the errors that it reported.

    Args:
        path: The program.
        arguments: Its arguments.
        cwd: The folder that it runs in.
        on_frame: Gets the number of frames written so far.
        stall_s: It stalls when it has made no new frame for so long, however much it talks.
        diagnostics: Hears all that it says.

    Raises:
        ToolFailed: its exit status is not 0, or it stalled.
    """
    newest = ""

    def is_news(line: str) -> bool:
        # Speed and rate change all the time, even when nothing comes any more.
        nonlocal newest
        if not line.startswith("frame=") or line == newest:
            return False
        newest = line
        return True

    def parse(line: str) -> None:
        key, _, value = line.partition("=")
        if key == "frame" and on_frame is not None and value.strip().isdigit():
            on_frame(int(value))

    level = VERBOSE if diagnostics is not None else "error"
    return run(
        [str(path), *QUIET, level, *PROGRESS, *arguments],
        cwd=cwd,
        on_line=parse,
        stall_s=stall_s,
        is_news=is_news,
        hear=diagnostics.hear if diagnostics is not None else None,
    )


def generated_frame_log(
    path: Path, *, model: str = "version=vmaf_v0.6.1", model_file: Path | None = None
) -> dict[str, Any]:
    """The log of libvmaf for one generated frame against itself: proof that a model works.

    Args:
        path: The ffmpeg binary.
        model: Value of the filter's option `model`.
        model_file: A model that the option names as `path=` `MODEL_FILE`.

    Raises:
        ToolFailed: ffmpeg does not run, has no libvmaf, or libvmaf does not know the model.
    """
    graph = (
        "color=s=640x360:r=25,split[a][b];"
        f"[a][b]libvmaf=log_fmt=json:log_path=log.json:model={model}"
    )
    with working_folder() as folder:
        if model_file is not None:
            shutil.copyfile(model_file, folder / MODEL_FILE)
        arguments = ["-filter_complex", graph, "-frames:v", "1", "-f", "null", "-"]
        stderr = run_ffmpeg(path, arguments, cwd=folder)
        try:
            return json.loads((folder / "log.json").read_text())
        except (OSError, json.JSONDecodeError) as error:
            raise ToolFailed(f"{path} wrote no libvmaf log", stderr_tail=stderr) from error


def _bundled() -> str | None:
    """The binary inside the wheel `imageio-ffmpeg`.

    The package itself is not asked: it would run the program, in an environment that may change at
    that moment, and remember a failure as long as this process lives.
    """
    if named := os.environ.get("IMAGEIO_FFMPEG_EXE"):
        return named
    spec = find_spec("imageio_ffmpeg")
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        for path in sorted(Path(folder, "binaries").glob("ffmpeg-*")):
            if (found := shutil.which(str(path))) is not None:
                return found
    # Conda's package has no binary of its own: Conda's ffmpeg stands beside its Python.
    return shutil.which("ffmpeg", path=str(Path(sys.executable).parent)) if spec else None


@cache
def _inspect(path: Path) -> Ffmpeg:
    lines: list[str] = []
    try:
        run([str(path), "-version"], on_line=lines.append, stall_s=_ANSWER_S)
    except ToolFailed as error:
        raise ToolNotFound(f"{path} is not an ffmpeg that runs: {error}") from error
    first = lines[0] if lines else ""
    if not first.startswith("ffmpeg version "):
        raise ToolNotFound(f"{path} is not ffmpeg: it introduces itself as {first!r}")
    version = _release(first.split()[2])
    return Ffmpeg(path=path, version=version, libvmaf=_libvmaf_version(path, version))


def _release(name: str) -> str:
    """`9.0.2` of `n9.0.2-17-g2a571b6`; the whole name of a build that is not a release."""
    number = name.removeprefix("n").partition("-")[0]
    return number if number[:1].isdigit() else name


def _libvmaf_version(path: Path, version: str) -> str:
    """The version that libvmaf's own log names."""
    try:
        log = generated_frame_log(path)
    except ToolFailed as error:
        raise ToolLacksFeature(
            f"{path} (ffmpeg {version}) cannot compute VMAF: {error}; it needs the filter libvmaf, "
            "that is a build with --enable-libvmaf; `pip install imageio-ffmpeg` installs one, "
            f"or name another with `ffmpeg` or {ENVIRONMENT_VARIABLE}"
        ) from error
    return str(log.get("version", "unknown"))
