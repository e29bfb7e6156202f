# SPDX-License-Identifier: Apache-2.0
"""Starting programs: the only place that does."""

from typing import Final

STALL_S: Final = 300.0
"""Seconds without a sign of work after which a program is given up, unless the user says another
number."""
