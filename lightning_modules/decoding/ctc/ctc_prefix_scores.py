"""CTC's say in a search that grows texts token by token: prefix scores of all next tokens of many hypotheses at once.

``psi(g·c) = Σ_t phi_{t-1}(g) · p_t(c)`` is the probability of all texts that begin with g·c, where ``phi`` is
r_n + r_b, the forward variables of g (paths that end in its last token, in a blank), but r_b alone for c = last(g); the
text g itself has r_n(T) + r_b(T) (Watanabe et al. 2017, algorithm 2). Differs from the paper: the sum over frames is
one matrix product for all tokens, in plain probabilities, and the forward variables are worked out only for the
hypotheses that a search kept (``ctc_forward`` says how they do not underflow).
Legend: B utterances, W hypotheses, T frames, V symbols.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, as_tensor

from datamodules.annotations import BLANK
from lightning_modules.decoding.ctc.ctc_forward import LOG_2, Forward, extend_all, start_all
from lightning_modules.decoding.log_posteriors import as_floats, refuse_others

LOWEST_LOG_PROB = -500.0  # a symbol below counts as impossible in its frame: plain doubles end at e^-745


class CtcState(NamedTuple):
    """What is remembered of hypotheses: their forward variables, and their last tokens (0: none, or no hypothesis)."""

    forward: Forward
    last_BW: NDArray[np.int64]

    def rows(self, utterances_N: NDArray[np.integer]) -> CtcState:
        """The state of some of the utterances."""
        return CtcState(Forward(*(part[utterances_N] for part in self.forward)), self.last_BW[utterances_N])


class CtcPrefixScorer:
    """Bound to the log posteriors of B utterances, (B, T, V) natural logs; token 0 is the blank.

    Frames from ``num_frames_B`` on are not looked at. Raises ``ValueError`` for shapes or lengths that do not fit, and
    for NaN and log-probabilities above 0.

    Two frames in which "a" (token 1) has 0.4 and the blank 0.6: texts that begin with "a" have 0.64, and so has "a"
    itself; the empty text has 0.36.

    >>> scorer = CtcPrefixScorer(np.log([[[0.6, 0.4], [0.6, 0.4]]]), [2])
    >>> np.exp(scorer.log_probs(scorer.start())).round(2)
    array([[[0.36, 0.64]]])
    >>> state = scorer.extend(scorer.start(), parents_BW=np.array([[0]]), tokens_BW=np.array([[1]]))
    >>> np.exp(scorer.log_probs(state)).round(2)
    array([[[0.64, 0.  ]]])
    """

    def __init__(
        self,
        log_probs_BTV: NDArray[np.floating] | Tensor,
        num_frames_B: NDArray[np.integer] | Tensor | Sequence[int],
    ) -> None:
        log_probs_BTV = as_floats(log_probs_BTV)
        self.num_frames_B = np.asarray(as_tensor(num_frames_B).cpu(), dtype=np.int64)
        _check(log_probs_BTV.shape, self.num_frames_B)
        inside_BT = np.arange(log_probs_BTV.shape[1]) < self.num_frames_B[:, None]
        log_probs_BVT = np.where(inside_BT[:, None], log_probs_BTV.transpose(0, 2, 1), -np.inf).astype(np.float64)
        if log_probs_BVT.size:
            refuse_others(float(log_probs_BVT.max()), what="log_probs_BTV")
        log_probs_BVT[log_probs_BVT < LOWEST_LOG_PROB] = -np.inf
        self._probs_BVT = np.ascontiguousarray(np.exp(log_probs_BVT))

    @property
    def num_symbols(self) -> int:
        """V, the blank included."""
        return int(self._probs_BVT.shape[1])

    def rows(self, utterances_N: NDArray[np.integer]) -> CtcPrefixScorer:
        """The scorer of some of the utterances."""
        fewer = copy.copy(self)
        fewer.num_frames_B, fewer._probs_BVT = self.num_frames_B[utterances_N], self._probs_BVT[utterances_N]
        return fewer

    def start(self) -> CtcState:
        """The state of the empty text of each utterance, (B, 1)."""
        return CtcState(
            start_all(self._probs_BVT, self.num_frames_B, BLANK), np.zeros((len(self.num_frames_B), 1), np.int64)
        )

    def log_probs(self, state: CtcState) -> NDArray[np.float64]:
        """Of all next tokens, (B, W, V): ``log psi(g·c)`` in column c > 0; column 0 has ``log p(g)``, the end.

        Natural logs of whole prefixes, not of steps. What stands where there is no hypothesis is without meaning.
        """
        forward = state.forward
        log_probs_BWV: NDArray[np.float64] = forward.phi_BWT @ self._probs_BVT.transpose(0, 2, 1)
        with np.errstate(divide="ignore"):
            np.log(log_probs_BWV, out=log_probs_BWV)
        log_probs_BWV += LOG_2 * forward.phi_exponent_BW[..., None]
        np.put_along_axis(log_probs_BWV, state.last_BW[..., None], forward.log_repeat_BW[..., None], axis=2)
        log_probs_BWV[..., BLANK] = forward.log_whole_BW
        return log_probs_BWV

    def extend(self, state: CtcState, parents_BW: NDArray[np.int64], tokens_BW: NDArray[np.int64]) -> CtcState:
        """The state of hypotheses, each one of the old (its place in W) and one more token; token 0: no hypothesis."""
        forward = extend_all(
            self._probs_BVT, self.num_frames_B, BLANK, state.forward, state.last_BW, parents_BW, tokens_BW
        )
        return CtcState(forward, tokens_BW)


def _check(shape_BTV: tuple[int, ...], lengths_B: NDArray[np.int64]) -> None:
    if len(shape_BTV) != 3 or lengths_B.shape != shape_BTV[:1]:
        raise ValueError(f"log_probs_BTV {shape_BTV} and num_frames_B {lengths_B.shape}, allowed: (B, T, V) and (B,)")
    if ((lengths_B < 0) | (lengths_B > shape_BTV[1])).any():
        raise ValueError(f"num_frames_B {lengths_B.tolist()}, allowed: 0 to {shape_BTV[1]} frames")
