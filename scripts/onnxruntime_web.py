# SPDX-License-Identifier: Apache-2.0
"""Fetch ONNX Runtime Web with npm, for pages that run a model in the browser.

    python scripts/onnxruntime_web.py

`make docs` and `make test` call this. The package is unpacked into build/node_modules/ once; its
dependencies are not needed, since the file that pages hold contains them. The exit status is 1
where npm is missing or does not reach its registry.
"""

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
    if not (FOLDER / "package.json").is_file():
        try:
            _fetch()
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"onnxruntime-web: `npm pack {PACKAGE}` failed: {error}", file=sys.stderr)
            return 1
    print(f"onnxruntime-web: {FOLDER}")
    return 0


def _fetch() -> None:
    FOLDER.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER.parent) as scratch:
        command = [shutil.which("npm") or "npm", "pack", "--silent", PACKAGE]
        subprocess.run(command, cwd=scratch, check=True, stdout=subprocess.DEVNULL, timeout=900)
        (archive,) = Path(scratch).glob("*.tgz")
        shutil.unpack_archive(archive, scratch, filter="data")
        (Path(scratch) / "package").rename(FOLDER)


if __name__ == "__main__":
    sys.exit(main())
