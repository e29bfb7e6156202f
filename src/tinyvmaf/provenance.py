# SPDX-License-Identifier: Apache-2.0
"""Provenance of results: versions, hashes and commands, as recorded in every artefact."""

import hashlib
import platform
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path


def version(package: str = "tinyvmaf") -> str | None:
    """The installed version of `package`, None if it is not installed."""
    # Takes longer to import than all of our own modules.
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def versions(*packages: str) -> dict[str, str]:
    """The versions of tinyvmaf, Python and those of `packages` that are installed."""
    found = {name: version(name) for name in ("tinyvmaf", *packages)}
    present = {name: value for name, value in found.items() if value is not None}
    return {**present, "python": platform.python_version()}


def sha256(data: bytes) -> str:
    """The SHA-256 of `data`, in hex."""
    return hashlib.sha256(data).hexdigest()


def file_sha256(path: Path) -> str:
    """The SHA-256 of the file at `path`, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def command_line(argv: Sequence[str] | None = None) -> str:
    """The command, quoted for a shell; this program's own by default."""
    if argv is None:
        argv = ["tinyvmaf", *sys.argv[1:]]
    return shlex.join(argv)
