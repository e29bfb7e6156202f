# SPDX-License-Identifier: Apache-2.0
import json
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import pytest

from tinyvmaf.cli import app

COMMAND = (sys.executable, "-m", "tinyvmaf")


@dataclass
class Outcome:
    """What a user sees of a call."""

    status: int
    stdout: str
    stderr: str

    @property
    def lines(self):
        """Stderr, line by line."""
        return self.stderr.splitlines()


def published():
    """Every published schema by the identifier that its records carry."""
    folder = Path(app.__file__).parents[1] / "schemas"
    schemas = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")]
    return {schema["properties"]["schema"]["const"]: schema for schema in schemas}


PUBLISHED = published()


def check_records(text):
    """Hold every record in a JSON document, or in lines of JSON, to its published schema."""
    for part in (text, *text.splitlines()):
        with suppress(ValueError):
            record = json.loads(part)
            if isinstance(record, dict) and "schema" in record:
                jsonschema.validate(record, PUBLISHED[record["schema"]])


@pytest.fixture
def tinyvmaf(monkeypatch, capfd):
    """Call the program as the installed script does, within this process; what a user would see."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["tinyvmaf", *map(str, arguments)])
        handlers = {number: signal.getsignal(number) for number in app._ENDS}
        capfd.readouterr()
        try:
            with pytest.raises(SystemExit) as left:
                app.main()
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        said = capfd.readouterr()
        check_records(said.out)
        return Outcome(left.value.code, said.out, said.err)

    return call


def run_program(*arguments, **options):
    """Run the program as a process of its own."""
    command = [*COMMAND, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    return Outcome(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def program():
    """Start the program as a process of its own; `program.run` waits, `program.start` does not."""

    class Program:
        command = COMMAND

        def run(self, *arguments, **options):
            return run_program(*arguments, **options)

        def start(self, *arguments, **options):
            command = [*COMMAND, *map(str, arguments)]
            return subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
            )

    return Program()
