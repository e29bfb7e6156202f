# SPDX-License-Identifier: Apache-2.0
"""Work that can begin before it is needed: probing ffmpeg and opening the videos of a pair.

It runs in threads while modules are imported, which saves a sixth of the start-up time of a
program. Results are kept, so that scoring asks again and finds them; errors are raised there, too.
"""

import atexit
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from tinyvmaf.errors import TinyVmafError
from tinyvmaf.progress import SILENT, Progress

if TYPE_CHECKING:
    from tinyvmaf.media.video import RawFormat


def warm_up_ffmpeg(path: Path | None = None) -> None:
    """Probe the ffmpeg at `path`, or the usual one, in a thread."""
    from tinyvmaf.media.ffmpeg import find_ffmpeg

    def find() -> None:
        with suppress(TinyVmafError):
            find_ffmpeg(path)

    Thread(target=find, daemon=True).start()


def warm_up_videos(
    paths: Sequence[Path], *, raw: "RawFormat | None" = None, progress: Progress = SILENT
) -> Callable[[], None]:
    """Open videos in threads; the returned function waits for them.

    Args:
        paths: The files; one that cannot be opened is reported when it is scored.
        raw: Geometry of raw YUV files.
        progress: Receives the bytes read of a large file.
    """
    from tinyvmaf.media.pictures import beginning
    from tinyvmaf.media.video import as_video
    from tinyvmaf.process.programs import stop_threads

    def open_one(path: Path) -> None:
        with suppress(TinyVmafError):
            beginning(as_video(path, raw), progress=progress)

    threads = tuple(Thread(target=open_one, args=(path,), daemon=True) for path in paths)
    for thread in threads:
        thread.start()
    # Whatever ends the program early, they leave no program and no folder behind.
    atexit.register(stop_threads, threads)

    def wait() -> None:
        for thread in threads:
            thread.join()

    return wait
