# SPDX-License-Identifier: Apache-2.0
"""Cost and error of every method of scoring."""
