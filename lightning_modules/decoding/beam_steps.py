"""The compiled frames of prefix beam search: what stays, what is new, which of both the next beam holds.

Exact steps that save the time. (1) Where the beam is full, the worst of the prefixes that stay bounds from below what
may enter; if no extension can exceed it, as in nearly all frames of a trained CTC model, the frame is only stays.
(2) Otherwise tokens come in falling probability, and a prefix whose extension failed is not tried with later tokens.
(3) Whenever enough candidates are found, the bound rises to the worst of the best ones. Nothing is pruned but what
falls out of the beam. Among equal candidates earlier slots, then likelier tokens win: the same in every batch.
Legend as in ``beam``; T frames, C candidates. ``probs_TV`` has one column more than symbols, of zeros.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from lightning_modules.decoding.beam import FRAME, NONE, SLOTS, STAMP, Beam, child_of
from lightning_modules.decoding.fusion import GIVEN, NOTHING, Fusion, fill_row, follow, start
from lightning_modules.decoding.largest import keep_largest

STAYS = -1  # the "token" of a candidate that is already in the beam
SMALLEST = 2.0**-100


class Candidates(NamedTuple):
    """Scratch memory: stays by slot; candidates in the order found; tokens and slots still worth trying."""

    in_blank_S: NDArray[np.float64]
    in_token_S: NDArray[np.float64]
    total_S: NDArray[np.float64]
    prob_C: NDArray[np.float64]
    slot_C: NDArray[np.int32]
    token_C: NDArray[np.int32]
    kept_C: NDArray[np.bool_]
    node_C: NDArray[np.int32]
    factor_C: NDArray[np.float64]
    stays_S: NDArray[np.bool_]
    tokens_V: NDArray[np.int32]
    slots_S: NDArray[np.int32]


@njit(cache=True, nogil=True)
def _candidates(num_slots: int, num_symbols: int) -> Candidates:
    room = 3 * num_slots + 1
    return Candidates(
        np.empty(num_slots), np.empty(num_slots), np.zeros(num_slots), np.empty(room), np.empty(room, np.int32),
        np.empty(room, np.int32), np.empty(room, np.bool_), np.empty(room, np.int32), np.empty(room),
        np.empty(num_slots, np.bool_), np.empty(num_symbols, np.int32), np.empty(num_slots, np.int32),
    )  # fmt: skip


@njit(cache=True, nogil=True)
def run(probs_TV: NDArray[np.float64], beam: Beam, fusion: Fusion) -> bool:
    """Go through the frames that are left; False where rows are missing that only the outside can fill (kind GIVEN)."""
    beam_size = len(beam.node_S) - 1
    found = _candidates(beam_size + 1, probs_TV.shape[1] - 1)
    if beam.counts[FRAME] == 0:
        start(fusion, beam)
    for t in range(beam.counts[FRAME], len(probs_TV)):
        beam.counts[FRAME] = t
        probs_V = probs_TV[t]
        highest = _stay(probs_V, beam, fusion, found)
        slots = beam.counts[SLOTS]
        floor = found.in_blank_S[0] + found.in_token_S[0] if slots == beam_size else 0.0
        for s in range(1, slots):
            floor = min(floor, found.in_blank_S[s] + found.in_token_S[s])
        num_tokens = 0
        for token in range(len(probs_V) - 1):
            if token != fusion.blank and probs_V[token] * fusion.most_V[token] * highest > floor:
                found.tokens_V[num_tokens] = token
                num_tokens += 1
        if num_tokens:
            if fusion.kind != NOTHING and not fill_rows(beam, fusion):
                return False
            count = _extend(probs_V, beam, fusion, found, num_tokens, floor)
            _renew(beam, fusion, found, count)
        else:
            beam.in_blank_S[:slots] = found.in_blank_S[:slots]
            beam.in_token_S[:slots] = found.in_token_S[:slots]
        _rescale(beam)
    beam.counts[FRAME] = len(probs_TV)
    return fusion.kind != GIVEN or bool(beam.has_row_S[: beam.counts[SLOTS]].all())


@njit(cache=True, nogil=True)
def _stay(probs_V: NDArray[np.float64], beam: Beam, fusion: Fusion, found: Candidates) -> float:
    """Forward variables of the beam's prefixes one frame on, into ``found``; returns the likeliest one's total before.

    Their own last token repeats, a blank follows, or the prefix without it, where it is in the beam, adds it: after a
    blank only, where it ends in the same token (Graves 2006, section 3.2).
    """
    slots = beam.counts[SLOTS]
    highest = 0.0
    for s in range(slots):
        found.total_S[s] = beam.in_blank_S[s] + beam.in_token_S[s]
        highest = max(highest, found.total_S[s])
    found.total_S[len(beam.node_S) - 1] = 0.0
    blank_prob = probs_V[fusion.blank]
    for s in range(slots):
        parent, last = beam.parent_S[s], beam.last_S[s]
        before = beam.in_blank_S[parent] if beam.last_S[parent] == last else found.total_S[parent]
        found.in_blank_S[s] = found.total_S[s] * blank_prob
        found.in_token_S[s] = (beam.in_token_S[s] + before * beam.factor_S[s]) * probs_V[last]
    return highest


@njit(cache=True, nogil=True)
def fill_rows(beam: Beam, fusion: Fusion) -> bool:
    """Compute the rows that slots lack; False where only the outside can."""
    for s in range(beam.counts[SLOTS]):
        if not beam.has_row_S[s]:
            if fusion.kind == GIVEN:
                return False
            fill_row(fusion, beam, s)
    return True


@njit(cache=True, nogil=True)
def _extend(
    probs_V: NDArray[np.float64], beam: Beam, fusion: Fusion, found: Candidates, num_tokens: int, floor: float
) -> int:
    """Gather stays and extensions above ``floor``; returns how many the next beam holds: the first of ``found``."""
    slots = beam.counts[SLOTS]
    beam.counts[STAMP] += 1
    stamp = beam.counts[STAMP]
    for s in range(slots):
        found.prob_C[s] = found.in_blank_S[s] + found.in_token_S[s]
        found.slot_C[s], found.token_C[s], found.slots_S[s] = s, STAYS, s
        if beam.last_S[s] < beam.child_stamp_SV.shape[1]:
            beam.child_stamp_SV[beam.parent_S[s], beam.last_S[s]] = stamp
    count, live = slots, slots
    for taken in range(num_tokens):
        token = _likeliest(probs_V, fusion, found, taken, num_tokens)
        prob = probs_V[token]
        most = prob * fusion.most_V[token]
        tried, live = live, 0
        for index in range(tried):
            s = found.slots_S[index]
            if found.total_S[s] * most <= floor:
                continue
            found.slots_S[live] = s
            live += 1
            new = prob * (beam.in_blank_S[s] if beam.last_S[s] == token else found.total_S[s])
            if fusion.kind != NOTHING:
                new *= beam.rows_SV[s, token]
            if new > floor and beam.child_stamp_SV[s, token] != stamp:
                found.prob_C[count], found.slot_C[count], found.token_C[count] = new, s, token
                count += 1
                if count == len(found.prob_C):
                    count, floor = _cut(found, count, len(beam.node_S) - 1)
        if live == 0:
            break
    if count > len(beam.node_S) - 1:
        count, floor = _cut(found, count, len(beam.node_S) - 1)
    return int(count)


@njit(cache=True, nogil=True)
def _likeliest(probs_V: NDArray[np.float64], fusion: Fusion, found: Candidates, taken: int, num_tokens: int) -> int:
    """Move the likeliest token of those not taken to the front of them."""
    best, best_bound = taken, -1.0
    for index in range(taken, num_tokens):
        bound = probs_V[found.tokens_V[index]] * fusion.most_V[found.tokens_V[index]]
        if bound > best_bound:
            best, best_bound = index, bound
    token = found.tokens_V[best]
    found.tokens_V[best], found.tokens_V[taken] = found.tokens_V[taken], token
    return int(token)


@njit(cache=True, nogil=True)
def _cut(found: Candidates, count: int, keep: int) -> tuple[int, float]:
    """Keep the best candidates, in their order; what is not above the returned bound cannot enter any more."""
    bound = keep_largest(found.prob_C, count, keep, found.kept_C)
    moved = 0
    for index in range(count):
        if found.kept_C[index]:
            found.prob_C[moved] = found.prob_C[index]
            found.slot_C[moved] = found.slot_C[index]
            found.token_C[moved] = found.token_C[index]
            moved += 1
    return moved, bound


@njit(cache=True, nogil=True)
def _renew(beam: Beam, fusion: Fusion, found: Candidates, count: int) -> None:
    """Make the beam of the first ``count`` candidates: stays keep their slots, new prefixes take the others."""
    found.stays_S[:] = False
    for c in range(count):
        s, token = found.slot_C[c], found.token_C[c]
        if token == STAYS:
            found.stays_S[s] = True
            beam.in_blank_S[s], beam.in_token_S[s] = found.in_blank_S[s], found.in_token_S[s]
            continue
        node, is_new = child_of(beam, beam.node_S[s], token)
        found.node_C[c], found.factor_C[c] = node, 1.0
        if fusion.kind != NOTHING:
            found.factor_C[c] = beam.rows_SV[s, token]
            if is_new:
                follow(fusion, beam, node, found.factor_C[c])
    for s in range(beam.counts[SLOTS]):
        if not found.stays_S[s]:
            beam.slot_N[beam.node_S[s]] = NONE
    _seat(beam, found, count)
    nobody = len(beam.node_S) - 1
    beam.counts[SLOTS] = count
    for s in range(count):
        parent = beam.parent_N[beam.node_S[s]]
        beam.parent_S[s] = nobody if parent == NONE or beam.slot_N[parent] == NONE else beam.slot_N[parent]


@njit(cache=True, nogil=True)
def _seat(beam: Beam, found: Candidates, count: int) -> None:
    """Write the new prefixes into the slots that are free."""
    s = 0
    for c in range(count):
        if found.token_C[c] == STAYS:
            continue
        while found.stays_S[s]:
            s += 1
        beam.in_blank_S[s], beam.in_token_S[s] = 0.0, found.prob_C[c]
        beam.last_S[s], beam.node_S[s] = found.token_C[c], found.node_C[c]
        beam.factor_S[s], beam.has_row_S[s] = found.factor_C[c], False
        beam.slot_N[found.node_C[c]] = s
        s += 1


@njit(cache=True, nogil=True)
def _rescale(beam: Beam) -> None:
    """Keep the best prefix's number far from what a double cannot hold, by powers of two: no bit is lost."""
    highest = 0.0
    for s in range(beam.counts[SLOTS]):
        highest = max(highest, beam.in_blank_S[s] + beam.in_token_S[s])
    if highest == 0 or SMALLEST < highest < 1 / SMALLEST:
        return
    _, exponent = math.frexp(highest)
    for s in range(beam.counts[SLOTS]):
        beam.in_blank_S[s] = math.ldexp(beam.in_blank_S[s], -exponent)
        beam.in_token_S[s] = math.ldexp(beam.in_token_S[s], -exponent)
    beam.log_scale[0] += exponent * math.log(2.0)
