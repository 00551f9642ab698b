"""The two filters of scipy.ndimage that post-processing asks for, in numpy: along time, ends repeated."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Curves = NDArray[np.floating[Any]]


def median_filter(curves_TC: Curves, *, size: tuple[int, int], mode: str) -> Curves:
    """Median over ``size[0]`` frames, an odd number.

    >>> median_filter(np.array([[0.0], [9.0], [1.0], [2.0]]), size=(3, 1), mode="nearest")[:, 0].tolist()
    [0.0, 1.0, 2.0, 2.0]
    """
    filtered_TC: Curves = np.median(_windows(curves_TC, size[0]), axis=-1).astype(curves_TC.dtype)
    return filtered_TC


def uniform_filter1d(curves_TC: Curves, size: int, *, axis: int, mode: str) -> Curves:
    """Mean over ``size`` frames, an odd number.

    >>> uniform_filter1d(np.array([[0.0], [3.0], [6.0]]), 3, axis=0, mode="nearest")[:, 0].tolist()
    [1.0, 3.0, 5.0]
    """
    filtered_TC: Curves = _windows(curves_TC, size).mean(axis=-1, dtype=np.float64).astype(curves_TC.dtype)
    return filtered_TC


def _windows(curves_TC: Curves, size: int) -> Curves:
    padded_TC = np.pad(curves_TC, ((size // 2, size // 2), (0, 0)), mode="edge")
    windows: Curves = np.lib.stride_tricks.sliding_window_view(padded_TC, size, axis=0)
    return windows
