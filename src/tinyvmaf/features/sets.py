# SPDX-License-Identifier: Apache-2.0
"""Feature sets: named, ordered tuples of libvmaf's per-frame features.

The order is the contract between tables, networks and ONNX files; it is written here once.
"""

CANONICAL6 = ("adm2", "vif_scale0", "vif_scale1", "vif_scale2", "vif_scale3", "motion2")
"""What `vmaf_v0.6.1` reads, in the order of every table, network and ONNX file of this project."""

TARGET = "vmaf"
"""The column that holds the teacher's score, in [0, 100]."""

KEYS = ("source", "clip", "frame")
"""The columns that name a row; together they are unique."""
