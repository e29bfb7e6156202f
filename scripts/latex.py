# SPDX-License-Identifier: Apache-2.0
"""Find a LaTeX for the tests of the tables for papers, or get one.

    python scripts/latex.py

`make test` calls this. It takes the `pdflatex` on PATH if that knows the packages that the tables
need, else Debian's packages (48 MB to fetch) if we are root. The exit status is 1 where neither
works. With TINYVMAF_NO_LATEX=1 nothing is looked for, and the tests are skipped.
"""

import os
import shutil
import subprocess
import sys
from typing import Final

WITHOUT: Final = "TINYVMAF_NO_LATEX"

_STYLES: Final = ("booktabs.sty", "graphicx.sty")
_PACKAGES: Final = ("texlive-latex-base", "texlive-latex-recommended")


def is_unwanted() -> bool:
    """Whether no table is compiled, by TINYVMAF_NO_LATEX=1."""
    return os.environ.get(WITHOUT, "") not in {"", "0"}


def find() -> str | None:
    """The path of a `pdflatex` that can compile the tables, None if there is none."""
    program, look_up = shutil.which("pdflatex"), shutil.which("kpsewhich")
    if program is None or look_up is None:
        return None
    known = subprocess.run([look_up, *_STYLES], capture_output=True, check=False)
    return program if known.returncode == 0 else None


def main() -> int:
    """Say what is done; the exit status."""
    if is_unwanted():
        print(f"latex: {WITHOUT} is set, so the tables for papers are not compiled")
        return 0
    apt_get = shutil.which("apt-get")
    if find() is None and apt_get and os.geteuid() == 0:
        print(f"latex: installing Debian's packages {', '.join(_PACKAGES)}", flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "--no-install-recommends", *_PACKAGES]):
            subprocess.run([apt_get, "-qq", *command], env=environment, check=False)
    found = find()
    if found is not None:
        print(f"latex: {found}")
        return 0
    print(
        "latex: the tests of the tables for papers need pdflatex with booktabs and graphicx "
        f"(Debian: {', '.join(_PACKAGES)}); install it, or set {WITHOUT}=1 to leave them out",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
