"""Guided attention: a penalty on looking far from the diagonal, for the first epochs (Tachibana et al. 2017).

``Σ_u Σ_t α_ut · (1 - exp(-(u/U - t/T)² / (2 g²)))`` (arXiv 1710.08969, section 4.1, there for speech synthesis). Speech
is written in the order in which it is said, at a nearly even pace; an hour of it is too little for attention to find
that by itself. Differs from the paper: a sum over an utterance's tokens, as the loss is that it stands beside, and it
is meant to be switched off.
"""

from __future__ import annotations

import torch
from torch import Tensor

DIAGONAL_WIDTH = 0.2  # g of the paper


def guided_attention_loss(
    weights_BUT: Tensor, num_frames_B: Tensor, num_tokens_B: Tensor, *, width: float = DIAGONAL_WIDTH
) -> Tensor:
    """The penalty of each utterance, (B,), 0 to its number of tokens and 1.

    ``weights_BUT`` has a row for each of ``num_tokens_B`` tokens and one for the end, and is 0 past ``num_frames_B``.

    >>> diagonal, corner = torch.eye(3).unsqueeze(0), torch.eye(3).flip(1).unsqueeze(0)
    >>> for weights_BUT in (diagonal, corner):
    ...     print(guided_attention_loss(weights_BUT, torch.tensor([3]), torch.tensor([2])))
    tensor([0.])
    tensor([2.0000])
    """
    device = weights_BUT.device
    place_U = torch.arange(weights_BUT.shape[1], device=device, dtype=weights_BUT.dtype)
    time_T = torch.arange(weights_BUT.shape[2], device=device, dtype=weights_BUT.dtype)
    share_BU1 = (place_U / num_tokens_B.to(device).clamp(min=1).unsqueeze(1)).unsqueeze(2)
    share_B1T = (time_T / (num_frames_B.to(device) - 1).clamp(min=1).unsqueeze(1)).unsqueeze(1)
    far_BUT = 1 - torch.exp(-((share_BU1 - share_B1T) ** 2) / (2 * width**2))
    is_own_BU = place_U <= num_tokens_B.to(device).unsqueeze(1)
    return ((weights_BUT * far_BUT).sum(2) * is_own_BU).sum(1)
