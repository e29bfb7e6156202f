# SPDX-License-Identifier: Apache-2.0
"""Finished results as Markdown, HTML and charts; computes no statistics."""
