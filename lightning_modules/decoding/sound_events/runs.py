"""Runs of active frames: where each begins and ends, and back. Legend: T frames, C columns (classes)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.intp]


def runs(active_TC: NDArray[np.bool_]) -> tuple[Frames, Frames, Frames]:
    """First frame, frame after the last, and column of each run, ordered by column and then by time."""
    padded_CT = np.pad(active_TC.T, ((0, 0), (1, 1)))
    column, first = np.nonzero(padded_CT[:, 1:] & ~padded_CT[:, :-1])
    _, last = np.nonzero(padded_CT[:, :-1] & ~padded_CT[:, 1:])
    return first, last, column


def from_runs(first: Frames, last: Frames, column: Frames, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The activity (T, C) of runs as ``runs`` gives them."""
    edges_TC = np.zeros((shape[0] + 1, shape[1]), dtype=np.int64)
    np.add.at(edges_TC, (first, column), 1)
    np.add.at(edges_TC, (last, column), -1)
    active_TC: NDArray[np.bool_] = edges_TC.cumsum(axis=0)[:-1] > 0
    return active_TC
