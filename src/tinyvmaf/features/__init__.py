# SPDX-License-Identifier: Apache-2.0
"""Extraction, import of logs, the cache, and the feature table."""
