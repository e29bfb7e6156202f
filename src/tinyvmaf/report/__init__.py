# SPDX-License-Identifier: Apache-2.0
"""A finished evaluation as Markdown, HTML and charts; computes no statistics."""
