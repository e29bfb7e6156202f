# SPDX-License-Identifier: Apache-2.0
"""The command line: one file `VERB_command` a verb, which parses, calls and prints; no logic."""
