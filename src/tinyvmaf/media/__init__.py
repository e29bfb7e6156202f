# SPDX-License-Identifier: Apache-2.0
"""Videos: finding ffmpeg, probing, packets, seeking and decoding a few frames."""
