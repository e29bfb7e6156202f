# SPDX-License-Identifier: Apache-2.0
"""Libvmaf's own command line `vmaf`, for raw and Y4M pairs of one size."""

import os
import platform
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tinyvmaf.errors import MisalignedError, ToolFailed, ToolNotFound, UsageError
from tinyvmaf.libvmaf.graph import model_options
from tinyvmaf.libvmaf.logs import read_log
from tinyvmaf.libvmaf.sets import FULL
from tinyvmaf.libvmaf.shared_decode import Logs, Request
from tinyvmaf.libvmaf.teacher import Teacher, place_teacher
from tinyvmaf.media.video import Video, VideoInfo
from tinyvmaf.pairs.checked import Conversion, Matching
from tinyvmaf.process.programs import run
from tinyvmaf.progress import OnFrame

ENVIRONMENT_VARIABLE = "VMAF_BIN"

LOG_JSON = "log.json"


@dataclass(frozen=True, slots=True)
class VmafEngine:
    """Libvmaf's own program, for raw and Y4M pairs of one size."""

    path: Path
    version: str

    def __reduce__(self) -> tuple[object, ...]:
        """Unpickling in another process or on another machine has to find the same program."""
        return _find_same, (self.version,)

    @property
    def versions(self) -> Mapping[str, str]:
        """Version of the program, which is that of libvmaf."""
        return {"vmaf": self.version, "libvmaf": self.version}

    @property
    def at_once(self) -> int:
        """The program compares two videos."""
        return 1

    def check(self, teacher: Teacher) -> None:
        """This program cannot be tested before it runs."""
        del teacher

    def score(
        self,
        requests: Sequence[Request],
        *,
        teacher: Teacher,
        folder: Path,
        on_frame: OnFrame,
    ) -> Logs:
        """Run the program once; its log is JSON, which is read whole.

        Raises:
            UsageError: a set is wanted that this program cannot make.
            MisalignedError: the pair needs what this program cannot do.
        """
        (request,) = requests
        pair = request.pair
        if request.sets != (FULL,):
            raise UsageError(
                f"`engine='vmaf'` scales no videos, so it makes no feature set but {FULL.name}; "
                "use `engine='ffmpeg'`"
            )
        whole = Matching.by_number(pair.reference.info.n_frames)
        sides = (pair.reference, pair.distorted)
        if pair.matching != whole or any(side.conversion != Conversion() for side in sides):
            raise MisalignedError(
                f"`engine='vmaf'` compares videos as they are, but {'; '.join(pair.notes)}; "
                "use `engine='ffmpeg'`"
            )
        for video in (side.video for side in sides):
            if video.raw is None and video.path.suffix.lower() != ".y4m":
                raise MisalignedError(
                    f"{video.path}: `engine='vmaf'` reads raw YUV and Y4M only; "
                    "use `engine='ffmpeg'`"
                )
        if (sides[0].video.raw is None) != (sides[1].video.raw is None):
            raise MisalignedError(
                "`engine='vmaf'` reads two raw videos or two Y4M, not one of each; "
                "use `engine='ffmpeg'`"
            )
        place_teacher(teacher, folder)
        arguments = vmaf_arguments(
            reference=pair.reference.video,
            distorted=pair.distorted.video,
            info=pair.reference.info,
            teacher=teacher,
        )
        run([str(self.path), *arguments], cwd=folder)
        on_frame(pair.n_frames)
        return (((read_log(path) for path in (folder / LOG_JSON,)),),)


def vmaf_arguments(
    *, reference: Video, distorted: Video, info: VideoInfo, teacher: Teacher
) -> list[str]:
    """Arguments of libvmaf's own program for a raw or Y4M pair; the log goes to `LOG_JSON`."""
    arguments = ["--reference", str(reference.path.absolute())]
    arguments += ["--distorted", str(distorted.path.absolute())]
    if reference.raw is not None:
        sampling, _, depth = info.pix_fmt.removeprefix("yuv").partition("p")
        arguments += ["--width", str(info.width), "--height", str(info.height)]
        arguments += ["--pixel_format", sampling, "--bitdepth", depth.removesuffix("le") or "8"]
    for option in model_options(teacher):
        arguments += ["--model", ":".join(option)]
    return [*arguments, "--threads", "1", "--json", "--output", LOG_JSON, "--quiet"]


def find_vmaf() -> VmafEngine:
    """The program that `VMAF_BIN` names, or `vmaf` on PATH.

    Raises:
        ToolNotFound: there is none, or it is not libvmaf's.
    """
    named = os.environ.get(ENVIRONMENT_VARIABLE)
    found = shutil.which(named or "vmaf")
    if found is None:
        raise ToolNotFound(
            f"{ENVIRONMENT_VARIABLE} names {named}, which is not an executable program"
            if named
            else f"no program `vmaf` on PATH; name it with {ENVIRONMENT_VARIABLE}, "
            "or use `engine='ffmpeg'`"
        )
    lines: list[str] = []
    try:
        stderr = run([found, "--version"], on_line=lines.append)
    except ToolFailed as error:
        raise ToolNotFound(f"{found} is not libvmaf's program: {error}") from error
    said = [line for line in (*lines, *stderr.splitlines()) if line.strip()]
    return VmafEngine(Path(found).resolve(), said[0].strip() if said else "unknown")


def _find_same(version: str) -> VmafEngine:
    found = find_vmaf()
    if found.version != version:
        raise ToolNotFound(
            f"{platform.node()} has libvmaf's program {found.version} at {found.path}, expected "
            f"{version}; name the same one with {ENVIRONMENT_VARIABLE} on every worker"
        )
    return found
