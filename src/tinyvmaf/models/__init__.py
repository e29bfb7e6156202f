# SPDX-License-Identifier: Apache-2.0
"""ONNX in and out, cards, the shipped models, repair and verification."""
