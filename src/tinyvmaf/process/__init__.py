# SPDX-License-Identifier: Apache-2.0
"""Starting programs: the only place that does."""

from typing import Final

STALL_S: Final = 300.0
"""Seconds without progress after which a program is given up, unless the user sets another."""
