# SPDX-License-Identifier: Apache-2.0
"""Cached files that depend on installed packages alone.

Compiled programs and the page's script library take a second to make at every start. If the cache
cannot be written, or is in an object store, they are made again.
"""

import hashlib
import os
import platform
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

from tinyvmaf.errors import UsageError
from tinyvmaf.files import write_text
from tinyvmaf.provenance import version

CACHE_VARIABLE = "TINYVMAF_CACHE"


def user_folder() -> Path:
    """The user's cache folder of this program."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "tinyvmaf"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tinyvmaf"


def kept_folder(name: str) -> Path | None:
    """A folder of the local cache; None if there is none that can be written."""
    chosen = os.environ.get(CACHE_VARIABLE) or str(user_folder())
    if "://" in chosen:
        return None
    folder = Path(chosen) / "made" / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


def kept_text(make: Callable[[], str], *, package: str, name: str) -> str:
    """The text that `make` returns, cached for each version of `package`.

    The file begins with the hash of its text: a damaged one is made again.
    """
    folder = kept_folder("texts")
    if folder is None:
        return make()
    path = folder / f"{name}-{version(package)}.txt"
    with suppress(OSError, UnicodeDecodeError):
        digest, _, text = path.read_text(encoding="utf-8").partition("\n")
        if digest == _digest(text):
            return text
    text = make()
    with suppress(UsageError):
        write_text(path, f"{_digest(text)}\n{text}")
    return text


@cache
def processor() -> str:
    """A short name of this machine's kind of processor, which compiled programs depend on."""
    flags = ""
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return hashlib.sha256(f"{platform.machine()} {flags}".encode()).hexdigest()[:12]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
