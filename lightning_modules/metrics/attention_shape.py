"""What the attention of a whole utterance looks like: does it walk along the time axis, and how wide does it look?

Weights of one utterance are (U, T): a row for each output token, the end token's last, that sums to 1 over the
utterance's own encoded frames. A recogniser that has learnt to attend has a narrow band from one corner to the other
(Bahdanau 2014, figure 3; Chan 2015, figure 2); one that has not looks everywhere, or at one place for ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite, log, nan
from statistics import fmean

import numpy as np
from numpy.typing import NDArray


def diagonality(weights_UT: NDArray[np.floating]) -> float:
    """How near an alignment is to monotone: the correlation of token index and frame, weighted by attention.

    Pearson's correlation of (u, t) under the distribution ``weights_UT / U``, in -1 to 1: 1 for an even walk from left
    to right on single frames, 0 where every token looks alike (evenly, or all at one frame), -1 backwards. Pauses and
    uneven speed cost little, a broad look costs more: with the *expected* frame of each token instead, weights that
    are all but even and drift by a hair would have 1. nan for fewer than two tokens or frames, where nothing can walk.

    >>> walk = np.array([[1.0, 0, 0, 0], [0, 0.5, 0.5, 0], [0, 0, 0, 1.0]])
    >>> round(diagonality(walk), 3), round(diagonality(walk[::-1]), 3), diagonality(np.full((3, 4), 0.25))
    (0.973, -0.973, 0.0)
    """
    num_tokens, num_frames = weights_UT.shape
    if num_tokens < 2 or num_frames < 2:
        return nan
    joint_UT = weights_UT.astype(np.float64) / weights_UT.sum(dtype=np.float64)
    share_U, share_T = joint_UT.sum(axis=1), joint_UT.sum(axis=0)
    tokens_U, frames_T = np.arange(num_tokens), np.arange(num_frames)
    tokens_U = tokens_U - share_U @ tokens_U
    frames_T = frames_T - share_T @ frames_T
    spread = float(np.sqrt((share_U @ tokens_U**2) * (share_T @ frames_T**2)))
    return float(tokens_U @ joint_UT @ frames_T) / spread if spread > 1e-9 else 0.0


def attention_entropy(weights_UT: NDArray[np.floating]) -> float:
    """How wide attention looks: the mean over tokens of ``-sum_t w_ut log w_ut``, relative to ``log T``.

    0 where each token looks at one frame, 1 where it looks at all alike. nan without a token, and for fewer than two
    frames.

    >>> attention_entropy(np.array([[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]))
    0.25
    """
    num_tokens, num_frames = weights_UT.shape
    if num_tokens < 1 or num_frames < 2:
        return nan
    w_UT = weights_UT.astype(np.float64)
    nats = -float(np.multiply(w_UT, np.log(w_UT, where=w_UT > 0, out=np.zeros_like(w_UT))).sum())
    return max(nats, 0.0) / float(num_tokens * log(num_frames))


def attention_shape(alignments: Iterable[NDArray[np.floating]]) -> dict[str, float]:
    """``attention_diagonality`` and ``attention_entropy`` of a split: means over its utterances' (U, T) weights.

    An utterance of which a figure is undefined is left out of that mean, and a mean of none is left out.
    """
    pairs = [(diagonality(weights_UT), attention_entropy(weights_UT)) for weights_UT in alignments]
    figures = {}
    for index, name in enumerate(("attention_diagonality", "attention_entropy")):
        defined = [pair[index] for pair in pairs if isfinite(pair[index])]
        if defined:
            figures[name] = fmean(defined)
    return figures
