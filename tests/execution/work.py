# SPDX-License-Identifier: Apache-2.0
"""Work for executors that must be importable in a worker's process."""

import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tinyvmaf.errors import MediaError
from tinyvmaf.process.programs import run


@dataclass(frozen=True)
class Count:
    """Count to `n`, and say in which process."""

    n: int

    def __call__(self, on_frame):
        for number in range(self.n):
            on_frame(number + 1)
        return self.n, os.getpid()


@dataclass(frozen=True)
class Fail:
    """What a broken file causes; `tries` gets a line each time."""

    tries: Path

    def __call__(self, on_frame):
        with self.tries.open("a") as file:
            file.write("x\n")
        raise MediaError("broken")


@dataclass(frozen=True)
class Program:
    """Run a program that writes its process's number to a file and then does what it is told."""

    tries: Path
    then: str

    def __call__(self, on_frame):
        code = (
            "import os, signal, sys, time\n"
            f"with open({str(self.tries)!r}, 'a') as file: print(os.getpid(), file=file)\n"
            f"with open({str(self.tries)!r}) as file: n = len(file.readlines())\n"
        )
        run([sys.executable, "-c", code + self.then])
        return len(self.tries.read_text().split())


@dataclass(frozen=True)
class Die:
    """Take the worker along, the first `times`."""

    tries: Path
    times: int

    def __call__(self, on_frame):
        with self.tries.open("a") as file:
            file.write("x\n")
        if len(self.tries.read_text().split()) <= self.times:
            # Long enough for the scheduler to know who has it.
            time.sleep(0.2)
            os.kill(os.getpid(), 9)
        return "done"


@dataclass(frozen=True)
class SlowResult:
    """A result that its worker has but cannot hand over soon; `begun` is there when it tries."""

    begun: Path
    home: int = field(default_factory=os.getpid)

    def __call__(self, on_frame):
        return self

    def __reduce__(self):
        if os.getpid() != self.home:
            self.begun.touch()
            time.sleep(20)
        return type(self), (self.begun, self.home)
