"""How spiky CTC posteriors are: nearly all frames say blank with certainty, and a token lives for a frame or two.

Graves et al. 2006 (figure 1) show it; Bluche et al. 2015 and Zeyer et al. 2021 say why training makes it
so. Figures of one split, over all its frames (a mean of utterances' means is something else):

=======================  ==========================================================================================
``blank_frames_over_95``  share of frames with P(blank) > 0.95, and likewise ``blank_frames_over_99``
``frames_per_token``     frames / tokens of the best path: how far apart tokens are
``spike_frames``         frames on which a token is the best symbol / tokens of the best path: how long one lives
``posterior_entropy``    mean over frames of ``-sum_v p_v log p_v``, in nats
=======================  ==========================================================================================
"""

from __future__ import annotations

from math import nan

import numpy as np
from numpy.typing import NDArray

_FRAMES_AT_ONCE = 65_536


def spikiness(
    log_probs_FV: NDArray[np.floating], num_frames_N: NDArray[np.integer], *, blank: int = 0
) -> dict[str, float]:
    """Figures by name of N utterances, their frames one after another (F = sum of ``num_frames_N``); log = natural.

    The two per token are left out where the best paths hold no token, all where there is no frame.
    Raises ``ValueError`` where the frames are not as many as said.

    >>> log_probs_FV = np.log([[0.98, 0.01, 0.01], [0.1, 0.8, 0.1], [0.2, 0.7, 0.1], [1.0, 0.0, 0.0]])
    >>> {name: round(value, 3) for name, value in spikiness(log_probs_FV, np.array([4])).items()}
    ... # doctest: +NORMALIZE_WHITESPACE
    {'blank_frames_over_95': 0.5, 'blank_frames_over_99': 0.25, 'posterior_entropy': 0.388,
     'frames_per_token': 4.0, 'spike_frames': 2.0}
    """
    num_frames = len(log_probs_FV)
    if num_frames != int(num_frames_N.sum()):
        raise ValueError(f"log_probs_FV has {num_frames} frames, num_frames_N says {int(num_frames_N.sum())}")
    if not num_frames:
        return {}
    blank_F = log_probs_FV[:, blank]
    best_F = log_probs_FV.argmax(axis=1)
    starts_F = np.append(True, best_F[1:] != best_F[:-1])  # of runs of one symbol; an utterance starts one too
    starts_F[(np.cumsum(num_frames_N) - num_frames_N)[num_frames_N > 0]] = True
    num_tokens = int((starts_F & (best_F != blank)).sum())
    figures = {
        "blank_frames_over_95": float((blank_F > np.log(0.95)).mean()),
        "blank_frames_over_99": float((blank_F > np.log(0.99)).mean()),
        "posterior_entropy": _total_entropy(log_probs_FV) / num_frames,
        "frames_per_token": num_frames / num_tokens if num_tokens else nan,
        "spike_frames": float((best_F != blank).sum()) / num_tokens if num_tokens else nan,
    }
    return {name: value for name, value in figures.items() if not np.isnan(value)}


def _total_entropy(log_probs_FV: NDArray[np.floating]) -> float:
    total = 0.0
    for start in range(0, len(log_probs_FV), _FRAMES_AT_ONCE):
        log_p = log_probs_FV[start : start + _FRAMES_AT_ONCE].astype(np.float64)
        p = np.exp(log_p)
        total -= float(np.multiply(p, log_p, where=p > 0, out=np.zeros_like(p)).sum())
    return total
