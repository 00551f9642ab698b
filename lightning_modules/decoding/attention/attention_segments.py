"""From attention to time: which token each frame belongs to, if texts are said from left to right.

A decoder's weights say for every token where it looked, not for every frame what is said there, and nothing keeps them
in order. The path that goes through all tokens once, each for one frame or more, and has the largest
``Σ_t log(w_{u(t),t} + ε)`` is the monotone reading of them (Viterbi; Whisper's word times come of a path of the same
kind, found by dynamic time warping). A weight of nothing costs ``log ε`` and no more: one frame does not forbid a path.
Legend: U tokens, T frames.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEAST_WEIGHT = 1e-4


def attention_segments(weights_UT: NDArray[np.floating]) -> NDArray[np.int64] | None:
    """First frame of each token and, last, the number of frames, (U + 1,); None for fewer frames than tokens.

    Among paths of equal weight the one that moves on later wins.

    >>> attention_segments(np.array([[0.9, 0.1, 0.0, 0.0], [0.0, 0.0, 0.4, 0.6]])).tolist()
    [0, 2, 4]
    """
    num_tokens, num_frames = weights_UT.shape
    if num_frames < num_tokens or not num_tokens:
        return None
    scores_UT = np.log(weights_UT.astype(np.float64) + LEAST_WEIGHT)
    best_U = np.full(num_tokens, -np.inf)
    best_U[0] = scores_UT[0, 0]
    has_moved_TU = np.zeros((num_frames, num_tokens), dtype=np.bool_)
    for frame in range(1, num_frames):
        moved_U = np.concatenate([[-np.inf], best_U[:-1]])
        has_moved_TU[frame] = moved_U > best_U
        best_U = np.maximum(best_U, moved_U) + scores_UT[:, frame]
    edges_U = np.full(num_tokens + 1, num_frames, dtype=np.int64)
    token = num_tokens - 1
    for frame in range(num_frames - 1, 0, -1):
        if has_moved_TU[frame, token]:
            edges_U[token] = frame
            token -= 1
    edges_U[0] = 0
    return edges_U
