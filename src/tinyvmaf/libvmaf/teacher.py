# SPDX-License-Identifier: Apache-2.0
"""Teachers: the libvmaf models that label frames, by built-in name or as a JSON file."""

import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tinyvmaf.errors import ToolFailed, UsageError
from tinyvmaf.media.ffmpeg import MODEL_FILE, generated_frame_log
from tinyvmaf.provenance import file_sha256

DEFAULT = "vmaf_v0.6.1"

BUILT_IN = (
    "vmaf_v0.6.1",
    "vmaf_v0.6.1neg",
    "vmaf_4k_v0.6.1",
    "vmaf_4k_v0.6.1neg",
    "vmaf_float_v0.6.1",
    "vmaf_float_v0.6.1neg",
    "vmaf_float_4k_v0.6.1",
    "vmaf_v1.0.16_3d0h",
    "vmaf_v1.0.16_5d0h",
    "vmaf_v1.0.16_1d5h_2160",
    "vmaf_v1.0.16_3d0h_2160",
    "vmaf_v1.0.16_hfr_3d0h",
    "vmaf_v1.0.16_hfr_5d0h",
    "vmaf_v1.0.16_hfr_1d5h_2160",
    "vmaf_v1.0.16_hfr_3d0h_2160",
)
"""Models built into recent versions of libvmaf; older ones have fewer, so each is tried."""


@dataclass(frozen=True, slots=True)
class Teacher:
    """A libvmaf model.

    Attributes:
        name: Its built-in name, or the stem of its file.
        path: The JSON file, None for a model built into libvmaf.
        sha256: SHA-256 of the file, None for a built-in model (libvmaf's version stands for it).
    """

    name: str
    path: Path | None = None
    sha256: str | None = None

    @property
    def label(self) -> str:
        """The name that tables carry; a file's name includes its hash."""
        return self.name if self.sha256 is None else f"{self.name}@{self.sha256[:12]}"


def find_teacher(name: str) -> Teacher:
    """The teacher called `name`, or in the JSON file `name`.

    Raises:
        UsageError: `name` looks like a file that does not exist.
    """
    path = Path(name)
    if path.suffix == ".json" or "/" in name:
        if not path.is_file():
            raise UsageError(f"teacher {name}: no such file")
        return Teacher(name=path.stem, path=path.absolute(), sha256=file_sha256(path))
    return Teacher(name=name)


@cache
def check_teacher(teacher: Teacher, ffmpeg: Path) -> None:
    """Prove that the libvmaf inside `ffmpeg` reads this model, by scoring one frame.

    Raises:
        UsageError: it lacks the model, or cannot read its file.
    """
    if teacher.path is not None:
        try:
            generated_frame_log(ffmpeg, model=f"path={MODEL_FILE}", model_file=teacher.path)
        except ToolFailed as error:
            raise UsageError(
                f"teacher {teacher.path}: libvmaf cannot use this model: {error}"
            ) from error
        return
    if teacher == Teacher(DEFAULT):
        return  # finding ffmpeg has already scored a frame with the default
    try:
        if not all(part.isalnum() for part in teacher.name.replace(".", "_").split("_")):
            raise UsageError(f"teacher {teacher.name!r} is not a name of a libvmaf model")
        generated_frame_log(ffmpeg, model=f"version={teacher.name}")
    except ToolFailed as error:
        raise UsageError(
            f"this libvmaf lacks the teacher {teacher.name!r}; recent builds have "
            f"{', '.join(BUILT_IN)}; or name a model's JSON file"
        ) from error


def place_teacher(teacher: Teacher, folder: Path) -> None:
    """Put a teacher's file where a command that runs in `folder` looks for it."""
    if teacher.path is not None:
        shutil.copyfile(teacher.path, folder / MODEL_FILE)
