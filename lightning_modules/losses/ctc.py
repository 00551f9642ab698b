"""Connectionist temporal classification (Graves et al. 2006): ``-log P(Y | X)``, summed over all alignments.

Averaged over the utterances of a batch. torch's ``reduction="mean"`` is another loss: it also divides each utterance's
by its number of tokens, so that long texts count less. An utterance with too few frames for its text has no alignment;
torch gives infinity, or with ``zero_infinity`` silently nothing. Here it is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional as F

from datamodules.annotations import BLANK


def min_frames(tokens: Sequence[int]) -> int:
    """The fewest frames that can carry a text: its tokens, and a blank between two equal neighbours.

    >>> min_frames([1, 2]), min_frames([1, 1, 2, 2]), min_frames([])
    (2, 6, 0)
    """
    return len(tokens) + sum(token == following for token, following in pairwise(tokens))


def alignable(num_frames_B: Tensor, tokens_BU: Tensor, num_tokens_B: Tensor) -> Tensor:
    """Which utterances of a batch have an alignment: frames of at least ``min_frames``, bool (B,)."""
    position_1U = torch.arange(1, max(tokens_BU.shape[1], 1), device=tokens_BU.device)
    repeats_BU = (tokens_BU[:, 1:] == tokens_BU[:, :-1]) & (position_1U < num_tokens_B.unsqueeze(1))
    return num_frames_B >= num_tokens_B + repeats_BU.sum(1)


class InfeasibleError(ValueError):
    """Rows of a batch have too few frames for their texts; ``rows`` says which."""

    def __init__(self, rows: Sequence[int]) -> None:
        super().__init__(f"too few frames for the texts of batch rows {list(rows)}")
        self.rows = tuple(rows)


def ctc_loss(log_probs_BTV: Tensor, num_frames_B: Tensor, tokens_BU: Tensor, num_tokens_B: Tensor) -> Tensor:
    """``-log P(Y | X)`` of each utterance, natural logarithm, (B,); nothing past the lengths is looked at.

    ``log_probs_BTV`` are natural-log posteriors, column 0 the blank. An utterance without tokens costs the blanks.
    Raises ``InfeasibleError`` where frames are fewer than ``min_frames``.

    Two frames, one symbol: of the alignments "a a", "a blank", "blank a" and "blank blank" the first three spell "a".

    >>> log_probs_BTV = torch.tensor([[[0.6, 0.4], [0.6, 0.4]]]).log()
    >>> ctc_loss(log_probs_BTV, torch.tensor([2]), torch.tensor([[1]]), torch.tensor([1])).neg().exp()
    tensor([0.6400])
    """
    infeasible_B = ~alignable(num_frames_B, tokens_BU, num_tokens_B)
    if bool(infeasible_B.any()):
        raise InfeasibleError(infeasible_B.nonzero().flatten().tolist())
    if not len(infeasible_B):
        return log_probs_BTV.new_zeros(0)  # torch refuses a batch of nothing
    return F.ctc_loss(
        log_probs_BTV.transpose(0, 1).float(), tokens_BU, num_frames_B, num_tokens_B, blank=BLANK, reduction="none"
    )
