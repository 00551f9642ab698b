"""Cross-entropy of a text written token by token, its end included, with smoothed labels.

``-Σ_u [(1-ε) log p(y_u) + ε/V Σ_k log p(k)]``, natural logarithm, summed over an utterance's tokens and its end, as
``-log P(Y | X)`` is with ε = 0. Szegedy et al. 2015 (arXiv 1512.00567, section 7), the uniform prior; for attention
models Chorowski & Jaitly 2016.
"""

from __future__ import annotations

import torch
from torch import Tensor

from datamodules.annotations import BLANK


def spelling_loss(log_probs_BUV: Tensor, tokens_BU: Tensor, num_tokens_B: Tensor, *, smoothing: float = 0.0) -> Tensor:
    """The loss of each utterance, (B,). ``log_probs_BUV`` has a step for each token and one for the end: (B, U + 1, V).

    >>> log_probs_BUV = torch.tensor([[[0.25, 0.75], [0.5, 0.5]]]).log()
    >>> spelling_loss(log_probs_BUV, torch.tensor([[1]]), torch.tensor([1])).neg().exp()
    tensor([0.3750])
    """
    targets_BU, counts_BU = spelled_tokens(tokens_BU, num_tokens_B)
    said_BU = log_probs_BUV.gather(2, targets_BU.unsqueeze(2)).squeeze(2)
    if smoothing:
        said_BU = (1 - smoothing) * said_BU + smoothing * log_probs_BUV.mean(2)
    return -said_BU.masked_fill(~counts_BU, 0.0).sum(1)


def spelled_tokens(tokens_BU: Tensor, num_tokens_B: Tensor) -> tuple[Tensor, Tensor]:
    """(what is to be written at each step, which steps count): the tokens, and the end behind each text; (B, U + 1).

    >>> spelled_tokens(torch.tensor([[5, 6], [7, 9]]), torch.tensor([2, 1]))
    (tensor([[5, 6, 0],
            [7, 0, 0]]), tensor([[ True,  True,  True],
            [ True,  True, False]]))
    """
    targets_BU = torch.cat([tokens_BU, tokens_BU.new_full((len(tokens_BU), 1), BLANK)], dim=1)
    place_1U = torch.arange(targets_BU.shape[1], device=tokens_BU.device).unsqueeze(0)
    length_B1 = num_tokens_B.to(tokens_BU.device).unsqueeze(1)
    return targets_BU.masked_fill(place_1U >= length_B1, BLANK), place_1U <= length_B1
