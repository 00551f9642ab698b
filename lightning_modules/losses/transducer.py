"""The RNN transducer's loss (Graves 2012, arXiv 1211.3711): ``-log P(Y | X)``, summed over all alignments.

At frame t with u tokens written, a blank goes on to the next frame and a token to the next place; an alignment leads
from (0, 0) to the blank at (T - 1, U). Forward and backward variables go by anti-diagonals t + u, so that all cells of
a step are computed at once, and by log-add alone: probabilities of nothing and extreme ones need no care, which the
row-wise form by cumulated sums does not survive. Logits go in, so that the one large tensor that is kept is theirs.
Legend beside the project's: N = U + 1 places between tokens, I = T + U + 1 anti-diagonals.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from datamodules.annotations import BLANK


def transducer_loss(logits_BTNV: Tensor, num_frames_B: Tensor, tokens_BU: Tensor, num_tokens_B: Tensor) -> Tensor:
    """``-log P(Y | X)`` of each utterance, natural logarithm, float64, (B,); not averaged.

    ``logits_BTNV[b, t, u]`` are the scores of what follows at frame t after u tokens, column 0 the blank; they need not
    be normalised. Neither value nor gradient depends on what stands past the lengths. A text that the logits make
    impossible costs infinity. Raises ``ValueError`` for shapes or lengths that do not fit.

    Two frames, one token: before the first blank, or between the blanks, 2 · ½³.

    >>> logits_BTNV = torch.zeros(1, 2, 2, 2)
    >>> transducer_loss(logits_BTNV, torch.tensor([2]), torch.tensor([[1]]), torch.tensor([1])).neg().exp()
    tensor([0.2500], dtype=torch.float64)
    """
    _check(logits_BTNV, num_frames_B, tokens_BU, num_tokens_B)
    loss_B: Tensor = _TransducerLoss.apply(logits_BTNV, num_frames_B, tokens_BU, num_tokens_B)  # type: ignore[no-untyped-call]
    return loss_B


class _TransducerLoss(torch.autograd.Function):
    """Loss and gradient in one pass: ``∂/∂logit_k = occupancy · softmax_k - [k taken] · share that takes k``."""

    @staticmethod
    def forward(ctx: Any, logits_BTNV: Tensor, num_frames_B: Tensor, tokens_BU: Tensor, num_tokens_B: Tensor) -> Tensor:
        log_probs_BTNV = logits_BTNV.log_softmax(-1, dtype=torch.promote_types(logits_BTNV.dtype, torch.float32))
        index_BTU1 = tokens_BU[:, None, :, None].expand(-1, logits_BTNV.shape[1], -1, -1)
        token_BTU = log_probs_BTNV[:, :, :-1].gather(-1, index_BTU1).squeeze(-1)
        steps = _Steps(log_probs_BTNV[..., BLANK], token_BTU, num_frames_B, num_tokens_B)
        alpha_IBN = steps.forward_variables()
        log_prob_B = alpha_IBN[steps.last_B, steps.rows_B, num_tokens_B]
        if ctx.needs_input_grad[0]:
            blank_BTN, token_BTN = steps.shares(alpha_IBN, log_prob_B)
            ctx.save_for_backward(log_probs_BTNV, index_BTU1, blank_BTN, token_BTN)
            ctx.dtype = logits_BTNV.dtype
        return -log_prob_B

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_B: Tensor) -> tuple[Tensor | None, ...]:
        log_probs_BTNV, index_BTU1, blank_BTN, token_BTN = ctx.saved_tensors
        blank_BTN, token_BTN = (
            (way * grad_B[:, None, None]).to(log_probs_BTNV.dtype) for way in (blank_BTN, token_BTN)
        )
        grad_BTNV = log_probs_BTNV.exp().mul_((blank_BTN + token_BTN).unsqueeze(-1))
        grad_BTNV[..., BLANK] -= blank_BTN
        grad_BTNV[:, :, :-1].scatter_add_(-1, index_BTU1, -token_BTN[:, :, :-1].unsqueeze(-1))
        return grad_BTNV.to(ctx.dtype), None, None, None


class _Steps:
    """The lattice's log probabilities by anti-diagonals in float64: ``x_IBN[t + u, b, u]``; -inf leads nowhere."""

    def __init__(self, blank_BTN: Tensor, token_BTU: Tensor, num_frames_B: Tensor, num_tokens_B: Tensor) -> None:
        _, num_frames, num_places = blank_BTN.shape
        device = blank_BTN.device
        self.rows_B = torch.arange(len(blank_BTN), device=device)
        self.num_tokens_B = num_tokens_B
        self.last_B = num_frames_B + num_tokens_B  # the anti-diagonal of the end: all frames read, all tokens written
        frame_TN = torch.arange(num_frames, device=device).unsqueeze(1)
        place_TN = torch.arange(num_places, device=device).expand(num_frames, -1)
        ends_B11, full_B11 = num_frames_B[:, None, None], num_tokens_B[:, None, None]
        # The blank at the last frame is allowed after the last token alone.
        blank_allowed = (frame_TN < ends_B11 - 1) & (place_TN <= full_B11)
        blank_allowed |= (frame_TN == ends_B11 - 1) & (place_TN == full_B11)
        token_allowed = (frame_TN < ends_B11) & (place_TN < full_B11)
        self._diagonal_TN = frame_TN + place_TN
        self._place_TN = place_TN
        self.blank_IBN = self._skewed(blank_BTN, blank_allowed)
        self.token_IBN = self._skewed(F.pad(token_BTU, (0, 1)), token_allowed)

    def forward_variables(self) -> Tensor:
        """``alpha_IBN``: log probability of reaching a cell; at ``last_B`` and the last place that of the text."""
        alpha_BN = torch.full_like(self.blank_IBN[0], -math.inf)
        alpha_BN[:, 0] = 0.0
        alphas = [alpha_BN]
        for blank_BN, token_BN in zip(self.blank_IBN[:-1], self.token_IBN[:-1], strict=True):
            arrived_BN = F.pad((alpha_BN + token_BN)[:, :-1], (1, 0), value=-math.inf)
            alpha_BN = torch.logaddexp(alpha_BN + blank_BN, arrived_BN)
            alphas.append(alpha_BN)
        return torch.stack(alphas)

    def shares(self, alpha_IBN: Tensor, log_prob_B: Tensor) -> tuple[Tensor, Tensor]:
        """How likely the alignment, given the text, leaves each cell by its blank and by its token: (B, T, N) each."""
        end_IBN = torch.full_like(alpha_IBN, -math.inf)
        end_IBN[self.last_B, self.rows_B, self.num_tokens_B] = 0.0
        beta_BN = end_IBN[-1]
        blank, token = [], []
        for step in range(len(alpha_IBN) - 2, -1, -1):
            by_blank_BN = beta_BN + self.blank_IBN[step]
            by_token_BN = F.pad(beta_BN[:, 1:], (0, 1), value=-math.inf) + self.token_IBN[step]
            blank.append(by_blank_BN)
            token.append(by_token_BN)
            beta_BN = torch.maximum(torch.logaddexp(by_blank_BN, by_token_BN), end_IBN[step])
        reached_IBN = alpha_IBN[:-1] - log_prob_B.unsqueeze(-1)
        blank_IBN, token_IBN = ((reached_IBN + torch.stack(ways[::-1])).exp_() for ways in (blank, token))
        return self._by_frame(blank_IBN), self._by_frame(token_IBN)

    def _by_frame(self, values_IBN: Tensor) -> Tensor:
        return values_IBN[self._diagonal_TN, :, self._place_TN].permute(2, 0, 1)

    def _skewed(self, values_BTN: Tensor, allowed_BTN: Tensor) -> Tensor:
        batch, num_frames, num_places = values_BTN.shape
        skewed_IBN = values_BTN.new_full((num_frames + num_places, batch, num_places), -math.inf, dtype=torch.float64)
        values_BTN = values_BTN.double().masked_fill(~allowed_BTN, -math.inf)
        skewed_IBN[self._diagonal_TN, :, self._place_TN] = values_BTN.permute(1, 2, 0)
        return skewed_IBN


def _check(logits_BTNV: Tensor, num_frames_B: Tensor, tokens_BU: Tensor, num_tokens_B: Tensor) -> None:
    batch, num_tokens = tokens_BU.shape
    shape = tuple(logits_BTNV.shape)
    if len(shape) != 4 or shape[0] != batch or shape[2] != num_tokens + 1:
        raise ValueError(f"logits {shape} and tokens {(batch, num_tokens)}, allowed: (B, T, U + 1, V) and (B, U)")
    if bool(((num_frames_B < 1) | (num_frames_B > shape[1])).any()):
        raise ValueError(f"num_frames_B {num_frames_B.tolist()}, allowed: 1 to {shape[1]}")
    if bool(((num_tokens_B < 0) | (num_tokens_B > num_tokens)).any()):
        raise ValueError(f"num_tokens_B {num_tokens_B.tolist()}, allowed: 0 to {num_tokens}")
