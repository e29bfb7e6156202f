# SPDX-License-Identifier: Apache-2.0
"""Networks, recipes, and fitting many networks at once; the only home of JAX."""
