# SPDX-License-Identifier: Apache-2.0
"""Arrays in, numbers out: metrics, intervals, tests and survey estimators."""
