# SPDX-License-Identifier: Apache-2.0
"""tinyvmaf: tiny video-quality models that you can trust on content they have never seen."""

from tinyvmaf.provenance import version

__version__ = version() or "0"
