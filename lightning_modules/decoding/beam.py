"""The memory of one utterance's prefix beam search: the prefixes in the beam, and the trie of all that ever were.

Legend: S slots, one a prefix in the beam, and the last one for "nobody" (probability 0); N nodes of the trie, node 0
the empty prefix; V symbols. Probabilities are plain numbers times ``exp(log_scale)``, language model factors included.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

NONE = -1  # no node, no slot
SLOTS, NODES, FRAME, STAMP = range(4)  # what ``counts`` holds: used slots, used nodes, frames done, frames with news

Reals = NDArray[np.float64]
Indices = NDArray[np.int32]


class Beam(NamedTuple):
    """Slots, then rows of language model factors, then nodes. ``last_S`` of the empty prefix is V, which is no symbol.

    ``in_blank_S`` and ``in_token_S`` are the forward variables of a prefix: the probability of its paths that end in a
    blank, or in its last token. ``rows_SV[s, k]`` multiplies the probability of extending slot s by token k, and
    ``rows_SV[s, blank]`` that of ending there; valid where ``has_row_S``.
    """

    in_blank_S: Reals
    in_token_S: Reals
    last_S: Indices
    node_S: Indices
    parent_S: Indices  # the slot of the prefix without its last token, or nobody's
    factor_S: Reals  # the language model's factor for the last token
    has_row_S: NDArray[np.bool_]
    rows_SV: Reals
    child_stamp_SV: Indices  # frames with news at which (s, k) was itself in the beam
    parent_N: Indices
    token_N: Indices
    first_child_N: Indices
    sibling_N: Indices
    slot_N: Indices
    context_N: Indices  # language model state: an n-gram context
    spelling_N: Indices  # and how far the last word is spelt
    words_N: Indices  # finished words
    log_weight_N: Reals  # log of all factors of a prefix
    counts: NDArray[np.int64]
    log_scale: Reals


def empty_beam(*, beam_size: int, num_frames: int, num_symbols: int, has_rows: bool) -> Beam:
    """A beam that holds the empty prefix. Memory for every node that could come is reserved, not touched."""
    slots, nodes = beam_size + 1, beam_size * num_frames + 1
    states = nodes if has_rows else 1
    beam = Beam(
        in_blank_S=np.zeros(slots),
        in_token_S=np.zeros(slots),
        last_S=np.full(slots, NONE, np.int32),
        node_S=np.zeros(slots, np.int32),
        parent_S=np.full(slots, beam_size, np.int32),
        factor_S=np.ones(slots),
        has_row_S=np.zeros(slots, np.bool_),
        rows_SV=np.empty((slots, num_symbols) if has_rows else (1, 1)),
        child_stamp_SV=np.zeros((slots, num_symbols), np.int32),
        parent_N=np.empty(nodes, np.int32),
        token_N=np.empty(nodes, np.int32),
        first_child_N=np.empty(nodes, np.int32),
        sibling_N=np.empty(nodes, np.int32),
        slot_N=np.empty(nodes, np.int32),
        context_N=np.zeros(states, np.int32),
        spelling_N=np.zeros(states, np.int32),
        words_N=np.zeros(states, np.int32),
        log_weight_N=np.zeros(states),
        counts=np.array([1, 1, 0, 0], np.int64),
        log_scale=np.zeros(1),
    )
    beam.in_blank_S[0] = 1.0
    beam.last_S[0] = num_symbols
    for array in (beam.parent_N, beam.token_N, beam.first_child_N, beam.sibling_N):
        array[0] = NONE
    beam.slot_N[0] = 0
    return beam


@njit(cache=True, nogil=True)
def child_of(beam: Beam, parent: int, token: int) -> tuple[int, bool]:
    """The node of a prefix and one more token, and whether it is new. A prefix that comes back gets its old node."""
    node = beam.first_child_N[parent]
    while node != NONE and beam.token_N[node] != token:
        node = beam.sibling_N[node]
    if node != NONE:
        return node, False
    node = beam.counts[NODES]
    beam.counts[NODES] += 1
    beam.parent_N[node], beam.token_N[node] = parent, token
    beam.first_child_N[node] = NONE
    beam.sibling_N[node] = beam.first_child_N[parent]
    beam.first_child_N[parent] = node
    beam.slot_N[node] = NONE
    return node, True


@njit(cache=True, nogil=True)
def spell(beam: Beam, node: int) -> NDArray[np.int64]:
    """The tokens of a prefix."""
    length, above = 0, node
    while above != 0:
        above = beam.parent_N[above]
        length += 1
    tokens = np.empty(length, np.int64)
    for position in range(length - 1, -1, -1):
        tokens[position] = beam.token_N[node]
        node = beam.parent_N[node]
    return tokens
