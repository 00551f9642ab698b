"""The threads of numpy's and scipy's linear algebra, in a child of a process that may have none but its first."""

from __future__ import annotations

import os

from threadpoolctl import threadpool_limits

BLAS_THREADS = "OPENBLAS_NUM_THREADS"  # read when the library is loaded, before OMP_NUM_THREADS


def use_blas_threads() -> None:
    """Have as many as a fresh interpreter's imports would have started."""
    said = os.environ.get(BLAS_THREADS) or os.environ.get("OMP_NUM_THREADS") or ""
    threads = int(said) if said.isdigit() else os.cpu_count() or 1
    if threads > 1:
        threadpool_limits(threads, user_api="blas")
