# SPDX-License-Identifier: Apache-2.0
"""Pairs on disk: the Netflix layout, manifests, making ladders, the bundled sample."""
