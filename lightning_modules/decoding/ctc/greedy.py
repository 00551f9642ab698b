"""Best-path decoding: the likeliest symbol of each frame, repeats merged, blanks removed (Graves 2006, section 3.2).

``π* = argmax_π Π_t y_t^{π_t}``, answer ``B(π*)``. The best *path* is not always the best *labelling*: a labelling's
probability is the sum over all of its paths (``prefix_search`` maximises that). A token's frame is the first one of its
run. Rows do not depend on one another nor on the padding, so the batch size changes nothing.
Legend: B utterances, T frames, V symbols.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from datamodules.annotations import BLANK, Hypothesis
from lightning_modules.decoding.log_posteriors import refuse_others


def greedy(
    log_probs_BTV: NDArray[np.floating] | Tensor,
    num_frames_B: NDArray[np.integer] | Tensor | Sequence[int],
    *,
    blank: int = BLANK,
) -> list[Hypothesis]:
    """One hypothesis an utterance; ``score`` is the natural log of its best path's probability.

    ``log_probs_BTV`` are natural-log posteriors; frames from ``num_frames_B`` on are not looked at. Among equally
    probable symbols the lowest index wins. On a GPU only (B, T) numbers leave the device. Raises ``ValueError`` for
    shapes, lengths or a blank that do not fit, for NaN, and for log-probabilities above 0.

    The lattice of Graves' example: the best path is all blank, though "a" has 0.64 in sum and "" only 0.36.

    >>> greedy(np.log([[[0.6, 0.4], [0.6, 0.4]]]), [2])
    [Hypothesis(tokens=(), score=-1.0216512475319814, frames=(), ctc_score=None)]
    >>> a, b, blank = [0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]
    >>> [hypothesis] = greedy(np.log([[a, a, blank, a, b]]), [5], blank=2)
    >>> hypothesis.tokens, hypothesis.frames
    ((0, 0, 1), (0, 3, 4))
    """
    best_BT, peak_BT = _best(log_probs_BTV)
    lengths_B = np.asarray(torch.as_tensor(num_frames_B).cpu(), dtype=np.int64)
    _check(tuple(log_probs_BTV.shape), lengths_B, blank)
    inside_BT = np.arange(best_BT.shape[1]) < lengths_B[:, None]
    emitted_BT = inside_BT & (best_BT != blank)
    emitted_BT[:, 1:] &= best_BT[:, 1:] != best_BT[:, :-1]
    for row, peak_T in enumerate(np.where(inside_BT, peak_BT, -np.inf)):
        if len(peak_T):
            refuse_others(float(peak_T.max()), what=f"row {row} of log_probs_BTV")
    sums_BT = np.cumsum(np.where(inside_BT, peak_BT, 0.0), axis=1)  # one after another: padding changes no bit
    score_B = sums_BT[:, -1] if sums_BT.size else np.zeros(len(sums_BT))
    row_N, frame_N = np.nonzero(emitted_BT)
    cuts_B = np.searchsorted(row_N, np.arange(1, len(best_BT)))
    tokens_B = np.split(best_BT[row_N, frame_N], cuts_B)
    frames_B = np.split(frame_N, cuts_B)
    return [
        Hypothesis(tuple(tokens.tolist()), float(score), tuple(frames.tolist()))
        for tokens, score, frames in zip(tokens_B[: len(best_BT)], score_B, frames_B[: len(best_BT)], strict=True)
    ]


def _best(log_probs_BTV: NDArray[np.floating] | Tensor) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The best symbol of each frame and its log-probability, (B, T) each."""
    if isinstance(log_probs_BTV, Tensor):
        best = log_probs_BTV.detach().max(dim=-1)  # the first of equal ones, as numpy
        return best.indices.cpu().numpy(), best.values.double().cpu().numpy()
    best_BT = log_probs_BTV.argmax(axis=-1)
    return best_BT, np.take_along_axis(log_probs_BTV, best_BT[..., None], axis=-1)[..., 0].astype(np.float64)


def _check(shape_BTV: tuple[int, ...], lengths_B: NDArray[np.int64], blank: int) -> None:
    if len(shape_BTV) != 3 or lengths_B.shape != shape_BTV[:1]:
        raise ValueError(f"log_probs_BTV {shape_BTV} and num_frames_B {lengths_B.shape}, allowed: (B, T, V) and (B,)")
    if not 0 <= blank < shape_BTV[2]:
        raise ValueError(f"blank {blank}, allowed: 0 to {shape_BTV[2] - 1}")
    if ((lengths_B < 0) | (lengths_B > shape_BTV[1])).any():
        raise ValueError(f"num_frames_B {lengths_B.tolist()}, allowed: 0 to {shape_BTV[1]} frames")
