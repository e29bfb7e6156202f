# SPDX-License-Identifier: Apache-2.0
"""Starting programs: the only place that does."""
