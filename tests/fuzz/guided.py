# SPDX-License-Identifier: Apache-2.0
"""Fuzz the parsers with the coverage as the guide: `make fuzz`.

    python -m tests.fuzz.guided [--seconds 20] [NAME ...]

Every parser runs in a process of its own for so many seconds, with a limit on memory and on the
time that one file may take. What is found is kept in a folder, printed with its traceback, and
makes the exit status 1; it belongs into `test_parsers.py`.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

_ONE_FILE_S = 10
_MEMORY_MB = 2048
_LONGEST_BYTES = 1 << 16
_TOKENS = "tokens"


def main() -> None:
    """Fuzz all parsers, or those that are named, one after the other."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("names", nargs="*", metavar="NAME", help="parsers; all by default")
    options.add_argument("--seconds", type=int, default=20, help="for each")
    options.add_argument("--one", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.one:
        fuzz(chosen.one, chosen.seconds)
        return
    from tests.fuzz.parsers import PARSERS

    names = chosen.names or [parser.name for parser in PARSERS]
    unknown = set(names) - {parser.name for parser in PARSERS}
    if unknown:
        options.error(f"no parser {', '.join(sorted(unknown))}")
    failed = [name for name in names if not run(name, chosen.seconds)]
    if failed:
        sys.exit(f"found something in: {', '.join(failed)}")


def run(name: str, seconds: int) -> bool:
    """Fuzz one parser in a process of its own; whether nothing was found."""
    command = [sys.executable, "-m", "tests.fuzz.guided", "--one", name]
    done = subprocess.run(
        [*command, "--seconds", str(seconds)], capture_output=True, text=True, check=False
    )
    told = re.findall(r"^#(\d+)\s.*?cov: (\d+)", done.stderr, re.MULTILINE)
    runs, coverage = told[-1] if told else ("0", "0")
    verdict = "nothing found" if done.returncode == 0 else "FOUND"
    print(f"{name}: {int(runs):,} files in {seconds} s, coverage {coverage}: {verdict}", flush=True)
    if done.returncode:
        print(done.stdout[-4000:], done.stderr[-4000:], sep="\n", flush=True)
    return done.returncode == 0


def fuzz(name: str, seconds: int) -> None:
    """Fuzz the parser called `name` in this process, which ends with it."""
    import atheris

    with atheris.instrument_imports(include=["tinyvmaf", "csv", "json", "tomllib", "fractions"]):
        from tests.fuzz.parsers import PARSERS, check
    parser = next(item for item in PARSERS if item.name == name)
    found = Path(tempfile.mkdtemp(prefix="tinyvmaf-fuzz-"))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        seeds = folder / "seeds"
        seeds.mkdir()
        for number, data in enumerate(parser.seeds(folder)):
            (seeds / str(number)).write_bytes(data)
        words = ["".join(f"\\x{byte:02x}" for byte in token) for token in parser.tokens]
        (folder / _TOKENS).write_text("".join(f'"{word}"\n' for word in words if len(word) < 200))
        settings = {
            "max_total_time": seconds,
            "timeout": _ONE_FILE_S,
            "rss_limit_mb": _MEMORY_MB,
            "max_len": _LONGEST_BYTES,
            "dict": folder / _TOKENS,
            "artifact_prefix": f"{found}/",
            "print_final_stats": 1,
        }
        flags = [f"-{key}={value}" for key, value in settings.items()]
        atheris.Setup([sys.argv[0], *flags, str(seeds)], lambda data: check(parser, data, folder))
        atheris.Fuzz()


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    main()
