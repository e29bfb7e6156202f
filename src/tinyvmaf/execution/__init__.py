# SPDX-License-Identifier: Apache-2.0
"""Where work runs: on this machine, or on the workers of a Dask cluster, behind one interface."""
