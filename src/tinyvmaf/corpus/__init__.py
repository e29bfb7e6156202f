# SPDX-License-Identifier: Apache-2.0
"""Corpora: pairs on disk, the Netflix layout, manifests, building, and the bundled sample."""
