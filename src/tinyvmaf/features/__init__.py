# SPDX-License-Identifier: Apache-2.0
"""Feature sets, libvmaf's filter graph and log, extraction, and the feature table."""
