# SPDX-License-Identifier: Apache-2.0
"""Finished results as Markdown, HTML and charts; computes no statistics.

`tinyvmaf.report` is this package and the public function of the same name at once: a package of
that name would otherwise hide the function as soon as one of its modules is imported.
"""

import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinyvmaf.report.digest import Digest


class _Report(ModuleType):
    def __call__(self, run: "Path | str") -> "Digest":
        """Write the report of a run again, as `tinyvmaf.report.digest.report` does."""
        from tinyvmaf.report.digest import report

        return report(run)


sys.modules[__name__].__class__ = _Report
