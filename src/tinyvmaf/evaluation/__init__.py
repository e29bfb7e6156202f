# SPDX-License-Identifier: Apache-2.0
"""Metrics, folds, leave-one-source-out, aggregates and tests, diagnosis of folds."""
