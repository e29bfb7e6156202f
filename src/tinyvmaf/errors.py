# SPDX-License-Identifier: Apache-2.0
"""The exceptions of tinyvmaf. Each message states what failed, what was found and what to do.

TinyVmafError
├── ToolError                 a program that we need
│   ├── ToolNotFound
│   ├── ToolFailed            exit status, or an output that does not prove success
│   │   └── ToolStopped       ended from outside: the same call may work
│   ├── ToolLacksFeature
│   └── WorkerLost            every worker of a cluster that took this died
│       └── ClusterLost       the cluster is gone: nothing more can be done there
├── UsageError (ValueError)   an unknown name in the call, or an output that cannot be written
├── DataError (ValueError)    what the user's files hold
│   ├── MediaError            no video, an empty file, a size that is not a whole number of frames
│   │   └── NotSeekable       frames that seeking does not find; decoding the whole video works
│   ├── MisalignedError       a pair that does not fit together
│   ├── CorpusError           a folder or manifest that does not make a corpus
│   ├── SchemaError           a table or log that is not what it should be
│   └── SplitError            too few sources to hold one out
└── ModelError (ValueError)   a model file or its card
    ├── CardError
    ├── UnsafeModelError
    └── HashMismatch

`exit_status` is what the command line returns for an error: 2 when the call or its input is wrong,
1 when something that should have worked did not.
"""

from collections.abc import Sequence

from tinyvmaf.text import one_line, unfolded

_LONGEST = 4000


class TinyVmafError(Exception):
    """Base of every error that a user or a file can cause; its message is one printable line.

    Messages quote files, which may contain line ends, terminal codes or a megabyte of text.
    """

    exit_status = 1

    def __init__(self, message: str) -> None:
        line = one_line(unfolded(message[: _LONGEST + 1]))
        super().__init__(line if len(line) <= _LONGEST else f"{line[:_LONGEST]}...")


class UsageError(TinyVmafError, ValueError):
    """The call names something that does not exist or cannot be done."""

    exit_status = 2


class ToolError(TinyVmafError):
    """A program that tinyvmaf needs is missing, incomplete, or failed."""


class ToolNotFound(ToolError):  # noqa: N818 (the tree reads better without fifteen Errors)
    """No usable binary was found where it was looked for."""

    exit_status = 2


class ToolLacksFeature(ToolError):  # noqa: N818
    """The binary runs but was built without something that is needed."""

    exit_status = 2


class ToolFailed(ToolError):  # noqa: N818
    """A program failed, or ended without the output that proves its success.

    Attributes:
        command: The argument list, ready to paste after quoting.
        returncode: Its exit status, None if it was stopped.
        stderr_tail: The last lines of its stderr.
    """

    def __init__(
        self,
        message: str,
        *,
        command: Sequence[str] = (),
        returncode: int | None = None,
        stderr_tail: str = "",
    ) -> None:
        super().__init__(message)
        self.command = tuple(command)
        self.returncode = returncode
        self.stderr_tail = stderr_tail

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the fields when the error crosses a process or a cluster."""
        state = {
            "command": self.command,
            "returncode": self.returncode,
            "stderr_tail": self.stderr_tail,
        }
        return type(self), self.args, state


class ToolStopped(ToolFailed):
    """A program was killed from outside, such as when memory runs out; a retry may succeed."""


class WorkerLost(ToolError):  # noqa: N818
    """Every worker of a cluster that took a piece of work died, or no cluster answers."""


class ClusterLost(WorkerLost):
    """The cluster was lost during the work, which ends the command and not one pair."""


class DataError(TinyVmafError, ValueError):
    """A file of the user's is invalid."""

    exit_status = 2


class MediaError(DataError):
    """A file holds no readable video."""


class NotSeekable(MediaError):  # noqa: N818
    """Seeking does not find the frames of a video, but decoding all of it does."""


class MisalignedError(DataError):
    """A reference and a distorted video that do not fit frame by frame."""


class CorpusError(DataError):
    """A folder or a manifest that does not describe a corpus."""


class SchemaError(DataError):
    """A table, log or record that breaks its schema."""


class SplitError(DataError):
    """The sources do not allow the split that was asked for."""


class ModelError(TinyVmafError, ValueError):
    """A model file or its card cannot be used."""

    exit_status = 2


class CardError(ModelError):
    """A card is missing, malformed, or contradicts its model."""


class UnsafeModelError(ModelError):
    """A model file asks for something that a data file must not."""


class HashMismatch(ModelError):  # noqa: N818
    """A file's hash is not the one that its card names."""
