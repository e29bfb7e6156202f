# SPDX-License-Identifier: Apache-2.0
"""Checks of this machine's ability to score, with cures for failures.

Every check reports its finding, and a cure if it fails. Checks run the program or use the library;
a version number proves nothing.
"""

import os
import tempfile
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from tinyvmaf.corpus.pair import Pair
from tinyvmaf.errors import TinyVmafError
from tinyvmaf.extras import EXTRAS, install_command
from tinyvmaf.features.cache import open_cache
from tinyvmaf.files import working_folder
from tinyvmaf.libvmaf.engine import FfmpegEngine
from tinyvmaf.libvmaf.teacher import BUILT_IN, DEFAULT, Teacher, check_teacher
from tinyvmaf.media.ffmpeg import ENVIRONMENT_VARIABLE, Ffmpeg, find_ffmpeg
from tinyvmaf.provenance import version
from tinyvmaf.scoring.exact import ExactMode
from tinyvmaf.scoring.known_pair import KNOWN_SCORE, TOLERANCE, write_known_pair
from tinyvmaf.scoring.scorer import Scorer

SCHEMA: Final = "tinyvmaf.doctor/1"

_LIBRARIES: Final = ("tinyvmaf", "numpy", "onnxruntime", "av", "imageio-ffmpeg")
_ENOUGH_BYTES: Final = 1 << 30


class Status(StrEnum):
    """Result of a check; `absent` is for something optional."""

    OK = "ok"
    ABSENT = "absent"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Check:
    """One check of the machine.

    Attributes:
        name: Name of the checked item.
        status: The result.
        found: The finding, in words.
        cure: The action to take; None if none is needed.
    """

    name: str
    status: Status
    found: str
    cure: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class DoctorRecord:
    """The checks of an installation.

    Attributes:
        schema: Name and version of this record.
        ok: True if nothing is broken.
        checks: The checks, in the order in which they were made.
    """

    schema: str
    ok: bool
    checks: tuple[Check, ...]

    def __repr__(self) -> str:
        broken = [check.name for check in self.checks if check.status is Status.BROKEN]
        return f"<DoctorRecord, {', '.join(broken) or 'nothing'} broken>"


def doctor(
    *, ffmpeg: Path | None = None, on_check: Callable[[Check], object] | None = None
) -> DoctorRecord:
    """Check that this machine can score, by running what it needs; nothing is raised.

    Args:
        ffmpeg: The ffmpeg to check; by default the one that scoring would use.
        on_check: Called with each check as soon as it is done.
    """
    checks: list[Check] = []
    for check in _examine(ffmpeg):
        checks.append(check)
        if on_check is not None:
            on_check(check)
    ok = all(check.status is not Status.BROKEN for check in checks)
    return DoctorRecord(SCHEMA, ok, tuple(checks))


def _examine(ffmpeg: Path | None) -> Generator[Check]:
    yield _libraries()
    yield Check("cores", Status.OK, f"{os.cpu_count() or 1}: threads of a pair, pairs of a batch")
    try:
        found = find_ffmpeg(ffmpeg)
    except TinyVmafError as error:
        cure = (
            f"pip install imageio-ffmpeg, or name another with `ffmpeg` or {ENVIRONMENT_VARIABLE}"
        )
        yield Check("ffmpeg", Status.BROKEN, str(error), cure)
    else:
        described = f"{found.version} with libvmaf {found.libvmaf} at {found.path}"
        yield Check("ffmpeg", Status.OK, described)
        yield _known_pair(found)
        yield _teachers(found)
    yield _models()
    yield _cache()
    yield _temporary()
    yield from _extras()


def _libraries() -> Check:
    names = ", ".join(f"{name} {version(name) or 'missing'}" for name in _LIBRARIES)
    missing = [name for name in _LIBRARIES if version(name) is None]
    # The ffmpeg of imageio-ffmpeg can be replaced by another; its own check decides.
    needed = [name for name in missing if name != "imageio-ffmpeg"]
    if needed:
        return Check("libraries", Status.BROKEN, names, f"pip install {' '.join(needed)}")
    return Check("libraries", Status.OK, names)


def _known_pair(ffmpeg: Ffmpeg) -> Check:
    name = "known pair"
    try:
        with working_folder() as folder:
            reference, distorted = write_known_pair(folder)
            scorer = Scorer(mode=ExactMode(Teacher(DEFAULT)), engine=FfmpegEngine(ffmpeg))
            mean = scorer.score(Pair.of_files(reference=reference, distorted=distorted)).vmaf.mean
    except (TinyVmafError, OSError) as error:
        return Check(name, Status.BROKEN, str(error), "see the check of ffmpeg and of the folders")
    found = f"VMAF {mean:.3f}, expected {KNOWN_SCORE} within {TOLERANCE}"
    if abs(mean - KNOWN_SCORE) <= TOLERANCE:
        return Check(name, Status.OK, found)
    return Check(
        name,
        Status.BROKEN,
        found,
        "this libvmaf gives other scores; use the ffmpeg of the imageio-ffmpeg package",
    )


def _teachers(ffmpeg: Ffmpeg) -> Check:
    """Check which models libvmaf has, by running each."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        answers = pool.map(lambda name: _has_teacher(name, ffmpeg), BUILT_IN)
        inside = [name for name, there in zip(BUILT_IN, answers, strict=True) if there]
    lacking = [name for name in BUILT_IN if name not in inside]
    if not lacking:
        return Check("teachers", Status.OK, ", ".join(inside))
    return Check(
        "teachers",
        Status.ABSENT,
        f"{', '.join(inside)}; not {', '.join(lacking)}",
        "a newer libvmaf has them; `pip install -U imageio-ffmpeg` installs one",
    )


def _has_teacher(name: str, ffmpeg: Ffmpeg) -> bool:
    try:
        check_teacher(Teacher(name), ffmpeg.path)
    except TinyVmafError:
        return False
    return True


def _models() -> Check:
    """Load every shipped model, which checks its hash and its golden vectors."""
    from tinyvmaf.models import zoo
    from tinyvmaf.models.model import load_model

    try:
        loaded = [load_model(name).name for name in zoo.names()]
    except (TinyVmafError, ImportError) as error:
        cure = "pip install --force-reinstall tinyvmaf"
        return Check("models", Status.BROKEN, str(error), cure)
    if not loaded:
        return Check("models", Status.ABSENT, "none is shipped", "train one with `tinyvmaf train`")
    return Check("models", Status.OK, ", ".join(loaded))


def _cache() -> Check:
    try:
        folder = open_cache().folder
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (TinyVmafError, OSError) as error:
        cure = "name a folder that can be written with TINYVMAF_CACHE"
        return Check("cache", Status.BROKEN, str(error), cure)
    return Check("cache", Status.OK, str(folder))


def _temporary() -> Check:
    import shutil

    try:
        folder = tempfile.gettempdir()
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Check("temporary files", Status.BROKEN, str(error), "name a folder with TMPDIR")
    found = f"{folder}, {free / 2**30:.1f} GB free"
    if free < _ENOUGH_BYTES:
        return Check("temporary files", Status.ABSENT, found, "free space, or set TMPDIR")
    return Check("temporary files", Status.OK, found)


def _extras() -> Generator[Check]:
    for extra, modules in EXTRAS.items():
        missing = [name for name in modules if find_spec(name) is None]
        if missing:
            found = f"not installed: {', '.join(missing)}"
            cure = install_command(extra)
            yield Check(f"extra {extra}", Status.ABSENT, found, cure)
        else:
            yield Check(f"extra {extra}", Status.OK, ", ".join(modules))
