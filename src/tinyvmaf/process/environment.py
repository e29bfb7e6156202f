# SPDX-License-Identifier: Apache-2.0
"""The environment that programs are started in: a copy of it.

Libraries change the environment of the process while they are imported (NumPy sets
`OPENBLAS_MAIN_FREE` and takes it away again). The system reads it when a program is started; where
another thread changes it at that moment the start fails with "Bad address". Programs therefore
get a copy that no thread changes.
"""

import os


def environment() -> dict[str, str]:
    """A copy of the environment as Python knows it.

    Libraries that go past Python, with `putenv`, change nothing here.
    """
    # `list` is atomic, iterating is not: another thread may set a variable meanwhile.
    found = ((name, os.environ.get(name)) for name in list(os.environ))
    return {name: value for name, value in found if value is not None}
