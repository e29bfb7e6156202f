# SPDX-License-Identifier: Apache-2.0
"""Termination of programs when this process ends in any way, even by `kill -9`.

A small shell holds the other end of a pipe. Every process group that begins or ends is
written to it; when the pipe closes because this process is gone, it kills those that are left.
Neither a signal for the parent's death (Linux only, and set between fork and exec, which is not
safe beside threads) nor an empty stdin (ffmpeg ignores it) would do that.
"""

import os
import subprocess
import threading
from contextlib import suppress

from tinyvmaf.process.environment import environment

# Reads "+ID" and "-ID"; `kill` is part of the shell, so that this needs no memory to start it.
_SCRIPT = """
groups=
while read -r line; do
  id=${line#?}
  case $line in
    +*) groups="$groups $id" ;;
    -*) left=
        for group in $groups; do [ "$group" = "$id" ] || left="$left $group"; done
        groups=$left ;;
  esac
done
for group in $groups; do kill -9 "-$group" 2>/dev/null; done
"""

_lock = threading.Lock()
_pipe: int | None = None
_pid: int | None = None


def watch_group(group: int) -> None:
    """Have the process group killed when this process ends before `forget_group`."""
    _tell(f"+{group}\n")


def forget_group(group: int) -> None:
    """The process group has ended."""
    _tell(f"-{group}\n")


def _tell(line: str) -> None:
    # A system without a shell has no watchdog; programs are then ended by normal clean-up alone.
    with _lock, suppress(OSError):
        os.write(_open(), line.encode())


def _open() -> int:
    global _pipe, _pid
    if _pipe is None or _pid != os.getpid():
        reading, writing = os.pipe()
        try:
            # A session of its own: Ctrl-C in the terminal must not end it before its work is done.
            subprocess.Popen(
                ["/bin/sh", "-c", _SCRIPT],
                stdin=reading,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
                env=environment(),
            ).returncode = 0  # never waited for: it ends after us
        finally:
            os.close(reading)
        _pipe, _pid = writing, os.getpid()
    return _pipe
