"""A given labelling on the CTC lattice: its exact probability, and the frames of its best path.

``P(l|x) = Σ_{π: B(π) = l} Π_t y_t^{π_t}`` by the forward variables over ``∅ l1 ∅ l2 … ∅`` (Graves 2006, eq. 6–8), in
the log domain and double precision; the alignment is the same recursion with max for sum. Decoders search with
approximations; these two say what they found. Legend: T frames, V symbols, U tokens, S = 2U + 1 lattice states.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from datamodules.annotations import BLANK
from lightning_modules.decoding.log_posteriors import as_floats, refuse_others


def labelling_log_prob(log_probs_TV: NDArray[np.floating], tokens: Sequence[int], *, blank: int = BLANK) -> float:
    """Natural log of the labelling's probability, summed over all alignments; -inf where none fits into T frames.

    Raises ``ValueError`` for NaN and for log-probabilities above 0.

    >>> round(math.exp(labelling_log_prob(np.log([[0.6, 0.4], [0.6, 0.4]]), [1])), 3)
    0.64
    """
    return float(_forward(_checked(log_probs_TV), np.array(tokens, dtype=np.int64), blank))


def align(log_probs_TV: NDArray[np.floating], tokens: Sequence[int], *, blank: int = BLANK) -> tuple[int, ...]:
    """The first frame of each token on the labelling's best path; as early as possible where paths are equal.

    Raises ``ValueError`` where no path of more than no probability holds the labelling, for NaN, and for
    log-probabilities above 0.

    >>> align(np.log([[0.1, 0.9], [0.8, 0.2], [0.4, 0.6]]), [1, 1])
    (0, 2)
    """
    frames_U = _best_path(_checked(log_probs_TV), np.array(tokens, dtype=np.int64), blank)
    if len(tokens) and frames_U[0] < 0:
        raise ValueError(f"no path over {len(log_probs_TV)} frames holds the {len(tokens)} tokens {tuple(tokens)}")
    return tuple(frames_U.tolist())


def _checked(log_probs_TV: NDArray[np.floating]) -> NDArray[np.floating]:
    numbers_TV = as_floats(log_probs_TV)
    if numbers_TV.size:
        refuse_others(float(numbers_TV.max()), what="log_probs_TV")
    return numbers_TV


@njit(cache=True, nogil=True)
def _log_add(a: float, b: float) -> float:
    high = max(a, b)
    if high == -np.inf:
        return high
    return high + math.log1p(math.exp(min(a, b) - high))


@njit(cache=True, nogil=True)
def _forward(log_probs_TV: NDArray[np.floating], tokens_U: NDArray[np.int64], blank: int) -> float:
    num_states = 2 * len(tokens_U) + 1
    alpha_S = np.full(num_states, -np.inf)
    alpha_S[0] = 0.0  # before the first frame: as if a blank had been read
    for t in range(len(log_probs_TV)):
        for s in range(num_states - 1, -1, -1):  # downwards: what is below is still of the frame before
            total = alpha_S[s]
            if s > 0:
                total = _log_add(total, alpha_S[s - 1])
            if s > 2 and s % 2 == 1 and tokens_U[s // 2] != tokens_U[s // 2 - 1]:
                total = _log_add(total, alpha_S[s - 2])
            alpha_S[s] = total + log_probs_TV[t, blank if s % 2 == 0 else tokens_U[s // 2]]
    return alpha_S[0] if num_states == 1 else _log_add(alpha_S[num_states - 1], alpha_S[num_states - 2])


@njit(cache=True, nogil=True)
def _best_path(log_probs_TV: NDArray[np.floating], tokens_U: NDArray[np.int64], blank: int) -> NDArray[np.int64]:
    num_frames, num_states = len(log_probs_TV), 2 * len(tokens_U) + 1
    best_S = np.full(num_states, -np.inf)
    best_S[0] = 0.0
    step_TS = np.zeros((num_frames, num_states), dtype=np.int8)  # states advanced on the way into (t, s)
    for t in range(num_frames):
        for s in range(num_states - 1, -1, -1):
            # Staying is preferred where equal: then the path enters its states early.
            best, step = best_S[s], 0
            if s > 0 and best_S[s - 1] > best:
                best, step = best_S[s - 1], 1
            if s > 2 and s % 2 == 1 and tokens_U[s // 2] != tokens_U[s // 2 - 1] and best_S[s - 2] > best:
                best, step = best_S[s - 2], 2
            best_S[s] = best + log_probs_TV[t, blank if s % 2 == 0 else tokens_U[s // 2]]
            step_TS[t, s] = step
    frames_U = np.full(len(tokens_U), -1, dtype=np.int64)
    state = num_states - 1
    if num_states > 1 and best_S[num_states - 2] > best_S[state]:
        state = num_states - 2
    if best_S[state] == -np.inf:
        return frames_U
    for t in range(num_frames - 1, -1, -1):
        if state % 2 == 1:
            frames_U[state // 2] = t  # overwritten by earlier frames of the run
        state -= step_TS[t, state]
    return frames_U
