# SPDX-License-Identifier: Apache-2.0
"""Fetch ONNX Runtime Web with npm, for pages that run a model in the browser.

    python scripts/onnxruntime_web.py

`make docs` and `make test` call this. Where npm is missing and we are root, Debian's packages
nodejs and npm are installed. The package is unpacked into build/node_modules/ once; it needs no
dependencies, since the file that pages hold contains them. The exit status is 1 where none of that
works. With TINYVMAF_NO_BROWSER=1 nothing is fetched, and the tests that need it are skipped.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

PACKAGE: Final = "onnxruntime-web@1.30.0"
FOLDER: Final = Path(__file__).resolve().parents[1] / "build" / "node_modules" / "onnxruntime-web"


def main() -> int:
    """Fetch it unless it is there; the exit status."""
    if os.environ.get("TINYVMAF_NO_BROWSER", "") not in {"", "0"}:
        print("onnxruntime-web: TINYVMAF_NO_BROWSER is set, so its tests are skipped")
        return 0
    if not (FOLDER / "package.json").is_file():
        try:
            _fetch()
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"onnxruntime-web: `npm pack {PACKAGE}` failed: {error}", file=sys.stderr)
            return 1
    print(f"onnxruntime-web: {FOLDER}")
    return 0


def _fetch() -> None:
    if shutil.which("npm") is None and shutil.which("apt-get") and os.geteuid() == 0:
        print("onnxruntime-web: installing Debian's packages nodejs and npm", flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        get = [shutil.which("apt-get") or "apt-get"]
        subprocess.run([*get, "update", "-qq"], check=True, env=environment, timeout=900)
        install = [*get, "install", "-qq", "--no-install-recommends", "nodejs", "npm"]
        subprocess.run(install, check=True, env=environment, timeout=900)
    FOLDER.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER.parent) as scratch:
        command = [shutil.which("npm") or "npm", "pack", "--silent", PACKAGE]
        subprocess.run(command, cwd=scratch, check=True, stdout=subprocess.DEVNULL, timeout=900)
        (archive,) = Path(scratch).glob("*.tgz")
        shutil.unpack_archive(archive, scratch, filter="data")
        (Path(scratch) / "package").rename(FOLDER)


if __name__ == "__main__":
    sys.exit(main())
