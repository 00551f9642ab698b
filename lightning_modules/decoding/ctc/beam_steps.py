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
from numpy.typing import NDArray

from lightning_modules.decoding.compiled import compiled
from lightning_modules.decoding.ctc.beam import (
    FRAME,
    LOG_SCALE,
    NEEDED_ABOVE,
    NONE,
    SLOTS,
    STAMP,
    Beam,
    child_of,
    lacks_row,
)
from lightning_modules.decoding.ctc.fusion import GIVEN, NOTHING, Fusion, fill_row, follow, start
from lightning_modules.decoding.ctc.largest import keep_largest

STAYS = -1  # the "token" of a candidate that is already in the beam
SMALLEST = 2.0**-100
ROUNDING = 1 - 2.0**-40  # for a bound that is computed in another order


STAY = np.dtype([("in_blank", np.float64), ("in_token", np.float64), ("total_before", np.float64), ("kept", np.int64)])
CANDIDATE = np.dtype([("factor", np.float64), ("slot", np.int64), ("token", np.int64), ("node", np.int64)])


class Candidates(NamedTuple):
    """Scratch memory: what stays, by slot; candidates in the order found; tokens and slots still worth trying."""

    stays_S: NDArray[np.void]
    new_C: NDArray[np.void]
    prob_C: NDArray[np.float64]
    kept_C: NDArray[np.bool_]
    tokens_V: NDArray[np.int64]
    slots_S: NDArray[np.int64]


def no_candidates(*, beam_size: int, num_symbols: int) -> Candidates:
    """The memory for one search."""
    room = 3 * beam_size + 1
    return Candidates(
        stays_S=np.zeros(beam_size + 1, STAY),
        new_C=np.empty(room, CANDIDATE),
        prob_C=np.empty(room),
        kept_C=np.empty(room, np.bool_),
        tokens_V=np.empty(num_symbols, np.int64),
        slots_S=np.empty(beam_size, np.int64),
    )


@compiled
def run(probs_TV: NDArray[np.float64], beam: Beam, found: Candidates, fusion: Fusion) -> bool:
    """Go through the frames that are left; False where rows are missing that only the outside can fill (kind GIVEN)."""
    if beam.counts[FRAME] == 0:
        start(fusion, beam)
    while beam.counts[FRAME] < len(probs_TV):
        probs_V = probs_TV[beam.counts[FRAME]]
        highest, lowest = _stay(probs_V, beam, fusion, found)
        floor = lowest if beam.counts[SLOTS] == len(found.slots_S) else 0.0
        num_tokens, most = _worth_trying(probs_V, fusion, found, highest, floor)
        if num_tokens > 0:
            if not _fill_rows(beam, fusion, floor / most):
                return False
            _renew(beam, fusion, found, _extend(probs_V, beam, fusion, found, num_tokens, floor))
        else:
            for s in range(beam.counts[SLOTS]):
                beam.slots_S[s].in_blank = found.stays_S[s].in_blank
                beam.slots_S[s].in_token = found.stays_S[s].in_token
        _rescale(beam)
        beam.counts[FRAME] += 1
    return _fill_rows(beam, fusion, 0.0)


@compiled
def _stay(probs_V: NDArray[np.float64], beam: Beam, fusion: Fusion, found: Candidates) -> tuple[float, float]:
    """Forward variables of the beam's prefixes one frame on, into ``found``.

    Their own last token repeats, a blank follows, or the prefix without it, where it is in the beam, adds it: after a
    blank only, where it ends in the same token (Graves 2006, section 3.2). Returns the likeliest prefix's probability
    before this frame, and the least likely one's after it.
    """
    slots, stays = beam.slots_S, found.stays_S
    highest, lowest = 0.0, np.inf
    for s in range(beam.counts[SLOTS]):
        stays[s].total_before = slots[s].in_blank + slots[s].in_token
        highest = max(highest, stays[s].total_before)
    blank_prob = probs_V[fusion.blank]
    for s in range(beam.counts[SLOTS]):
        parent, last = slots[s].parent, slots[s].last
        before = slots[parent].in_blank if slots[parent].last == last else stays[parent].total_before
        stays[s].in_blank = stays[s].total_before * blank_prob
        stays[s].in_token = (slots[s].in_token + before * slots[s].factor) * probs_V[last]
        lowest = min(lowest, stays[s].in_blank + stays[s].in_token)
    return highest, lowest


@compiled
def _worth_trying(
    probs_V: NDArray[np.float64], fusion: Fusion, found: Candidates, highest: float, floor: float
) -> tuple[int, float]:
    """List the tokens that could bring the likeliest prefix above ``floor``: how many, and the most that one gives."""
    num_tokens, most = 0, 0.0
    for token in range(len(found.tokens_V)):
        bound = probs_V[token] * fusion.most_V[token]
        if token != fusion.blank and bound * highest > floor:
            found.tokens_V[num_tokens] = token
            num_tokens += 1
            most = max(most, bound)
    return num_tokens, most


@compiled
def _fill_rows(beam: Beam, fusion: Fusion, needed_above: float) -> bool:
    """Compute the rows that prefixes of more than this probability lack; False where only the outside can."""
    if fusion.kind == NOTHING:
        return True
    beam.reals[NEEDED_ABOVE] = needed_above * ROUNDING
    for s in range(beam.counts[SLOTS]):
        if lacks_row(beam, s):
            if fusion.kind == GIVEN:
                return False
            fill_row(fusion, beam, s)
    return True


@compiled
def _extend(
    probs_V: NDArray[np.float64], beam: Beam, fusion: Fusion, found: Candidates, num_tokens: int, floor: float
) -> int:
    """Gather stays and extensions above ``floor``; returns how many the next beam holds: the first of ``found``."""
    slots, live, beam_size = beam.slots_S, beam.counts[SLOTS], len(found.slots_S)
    beam.counts[STAMP] += 1
    stamp = beam.counts[STAMP]
    for s in range(live):
        found.prob_C[s] = found.stays_S[s].in_blank + found.stays_S[s].in_token
        found.new_C[s].slot, found.new_C[s].token, found.slots_S[s] = s, STAYS, s
        if slots[s].last < beam.stamps_SV.shape[1]:
            beam.stamps_SV[slots[s].parent, slots[s].last] = stamp
    count = live
    for taken in range(num_tokens):
        token = _likeliest(probs_V, fusion, found, taken, num_tokens)
        prob, tried, live = probs_V[token], live, 0
        for index in range(tried):
            s = found.slots_S[index]
            total = found.stays_S[s].total_before
            if total * prob * fusion.most_V[token] <= floor:
                continue
            found.slots_S[live] = s
            live += 1
            new = prob * (slots[s].in_blank if slots[s].last == token else total)
            if fusion.kind != NOTHING:
                new *= beam.rows_SV[s, token]
            if new > floor and beam.stamps_SV[s, token] != stamp:
                found.prob_C[count], found.new_C[count].slot, found.new_C[count].token = new, s, token
                count += 1
                if count == len(found.prob_C):
                    count, floor = _cut(found, count, beam_size)
        if live == 0:
            break
    if count > beam_size:
        count, floor = _cut(found, count, beam_size)
    return int(count)


@compiled
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


@compiled
def _cut(found: Candidates, count: int, keep: int) -> tuple[int, float]:
    """Keep the best candidates, in their order; what is not above the returned bound cannot enter any more."""
    bound = keep_largest(found.prob_C, count, keep, found.kept_C)
    moved = 0
    for index in range(count):
        if found.kept_C[index]:
            found.prob_C[moved] = found.prob_C[index]
            found.new_C[moved].slot, found.new_C[moved].token = found.new_C[index].slot, found.new_C[index].token
            moved += 1
    return moved, bound


@compiled
def _renew(beam: Beam, fusion: Fusion, found: Candidates, count: int) -> None:
    """Make the beam of the first ``count`` candidates: stays keep their slots, new prefixes take the others."""
    slots, stays = beam.slots_S, found.stays_S
    for s in range(beam.counts[SLOTS]):
        stays[s].kept = 0
    for c in range(count):
        new = found.new_C[c]
        if new.token == STAYS:
            stays[new.slot].kept = 1
            continue
        new.node, is_new = child_of(beam, slots[new.slot].node, new.token)
        new.factor = 1.0
        if fusion.kind != NOTHING:
            new.factor = beam.rows_SV[new.slot, new.token]
            if is_new:
                follow(fusion, beam, new.node, new.factor)
    for s in range(beam.counts[SLOTS]):
        if stays[s].kept:
            slots[s].in_blank, slots[s].in_token = stays[s].in_blank, stays[s].in_token
        else:
            beam.nodes_N[slots[s].node].slot = NONE
    _seat(beam, found, count)
    beam.counts[SLOTS] = count
    for s in range(count):
        parent = NONE if slots[s].node == 0 else beam.nodes_N[beam.nodes_N[slots[s].node].parent].slot
        slots[s].parent = len(found.slots_S) if parent == NONE else parent


@compiled
def _seat(beam: Beam, found: Candidates, count: int) -> None:
    """Write the new prefixes into the slots that are free."""
    s = 0
    for c in range(count):
        new = found.new_C[c]
        if new.token == STAYS:
            continue
        while s < beam.counts[SLOTS] and found.stays_S[s].kept:
            s += 1
        slot = beam.slots_S[s]
        slot.in_blank, slot.in_token, slot.factor = 0.0, found.prob_C[c], new.factor
        slot.last, slot.node, slot.has_row = new.token, new.node, 0
        beam.nodes_N[new.node].slot = s
        s += 1


@compiled
def _rescale(beam: Beam) -> None:
    """Keep the best prefix's number far from what a double cannot hold, by powers of two: no bit is lost."""
    highest = 0.0
    for s in range(beam.counts[SLOTS]):
        highest = max(highest, beam.slots_S[s].in_blank + beam.slots_S[s].in_token)
    if highest == 0 or SMALLEST < highest < 1 / SMALLEST:
        return
    _, exponent = math.frexp(highest)
    for s in range(beam.counts[SLOTS]):
        beam.slots_S[s].in_blank = math.ldexp(beam.slots_S[s].in_blank, -exponent)
        beam.slots_S[s].in_token = math.ldexp(beam.slots_S[s].in_token, -exponent)
    beam.reals[LOG_SCALE] += exponent * math.log(2.0)
