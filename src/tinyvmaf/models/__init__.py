# SPDX-License-Identifier: Apache-2.0
"""Models: reading and writing ONNX, cards, the shipped models, repair and verification."""
