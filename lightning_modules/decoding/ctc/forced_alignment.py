"""Forced alignment: the best CTC path of a text that is given, and what it says of each token.

``argmax_{π: B(π) = l} Σ_t log y_t^{π_t}`` by Viterbi over ``∅ l1 ∅ l2 … ∅`` (Graves 2006, the recursion of eq. 6-8 with
max for sum). With label priors a path's weight is ``Σ_t log y_t^{π_t} - α log p(π_t)``: blanks, which a CTC network
says nearly everywhere, get dearer, and tokens reach over more of their frames (Huang et al. 2024, arXiv 2406.02560,
who train with the priors; here they count in the alignment of a network that was trained without).

Among paths of equal weight the earliest wins: read from the last frame backwards, the state goes on where it may, then
comes from the state before, then from the token before; a path that may end in the last blank does. Rows of a batch do
not depend on each other. Legend: B utterances, T frames, V symbols, U tokens, S = 2U + 1 lattice states.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from datamodules.annotations import BLANK
from lightning_modules.decoding.compiled import compiled
from lightning_modules.decoding.log_posteriors import as_floats, refuse_others

MAX_STEPS = 2_000_000_000  # of the lattice, a byte each: an hour at 25 frames a second with 11,000 tokens


class NoAlignmentError(ValueError):
    """A text that no path over the frames holds; the message has frames and tokens, the name is the caller's."""


class AlignedToken(NamedTuple):
    """A token's frames, both counted in: it is said from ``first_frame`` to ``last_frame``.

    ``spike_frame`` is the one of these with its highest posterior (the first of equal ones), ``spike_log_prob`` the
    natural log of that, and ``log_prob`` the sum of its log posteriors over all of them; neither has priors in.
    """

    token: int
    first_frame: int
    last_frame: int
    spike_frame: int
    spike_log_prob: float
    log_prob: float


class Alignment(NamedTuple):
    """The tokens in order, and ``log_prob``, the natural log of the whole path's probability without priors."""

    tokens: tuple[AlignedToken, ...]
    log_prob: float


def forced_alignment(
    log_probs_TV: NDArray[np.floating] | Tensor,
    tokens: Sequence[int],
    *,
    blank: int = BLANK,
    log_priors_V: NDArray[np.floating] | None = None,
    prior_scale: float = 1.0,
) -> Alignment:
    """The best path of one utterance, exact; ``log_probs_TV`` are natural-log posteriors.

    ``prior_scale`` is α; without ``log_priors_V`` (natural logs, (V,), of ``wfst/label_priors.py``) it means nothing.
    Raises ``NoAlignmentError`` for fewer frames than tokens and the blanks between equal neighbours, and where every
    path has probability 0; ``ValueError`` for tokens, priors or shapes that do not fit, NaN, and log-probabilities
    above 0.

    >>> half, sure = [0.5, 0.5], [0.1, 0.9]
    >>> alignment = forced_alignment(np.log([sure, half, [0.8, 0.2], sure]), [1, 1])
    >>> [(token.first_frame, token.last_frame, token.spike_frame) for token in alignment.tokens]
    [(0, 0, 0), (3, 3, 3)]
    """
    numbers_TV = as_floats(log_probs_TV)
    _check(numbers_TV, tokens, blank, log_priors_V, prior_scale)
    needed = len(tokens) + sum(token == after for token, after in pairwise(tokens))
    if len(numbers_TV) < needed:
        raise NoAlignmentError(f"{len(numbers_TV)} frames for {len(tokens)} tokens, which need {needed} or more")
    if len(numbers_TV) * (2 * len(tokens) + 1) > MAX_STEPS:
        raise NoAlignmentError(f"{len(numbers_TV)} frames and {len(tokens)} tokens are too many at once; cut the audio")
    weights_TV = numbers_TV.astype(np.float64)
    if log_priors_V is not None:
        weights_TV -= prior_scale * np.asarray(log_priors_V, np.float64)
    tokens_U = np.array(tokens, dtype=np.int64)
    states_T = _best_states(weights_TV, tokens_U, blank)
    if len(states_T) and states_T[0] < 0:
        raise NoAlignmentError(
            f"every path of the {len(tokens)} tokens over {len(numbers_TV)} frames has probability 0"
        )
    return _summary(numbers_TV.astype(np.float64), tokens_U, states_T, blank)


def forced_alignments(
    log_probs_BTV: NDArray[np.floating] | Tensor,
    num_frames_B: Sequence[int] | NDArray[np.integer],
    tokens_B: Sequence[Sequence[int]],
    *,
    blank: int = BLANK,
    log_priors_V: NDArray[np.floating] | None = None,
    prior_scale: float = 1.0,
) -> list[Alignment]:
    """``forced_alignment`` of every row; frames from ``num_frames_B`` on are not looked at."""
    return [
        forced_alignment(
            log_probs_TV[: int(frames)], tokens, blank=blank, log_priors_V=log_priors_V, prior_scale=prior_scale
        )
        for log_probs_TV, frames, tokens in zip(log_probs_BTV, num_frames_B, tokens_B, strict=True)
    ]


def _check(
    log_probs_TV: NDArray[np.floating],
    tokens: Sequence[int],
    blank: int,
    log_priors_V: NDArray[np.floating] | None,
    prior_scale: float,
) -> None:
    if log_probs_TV.ndim != 2 or not 0 <= blank < log_probs_TV.shape[1]:
        raise ValueError(f"log_probs_TV {log_probs_TV.shape} and blank {blank}, allowed: (T, V) and 0 <= blank < V")
    num_symbols = log_probs_TV.shape[1]
    for token in tokens:
        if not 0 <= token < num_symbols or token == blank:
            raise ValueError(f"token {token}, allowed: 0 to {num_symbols - 1} other than the blank {blank}")
    if log_probs_TV.size:
        refuse_others(float(log_probs_TV.max()), what="log_probs_TV")
    if log_priors_V is not None:
        priors_V = np.asarray(log_priors_V)
        if priors_V.shape != (num_symbols,) or not np.isfinite(priors_V).all() or not 0 <= prior_scale < np.inf:
            raise ValueError(
                f"log_priors_V {priors_V.shape} and prior_scale {prior_scale}, "
                f"allowed: {num_symbols} finite numbers, and 0 or more"
            )


def _summary(
    log_probs_TV: NDArray[np.float64], tokens_U: NDArray[np.int64], states_T: NDArray[np.int64], blank: int
) -> Alignment:
    symbols_T = np.full(len(states_T), blank)
    is_token_T = states_T % 2 == 1
    symbols_T[is_token_T] = tokens_U[states_T[is_token_T] // 2]
    said_T = log_probs_TV[np.arange(len(states_T)), symbols_T]
    aligned = []
    for position, token in enumerate(tokens_U.tolist()):
        state = 2 * position + 1
        first, end = (int(place) for place in np.searchsorted(states_T, [state, state + 1]))  # states never fall
        spike = first + int(said_T[first:end].argmax())
        log_prob = float(said_T[first:end].sum())
        aligned.append(AlignedToken(token, first, end - 1, spike, float(said_T[spike]), log_prob))
    return Alignment(tuple(aligned), float(said_T.sum()))


@compiled
def _best_states(weights_TV: NDArray[np.float64], tokens_U: NDArray[np.int64], blank: int) -> NDArray[np.int64]:
    """The lattice state of each frame on the best path, (T,); -1 first where no path has a weight above -inf."""
    num_frames, num_states = len(weights_TV), 2 * len(tokens_U) + 1
    best_S = np.full(num_states, -np.inf)
    best_S[0] = 0.0  # before the first frame: as if a blank had been read
    step_TS = np.zeros((num_frames, num_states), dtype=np.int8)  # states advanced on the way into (t, s)
    for t in range(num_frames):
        for s in range(num_states - 1, -1, -1):  # downwards: what is below is still of the frame before
            best, step = best_S[s], 0
            if s > 0 and best_S[s - 1] > best:
                best, step = best_S[s - 1], 1
            if s > 2 and s % 2 == 1 and tokens_U[s // 2] != tokens_U[s // 2 - 1] and best_S[s - 2] > best:
                best, step = best_S[s - 2], 2
            best_S[s] = best + weights_TV[t, blank if s % 2 == 0 else tokens_U[s // 2]]
            step_TS[t, s] = step
    state = num_states - 1
    if num_states > 1 and best_S[num_states - 2] > best_S[state]:
        state = num_states - 2
    states_T = np.full(num_frames, -1, dtype=np.int64)
    if best_S[state] == -np.inf:
        return states_T
    for t in range(num_frames - 1, -1, -1):
        states_T[t] = state
        state -= step_TS[t, state]
    return states_T
