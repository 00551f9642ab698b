"""The memory of one utterance's prefix beam search: the prefixes in the beam, and the trie of all that ever were.

Legend: S slots, one a prefix in the beam, and the last one for "nobody" (probability 0); N nodes of the trie, node 0
the empty prefix; V symbols. Probabilities are plain numbers times ``exp(log_scale)``, language model factors included.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_modules.decoding.compiled import compiled

NONE = -1  # no node, no slot
SLOTS, NODES, FRAME, STAMP = range(4)  # what ``counts`` holds: used slots, used nodes, frames done, frames with news

LOG_SCALE, NEEDED_ABOVE = range(2)  # and ``reals``: the unit of probabilities, and which prefixes need rows now

SLOT = np.dtype(
    [
        ("in_blank", np.float64),  # forward variables: the probability of the prefix's paths that end in a blank,
        ("in_token", np.float64),  # and of those that end in its last token
        ("factor", np.float64),  # the language model's, for the last token
        ("last", np.int64),  # token; V, which is no symbol, of the empty prefix
        ("node", np.int64),
        ("parent", np.int64),  # the slot of the prefix without its last token, or nobody's
        ("has_row", np.int64),
    ]
)
NODE = np.dtype(
    [
        ("parent", np.int64),
        ("token", np.int64),
        ("first_child", np.int64),
        ("sibling", np.int64),
        ("slot", np.int64),
        ("context", np.int64),  # language model state: an n-gram context,
        ("spelling", np.int64),  # how far the last word is spelt,
        ("spelt_context", np.int64),  # and the spelling model's state,
        ("log_spelt", np.float64),  # and its log probability of what is spelt
        ("words", np.int64),  # the number of finished words, and whether one is begun
        ("within_word", np.int64),
        ("hotword", np.int64),  # how much of a hotword is spelt
        ("log_weight", np.float64),  # log of all language model factors of the prefix
    ]
)


class Beam(NamedTuple):
    """Records of slots and nodes, and the factors of extensions.

    ``rows_SV[s, k]`` multiplies the probability of extending slot s by token k, and ``rows_SV[s, blank]`` that of
    ending there; valid where the slot ``has_row``.
    """

    slots_S: NDArray[np.void]
    nodes_N: NDArray[np.void]
    rows_SV: NDArray[np.float64]
    stamps_SV: NDArray[np.int32]  # the last frame with news at which (s, k) was itself in the beam
    counts: NDArray[np.int64]
    reals: NDArray[np.float64]


def empty_beam(*, beam_size: int, num_frames: int, num_symbols: int, has_rows: bool) -> Beam:
    """A beam that holds the empty prefix. Memory for every node that could come is reserved, not touched."""
    beam = Beam(
        slots_S=np.zeros(beam_size + 1, SLOT),
        nodes_N=np.empty(beam_size * num_frames + 1, NODE),
        rows_SV=np.zeros((beam_size + 1, num_symbols) if has_rows else (1, 1)),
        stamps_SV=np.zeros((beam_size + 1, num_symbols), np.int32),
        counts=np.array([1, 1, 0, 0], np.int64),
        reals=np.zeros(2),
    )
    beam.slots_S[0] = (1.0, 0.0, 1.0, num_symbols, 0, beam_size, 0)
    beam.slots_S[beam_size] = (0.0, 0.0, 1.0, NONE, NONE, beam_size, 0)
    beam.nodes_N[0] = (NONE, NONE, NONE, NONE, 0, 0, 0, 0, 0.0, 0, 0, 0, 0.0)
    return beam


@compiled
def child_of(beam: Beam, parent: int, token: int) -> tuple[int, bool]:
    """The node of a prefix and one more token, and whether it is new. A prefix that comes back gets its old node."""
    nodes_N = beam.nodes_N
    node = nodes_N[parent].first_child
    while node != NONE and nodes_N[node].token != token:
        node = nodes_N[node].sibling
    if node != NONE:
        return node, False
    node = beam.counts[NODES]
    beam.counts[NODES] += 1
    nodes_N[node].parent, nodes_N[node].token = parent, token
    nodes_N[node].first_child, nodes_N[node].slot = NONE, NONE
    nodes_N[node].sibling = nodes_N[parent].first_child
    nodes_N[parent].first_child = node
    return node, True


@compiled
def lacks_row(beam: Beam, s: int) -> bool:
    """Whether a slot needs a row and has none."""
    slot = beam.slots_S[s]
    return not slot.has_row and slot.in_blank + slot.in_token > beam.reals[NEEDED_ABOVE]


@compiled
def slots_without_rows(beam: Beam) -> NDArray[np.int64]:
    """The slots that need a row and have none."""
    return np.array([s for s in range(beam.counts[SLOTS]) if lacks_row(beam, s)], np.int64)


@compiled
def spell(beam: Beam, node: int) -> NDArray[np.int64]:
    """The tokens of a prefix."""
    length, above = 0, node
    while above != 0:
        above = beam.nodes_N[above].parent
        length += 1
    tokens = np.empty(length, np.int64)
    above = node
    for position in range(length - 1, -1, -1):
        tokens[position] = beam.nodes_N[above].token
        above = beam.nodes_N[above].parent
    return tokens
