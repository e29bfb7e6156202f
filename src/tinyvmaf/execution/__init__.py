# SPDX-License-Identifier: Apache-2.0
"""Executors: one interface to threads of this machine and workers of a Dask cluster."""
