r"""The curves of overlapped windows made one: no frame near a window's end counts, and windows are faded.

A window knows nothing of what lies beyond its ends, so the first quarter of an overlap is left to the window before
and the last to the window after; over the half between the one fades out while the other fades in:

    weight 1 |-----------\
             |            \   /---------
           0 |_____________\_/__________      overlap: |quarter|  half  |quarter|

A network whose output hangs on a bounded stretch (convolutions), at most a quarter of the overlap to each side, gives
what one pass over the whole file gives, to float error. A recurrent one hangs on everything before and after, and its
curves differ by what it forgets over that quarter. Whatever a network takes from the whole of what it hears (log-mel
here is less its mean) it takes from each window by itself, as it did from the clips of training.
Legend: T frames, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class WindowCurves(NamedTuple):
    """What a system says of one window: frames from ``first_frame`` of the file on, and the whole window's classes."""

    first_frame: int
    curves_TC: NDArray[np.float32]
    clip_probabilities_C: NDArray[np.float32]


def num_joined_frames(windows: Sequence[WindowCurves]) -> int:
    """Frames of the file."""
    return windows[-1].first_frame + len(windows[-1].curves_TC)


def window_weights(windows: Sequence[WindowCurves], *, overlap_frames: int) -> list[NDArray[np.float32]]:
    """The weight of each window's frames, (T,) each; the file's own ends do not fade.

    >>> curves = np.zeros((6, 1), dtype=np.float32)
    >>> two = [WindowCurves(first, curves, np.zeros(1)) for first in (0, 2)]
    >>> [weight.tolist() for weight in window_weights(two, overlap_frames=4)]
    [[1.0, 1.0, 1.0, 0.75, 0.25, 0.0], [0.0, 0.25, 0.75, 1.0, 1.0, 1.0]]
    """
    trimmed = overlap_frames // 4
    faded = max(1, overlap_frames - 2 * trimmed)
    weights = []
    for number, window in enumerate(windows):
        num_frames = len(window.curves_TC)
        rising_T = np.clip((np.arange(num_frames) + 0.5 - trimmed) / faded, 0.0, 1.0)
        weight_T = np.ones(num_frames)
        if number > 0:
            weight_T *= rising_T
        if number < len(windows) - 1:
            weight_T *= rising_T[::-1]
        weights.append(weight_T.astype(np.float32))
    return weights


def join(windows: Sequence[WindowCurves], *, overlap_frames: int) -> NDArray[np.float32]:
    """Curves of the whole file, (T, C)."""
    if len(windows) == 1:
        return windows[0].curves_TC
    pieces = [window.curves_TC for window in windows]
    everywhere = [np.ones(window.curves_TC.shape[1], dtype=np.bool_) for window in windows]
    return weighted(windows, pieces, everywhere, overlap_frames=overlap_frames)


def weighted(
    windows: Sequence[WindowCurves],
    pieces: Sequence[NDArray[np.float32]],
    taken: Sequence[NDArray[np.bool_]],
    *,
    overlap_frames: int,
) -> NDArray[np.float32]:
    """The weighted mean of ``pieces`` (T, C), one a window, over the windows that take a class (C,); 0 without one."""
    shape = num_joined_frames(windows), pieces[0].shape[1]
    sum_TC, weight_TC = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
    weights = window_weights(windows, overlap_frames=overlap_frames)
    for window, piece_TC, taken_C, weight_T in zip(windows, pieces, taken, weights, strict=True):
        at = slice(window.first_frame, window.first_frame + len(piece_TC))
        share_TC = weight_T[:, None] * taken_C
        sum_TC[at] += share_TC * piece_TC
        weight_TC[at] += share_TC
    joined_TC: NDArray[np.float32] = np.divide(sum_TC, weight_TC, out=sum_TC, where=weight_TC > 0)
    return joined_TC
