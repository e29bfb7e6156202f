# SPDX-License-Identifier: Apache-2.0
"""`python -m tinyvmaf`, for installations whose program is not on PATH."""

from tinyvmaf.cli.app import main

main()
