# SPDX-License-Identifier: Apache-2.0
"""Finding ffmpeg, probing videos, running programs: the only floor that starts a process."""
