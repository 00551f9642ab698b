"""Prefix search decoding: best-first over prefixes for the most probable labelling (Graves 2006, section 3.2).

A prefix p = p* + k is weighed by the mass of all labellings that truly extend it,
``P(p…) = Σ_t y_t^k (g_b(p*, t−1) + [k ≠ last(p*)] g_n(p*, t−1)) − P(p)``, where g_b and g_n are the forward variables
of paths that end in a blank or not, g_b(∅, 0) = 1. The heaviest prefix is extended first, until no mass left exceeds
the best labelling found. Sections between frames with P(blank) above a threshold are searched one by one, and joined.

Differs from the paper: best path's labelling is the first candidate, so that weak prefixes are cut at once; and the
work is bounded, because the search is exponential where posteriors are flat: a section that takes too long is halved
at its surest blank. Legend: T frames, V symbols, U tokens, P prefixes that were extended.
"""

from __future__ import annotations

import heapq
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

from datamodules.annotations import BLANK, Hypothesis
from lightning_modules.decoding.ctc.greedy import greedy
from lightning_modules.decoding.ctc.labelling import align, labelling_log_prob
from lightning_modules.decoding.log_posteriors import as_floats, refuse_others

MAX_EXPANSIONS = 1_000
LOWEST_LOG_PROB = -600.0  # the search is in plain probabilities, and a double ends at e^-745


class SearchedBatch(NamedTuple):
    """Hypotheses of a batch; how many sections were searched, and how many of them were given up unfinished."""

    hypotheses: list[Hypothesis]
    num_sections: int
    num_unfinished: int


def prefix_search(
    log_probs_TV: NDArray[np.floating] | Tensor,
    *,
    blank: int = BLANK,
    blank_threshold: float = 0.9999,
    max_expansions: int = MAX_EXPANSIONS,
) -> Hypothesis:
    """The most probable labelling of one utterance, (T, V) natural-log posteriors; exact where nothing was cut.

    Frames with P(blank) > ``blank_threshold`` separate sections (above 1: never). A section that is not done after
    ``max_expansions`` extended prefixes is cut at the likeliest blank of its middle half and its parts are searched,
    and so on; the best complete labelling met is its answer, never less probable than best path's (in the section), but
    perhaps not the best of all. ``prefix_search_batch`` counts such sections. ``score`` is the log of the joined
    labelling's exact probability over the whole utterance, ``frames`` its tokens' first frames on its best path.
    Where a frame gives no symbol a probability the answer is empty with score -inf. Raises ``ValueError`` for a shape
    or blank that does not fit, for NaN, and for log-probabilities above 0.

    Best path reads nothing here, though "a" (token 1) has a probability of 0.64 and "" only 0.36:

    >>> log_probs_TV = np.log([[0.6, 0.4], [0.6, 0.4]])
    >>> greedy(log_probs_TV[None], [2])[0].tokens, prefix_search(log_probs_TV).tokens
    ((), (1,))
    """
    searched = _search(_array(log_probs_TV), blank, blank_threshold, max_expansions)
    return searched.hypotheses[0]


def prefix_search_batch(
    log_probs_BTV: NDArray[np.floating] | Tensor,
    num_frames_B: NDArray[np.integer] | Tensor,
    *,
    blank: int = BLANK,
    blank_threshold: float = 0.9999,
    max_expansions: int = MAX_EXPANSIONS,
) -> SearchedBatch:
    """``prefix_search`` of every row, and how many sections were left unfinished."""
    found = [
        _search(_array(log_probs_TV)[: int(num_frames)], blank, blank_threshold, max_expansions)
        for log_probs_TV, num_frames in zip(log_probs_BTV, num_frames_B, strict=True)
    ]
    return SearchedBatch(
        [one.hypotheses[0] for one in found],
        sum(one.num_sections for one in found),
        sum(one.num_unfinished for one in found),
    )


def _array(log_probs: NDArray[np.floating] | Tensor) -> NDArray[np.floating]:
    return as_floats(log_probs.float() if isinstance(log_probs, Tensor) else log_probs)


def _search(
    log_probs_TV: NDArray[np.floating], blank: int, blank_threshold: float, max_expansions: int
) -> SearchedBatch:
    if log_probs_TV.ndim != 2 or not 0 <= blank < log_probs_TV.shape[1]:
        raise ValueError(f"log_probs_TV {log_probs_TV.shape} and blank {blank}, allowed: (T, V) and 0 <= blank < V")
    if len(log_probs_TV):
        refuse_others(float(log_probs_TV.max()), what="log_probs_TV")
    if (log_probs_TV == -np.inf).all(axis=1).any():
        return SearchedBatch([Hypothesis((), -np.inf, ())], 0, 0)
    inside_T = np.pad(np.exp(log_probs_TV[:, blank], dtype=np.float64) <= blank_threshold, 1)
    sections = np.flatnonzero(inside_T[1:] != inside_T[:-1]).reshape(-1, 2).tolist()
    searched = [_search_within(log_probs_TV[first:end], blank, max_expansions) for first, end in sections]
    tokens = tuple(token for labelling, _ in searched for token in labelling)
    score = labelling_log_prob(log_probs_TV, tokens, blank=blank)
    hypothesis = Hypothesis(tokens, score, align(log_probs_TV, tokens, blank=blank))
    return SearchedBatch([hypothesis], len(searched), sum(not finished for _, finished in searched))


def _search_within(log_probs_TV: NDArray[np.floating], blank: int, max_expansions: int) -> tuple[tuple[int, ...], bool]:
    """The best labelling of a section, and whether that is proven; halves what takes too long."""
    num_frames = len(log_probs_TV)
    candidate = greedy(log_probs_TV[None], [num_frames], blank=blank)[0].tokens
    log_prob = labelling_log_prob(log_probs_TV, candidate, blank=blank)
    if log_prob > LOWEST_LOG_PROB:
        probs_TV = np.exp(log_probs_TV, dtype=np.float64)
        candidate_U = np.array(candidate, dtype=np.int64)
        found_U, finished = _search_section(probs_TV, blank, candidate_U, np.exp(log_prob), max_expansions)
        candidate = tuple(found_U.tolist())
        if finished or num_frames < 2:
            return candidate, finished
    quarter = num_frames // 4
    cut = quarter + int(log_probs_TV[quarter : num_frames - quarter, blank].argmax())
    halves = [
        _search_within(part_TV, blank, max_expansions)[0]
        for part_TV in (log_probs_TV[:cut], log_probs_TV[cut + 1 :])
        if len(part_TV)
    ]
    joined = tuple(token for labelling in halves for token in labelling)
    better = max((candidate, joined), key=lambda tokens: labelling_log_prob(log_probs_TV, tokens, blank=blank))
    return better, False


@njit(cache=True, nogil=True)
def _search_section(
    probs_TV: NDArray[np.float64],
    blank: int,
    candidate_U: NDArray[np.int64],
    candidate_prob: float,
    max_expansions: int,
) -> tuple[NDArray[np.int64], bool]:
    """The best labelling, and whether that is proven. ``candidate_U`` is known to have ``candidate_prob``."""
    num_frames, num_symbols = probs_TV.shape
    ended_V, open_V = np.zeros(num_symbols), np.zeros(num_symbols)
    best_prob, best_parent, best_label = candidate_prob, -1, -1  # -1: still the candidate
    parent_P, label_P = [-1], [blank]
    forward_P = [_root(probs_TV[:, blank])]
    if forward_P[0][0, num_frames] > best_prob:
        best_prob, best_parent, best_label = forward_P[0][0, num_frames], 0, blank
    heap = [(-1.0, 0, 0, blank)]  # (−mass, order of arrival, extended prefix, label that follows it)
    arrivals = 0
    finished = True
    while heap and -heap[0][0] > best_prob:
        if len(parent_P) > max_expansions:
            finished = False
            break
        _, _, parent, label = heapq.heappop(heap)
        node = parent
        if label != blank:
            node = len(parent_P)
            parent_P.append(parent)
            label_P.append(label)
            forward_P.append(_extend(probs_TV, blank, forward_P[parent], label, label == label_P[parent]))
        _weigh_children(probs_TV, blank, forward_P[node], label_P[node], ended_V, open_V)
        for k in range(num_symbols):
            if k != blank and ended_V[k] > best_prob:
                best_prob, best_parent, best_label = ended_V[k], node, k
        for k in range(num_symbols):
            if k != blank and open_V[k] > best_prob:
                arrivals += 1
                heapq.heappush(heap, (-open_V[k], arrivals, node, k))
    if best_parent < 0:
        return candidate_U, finished
    return _spell(parent_P, label_P, best_parent, best_label, blank), finished


@njit(cache=True, nogil=True)
def _root(blank_T: NDArray[np.float64]) -> NDArray[np.float64]:
    """g_b and g_n of the empty prefix at 0 to T frames, (2, T + 1)."""
    forward = np.zeros((2, len(blank_T) + 1))
    forward[0, 0] = 1.0
    forward[0, 1:] = np.cumprod(blank_T)
    return forward


@njit(cache=True, nogil=True)
def _extend(
    probs_TV: NDArray[np.float64], blank: int, forward: NDArray[np.float64], label: int, repeated: bool
) -> NDArray[np.float64]:
    """g_b and g_n of a prefix's extension by a label, which is ``repeated`` where it equals the prefix's last."""
    extended = np.zeros(forward.shape)
    for t in range(len(probs_TV)):
        new = forward[0, t] if repeated else forward[0, t] + forward[1, t]
        extended[0, t + 1] = probs_TV[t, blank] * (extended[0, t] + extended[1, t])
        extended[1, t + 1] = probs_TV[t, label] * (new + extended[1, t])
    return extended


@njit(cache=True, nogil=True)
def _weigh_children(
    probs_TV: NDArray[np.float64],
    blank: int,
    forward: NDArray[np.float64],
    last: int,
    ended_V: NDArray[np.float64],
    open_V: NDArray[np.float64],
) -> None:
    """Write each extension's own probability P(p) into ``ended_V``, and its mass P(p…) into ``open_V``."""
    num_frames, num_symbols = probs_TV.shape
    in_blank_V, in_label_V, prefix_V = np.zeros(num_symbols), np.zeros(num_symbols), np.zeros(num_symbols)
    for t in range(num_frames):
        any_end, blank_end = forward[0, t] + forward[1, t], forward[0, t]
        blank_prob = probs_TV[t, blank]
        for k in range(num_symbols):
            new = probs_TV[t, k] * (blank_end if k == last else any_end)
            in_blank_V[k] = blank_prob * (in_blank_V[k] + in_label_V[k])
            in_label_V[k] = new + probs_TV[t, k] * in_label_V[k]
            prefix_V[k] += new
    for k in range(num_symbols):
        ended_V[k] = in_blank_V[k] + in_label_V[k]
        open_V[k] = prefix_V[k] - ended_V[k]


@njit(cache=True, nogil=True)
def _spell(parent_P: list[int], label_P: list[int], node: int, label: int, blank: int) -> NDArray[np.int64]:
    """The tokens of an extended prefix and one more label (none where it is the blank)."""
    tokens = [label]
    while node >= 0:
        tokens.append(label_P[node])
        node = parent_P[node]
    tokens = [token for token in tokens[::-1] if token != blank]
    return np.array(tokens, dtype=np.int64)
