# SPDX-License-Identifier: Apache-2.0
"""Find a Chromium for the tests of the report's page, or get one.

    python scripts/browser.py

`make test` calls this. In this order: the program that TINYVMAF_CHROMIUM names, one on PATH, one
that was unpacked here before, Debian's package if we are root, the one inside the npm package
`@sparticuz/chromium`. The exit status is 1 where none of that works. With TINYVMAF_NO_BROWSER=1
nothing is looked for, and the tests of the page are skipped.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

NAMED: Final = "TINYVMAF_CHROMIUM"
WITHOUT: Final = "TINYVMAF_NO_BROWSER"

_NAMES: Final = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
_UNPACKED: Final = Path(__file__).resolve().parents[1] / ".browser" / "chromium"
_PACKAGE: Final = "@sparticuz/chromium@147.0.0"
# Node.js, which npm needs, is what unpacks Brotli everywhere.
_UNPACK: Final = """
const fs = require("fs"), zlib = require("zlib");
const [from, to] = process.argv.slice(1);
require("stream").pipeline(
  fs.createReadStream(from), zlib.createBrotliDecompress(), fs.createWriteStream(to),
  (error) => { if (error) throw error; });
"""


class NoBrowser(Exception):  # noqa: N818 (it is the reason why there is none)
    """The reason why a way to a browser did not lead to one."""


def is_unwanted() -> bool:
    """Whether the tests of the page are left out, by TINYVMAF_NO_BROWSER=1."""
    return os.environ.get(WITHOUT, "") not in {"", "0"}


def find() -> str | None:
    """The path of a Chromium, None if there is none."""
    named = os.environ.get(NAMED)
    candidates = (named,) if named else (*_NAMES, str(_UNPACKED))
    return next((path for path in map(shutil.which, candidates) if path), None)


def main() -> int:
    """Say what is done; the exit status."""
    if is_unwanted():
        print(f"browser: {WITHOUT} is set, so the tests of the report's page are skipped")
        return 0
    reasons: list[str] = []
    named = os.environ.get(NAMED)
    for get in (_installed,) if named else (_installed, _from_debian, _from_npm):
        try:
            print(f"browser: {get()}", flush=True)
        except NoBrowser as reason:
            reasons.append(str(reason))
        else:
            return 0
    print(
        "browser: the tests of the report's page need a Chromium, and there is none: "
        f"{'; '.join(reasons)}. Install one, name one with {NAMED}, or set {WITHOUT}=1 to leave "
        "those tests out.",
        file=sys.stderr,
    )
    return 1


def _installed() -> str:
    found = find()
    if found is None:
        named = os.environ.get(NAMED)
        raise NoBrowser(
            f"{NAMED} names {named}, which is not a program" if named else "none on PATH"
        )
    return _version(found)


def _from_debian() -> str:
    if shutil.which("apt-get") is None:
        raise NoBrowser("no apt-get here")
    if os.geteuid() != 0:
        raise NoBrowser("apt-get needs root")
    print("browser: installing Debian's package chromium with apt-get", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    _run("apt-get", "update", "-qq", env=environment)
    _run("apt-get", "install", "-qq", "--no-install-recommends", "chromium", env=environment)
    return _version(find() or "chromium")


def _from_npm() -> str:
    if shutil.which("npm") is None:
        raise NoBrowser("no npm here")
    print(f"browser: unpacking the Chromium inside the npm package {_PACKAGE}", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        _run("npm", "pack", "--silent", _PACKAGE, cwd=folder)
        (archive,) = folder.glob("*.tgz")
        shutil.unpack_archive(archive, folder, filter="data")
        fresh = folder / "chromium"
        _run("node", "-e", _UNPACK, str(folder / "package" / "bin" / "chromium.br"), str(fresh))
        fresh.chmod(0o755)
        said = _version(str(fresh))
        _UNPACKED.parent.mkdir(exist_ok=True)
        shutil.move(fresh, _UNPACKED)
    return said.replace(str(fresh), str(_UNPACKED))


def _version(path: str) -> str:
    return f"{path} ({_run(path, '--version').strip()})"


def _run(*command: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    try:
        done = subprocess.run(
            command, cwd=cwd, env=env, capture_output=True, text=True, check=True, timeout=900
        )
    except subprocess.CalledProcessError as error:
        told = (error.stderr or error.stdout).strip().splitlines()
        reason = told[-1] if told else str(error)
        raise NoBrowser(f"`{' '.join(command[:2])}` failed: {reason}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoBrowser(f"`{' '.join(command[:2])}` failed: {error}") from error
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
