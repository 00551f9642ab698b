"""The compiled CTC forward variables of the hypotheses that a search keeps, one pass over the frames for each.

``r_n(t) = (r_n(t-1) + phi(t-1)) · p_t(c)``, ``r_b(t) = (r_n(t-1) + r_b(t-1)) · p_t(blank)``, phi being of the parent.
They fall (and rise) by hundreds of orders of magnitude over a long input. Instead of logarithms, which cost tens of
nanoseconds a frame, each is a double times two to an exponent of its own, a multiple of ``STEP`` that hardly changes.
Legend: B utterances, W hypotheses, T frames (forward variables: T + 1, after 0 to T frames), V symbols.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_modules.decoding.compiled import compiled

LOG_2 = math.log(2.0)
STEP = 256
SMALL, LARGE = 2.0**-STEP, 2.0**STEP
LOWEST = -(2**30)  # below any exponent

Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]


class Forward(NamedTuple):
    """Of B x W hypotheses: ``r = … · 2 ** exponent``, and what scores need of them.

    ``phi_BWT · 2 ** phi_exponent_BW`` is r_n + r_b before each frame, zeros on padding and where no hypothesis is.
    """

    in_token_BWT: Doubles
    token_exponent_BWT: NDArray[np.int32]
    in_blank_BWT: Doubles
    blank_exponent_BWT: NDArray[np.int32]
    phi_BWT: Doubles
    phi_exponent_BW: Integers
    log_repeat_BW: Doubles  # log psi of the last token once more
    log_whole_BW: Doubles  # log r_n(T) + r_b(T)


@compiled
def empty_forward(num_utterances: int, num_hypotheses: int, num_frames: int) -> Forward:
    """Room for B x W hypotheses, none of which is there."""
    shape_BW = (num_utterances, num_hypotheses)
    shape_BWT = (num_utterances, num_hypotheses, num_frames + 1)
    return Forward(
        np.empty(shape_BWT),
        np.empty(shape_BWT, np.int32),
        np.empty(shape_BWT),
        np.empty(shape_BWT, np.int32),
        np.zeros((num_utterances, num_hypotheses, num_frames)),
        np.zeros(shape_BW, np.int64),
        np.full(shape_BW, -np.inf),
        np.full(shape_BW, -np.inf),
    )


@compiled
def start_all(probs_BVT: Doubles, num_frames_B: Integers, blank: int) -> Forward:
    """The empty text of each utterance, W = 1."""
    forward = empty_forward(len(probs_BVT), 1, probs_BVT.shape[2])
    for b in range(len(probs_BVT)):
        in_blank, exponent = 1.0, 0
        for t in range(num_frames_B[b] + 1):
            if t > 0:
                in_blank, exponent = _scaled(in_blank * probs_BVT[b, blank, t - 1], exponent)
            forward.in_token_BWT[b, 0, t], forward.token_exponent_BWT[b, 0, t] = 0.0, 0
            forward.in_blank_BWT[b, 0, t], forward.blank_exponent_BWT[b, 0, t] = in_blank, exponent
        _summarise(forward, b, 0, num_frames_B[b], probs_BVT[b, blank])
    return forward


@compiled
def extend_all(
    probs_BVT: Doubles,
    num_frames_B: Integers,
    blank: int,
    before: Forward,
    last_BW: Integers,
    parents_BW: Integers,
    tokens_BW: Integers,
) -> Forward:
    """Hypotheses that are each a parent and one more token; the blank as token means that there is none."""
    forward = empty_forward(len(probs_BVT), parents_BW.shape[1], probs_BVT.shape[2])
    for b in range(len(probs_BVT)):
        for w in range(parents_BW.shape[1]):
            parent, token = parents_BW[b, w], tokens_BW[b, w]
            if token != blank:
                token_T, blank_T = probs_BVT[b, token], probs_BVT[b, blank]
                _extend(before, b, parent, token == last_BW[b, parent], forward, w, num_frames_B[b], token_T, blank_T)
                _summarise(forward, b, w, num_frames_B[b], token_T)
    return forward


@compiled
def _extend(
    before: Forward,
    b: int,
    parent: int,
    is_repeat: bool,
    forward: Forward,
    w: int,
    num_frames: int,
    token_T: Doubles,
    blank_T: Doubles,
) -> None:
    """Write one hypothesis' forward variables, given its token's and the blank's probabilities in each frame."""
    parent_token_T, parent_token_exponent_T = before.in_token_BWT[b, parent], before.token_exponent_BWT[b, parent]
    parent_blank_T, parent_blank_exponent_T = before.in_blank_BWT[b, parent], before.blank_exponent_BWT[b, parent]
    in_token_T, token_exponent_T = forward.in_token_BWT[b, w], forward.token_exponent_BWT[b, w]
    in_blank_T, blank_exponent_T = forward.in_blank_BWT[b, w], forward.blank_exponent_BWT[b, w]
    in_token, token_exponent, in_blank, blank_exponent = 0.0, 0, 0.0, 0
    in_token_T[0], token_exponent_T[0], in_blank_T[0], blank_exponent_T[0] = 0.0, 0, 0.0, 0
    for t in range(num_frames):
        phi, phi_exponent = parent_blank_T[t], parent_blank_exponent_T[t]
        if not is_repeat:
            phi, phi_exponent = _sum(phi, phi_exponent, parent_token_T[t], parent_token_exponent_T[t])
        any_end, any_exponent = _sum(in_token, token_exponent, in_blank, blank_exponent)
        in_blank, blank_exponent = _scaled(any_end * blank_T[t], any_exponent)
        new, new_exponent = _sum(in_token, token_exponent, phi, phi_exponent)
        in_token, token_exponent = _scaled(new * token_T[t], new_exponent)
        in_token_T[t + 1], token_exponent_T[t + 1] = in_token, token_exponent
        in_blank_T[t + 1], blank_exponent_T[t + 1] = in_blank, blank_exponent


@compiled
def _sum(one: float, one_exponent: int, other: float, other_exponent: int) -> tuple[float, int]:
    """``one · 2 ** one_exponent + other · 2 ** other_exponent``."""
    if one_exponent == other_exponent or other == 0.0:
        return one + other, one_exponent
    if one == 0.0:
        return other, other_exponent
    if one_exponent > other_exponent:
        return one + math.ldexp(other, other_exponent - one_exponent), one_exponent
    return math.ldexp(one, one_exponent - other_exponent) + other, other_exponent


@compiled
def _scaled(number: float, exponent: int) -> tuple[float, int]:
    """The same value with a number within ``SMALL`` and ``LARGE``, or 0."""
    while 0.0 < number < SMALL:
        number, exponent = number * LARGE, exponent - STEP
    if number > LARGE:
        number, exponent = number * SMALL, exponent + STEP
    return number, exponent


@compiled
def _summarise(forward: Forward, b: int, w: int, num_frames: int, last_T: Doubles) -> None:
    """Write what scores need, given the probabilities of the hypothesis' last token."""
    in_token_T, token_exponent_T = forward.in_token_BWT[b, w], forward.token_exponent_BWT[b, w]
    in_blank_T, blank_exponent_T = forward.in_blank_BWT[b, w], forward.blank_exponent_BWT[b, w]
    highest = LOWEST
    for t in range(num_frames):
        if token_exponent_T[t] > highest and in_token_T[t] > 0.0:
            highest = token_exponent_T[t]
        if blank_exponent_T[t] > highest and in_blank_T[t] > 0.0:
            highest = blank_exponent_T[t]
    repeat, repeat_exponent, phi_T = 0.0, 0, forward.phi_BWT[b, w]
    for t in range(num_frames):
        phi_T[t] = _at(in_token_T[t], token_exponent_T[t], highest) + _at(in_blank_T[t], blank_exponent_T[t], highest)
        repeat, repeat_exponent = _sum(repeat, repeat_exponent, in_blank_T[t] * last_T[t], blank_exponent_T[t])
    forward.phi_exponent_BW[b, w] = highest
    forward.log_repeat_BW[b, w] = _log(repeat, repeat_exponent)
    forward.log_whole_BW[b, w] = _log(
        *_sum(
            in_token_T[num_frames], token_exponent_T[num_frames], in_blank_T[num_frames], blank_exponent_T[num_frames]
        )
    )


@compiled
def _at(number: float, exponent: int, other_exponent: int) -> float:
    """The number at another exponent, which is no lower."""
    return number if number == 0.0 or exponent == other_exponent else math.ldexp(number, exponent - other_exponent)


@compiled
def _log(number: float, exponent: int) -> float:
    return -np.inf if number == 0.0 else math.log(number) + LOG_2 * exponent
