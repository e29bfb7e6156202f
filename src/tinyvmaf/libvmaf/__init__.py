# SPDX-License-Identifier: Apache-2.0
"""Running libvmaf: teachers, feature sets, filter graphs, scattered frames, logs and engines."""
