# SPDX-License-Identifier: Apache-2.0
"""Two videos that belong together: what is known of them and whether they fit."""
