# SPDX-License-Identifier: Apache-2.0
"""`python -m tinyvmaf`, for where the program itself is not on PATH."""

from tinyvmaf.cli.app import main

main()
