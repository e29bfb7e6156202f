# SPDX-License-Identifier: Apache-2.0
"""Two videos in, scores out: frames, pooled scores, an interval; preflight; log formats."""
