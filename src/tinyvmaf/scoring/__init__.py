# SPDX-License-Identifier: Apache-2.0
"""Scoring of pairs: modes, sampling, intervals, pooling, batches and log formats."""
