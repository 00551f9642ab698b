"""Embedding, causal network and softmax: ``p(x) = prod_t p(x_t | x_<t)``, as one plain module.

A sentence begins with the boundary token as input and ends with it as target. What a ``language_model.pt`` holds and a
decoder loads is this module; the LightningModule around it only trains it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lightning_modules.decoding.language_models.language_model import BOUNDARY
from lightning_modules.layers.causal import CausalNetwork, State
from lightning_modules.layers.token_head import AdaptiveHead, SoftmaxHead, TokenHead


class TokenModel(nn.Module):
    """A language model over ``num_symbols`` tokens.

    ``adaptive_cutoffs`` chooses the adaptive softmax; ``tied`` shares a plain softmax's weights with the embedding.
    Raises ``ValueError`` for both at once, or for what the heads refuse.
    """

    def __init__(
        self, *, num_symbols: int, network: CausalNetwork, adaptive_cutoffs: Sequence[int] = (), tied: bool = False
    ) -> None:
        super().__init__()
        if tied and adaptive_cutoffs:
            raise ValueError("tied weights need the plain softmax: leave out tied or adaptive_cutoffs")
        self.embedding = nn.Embedding(num_symbols, network.num_inputs)
        nn.init.normal_(self.embedding.weight, std=0.1)
        self.network = network
        self.adaptive_cutoffs, self.tied = tuple(adaptive_cutoffs), tied
        width = network.num_outputs
        self.head: TokenHead
        if adaptive_cutoffs:
            self.head = AdaptiveHead(num_inputs=width, num_symbols=num_symbols, cutoffs=adaptive_cutoffs)
        else:
            shared = self.embedding if tied else None
            self.head = SoftmaxHead(num_inputs=width, num_symbols=num_symbols, tied=shared)

    def forward(self, tokens_BU: Tensor, state: State) -> tuple[Tensor, State]:
        """Hidden vectors (B, U, H) after each token, and the state after the last."""
        hidden_BUH, after = self.network(self.embedding(tokens_BU), state)
        return hidden_BUH, after

    def sentence_log_probs(self, tokens_BU: Tensor, num_tokens_B: Tensor) -> Tensor:
        """``log p`` of each target of padded sentences, each read on its own: (B, U + 1), zeros on padding.

        Column u is token u given those before it; column ``num_tokens_B`` is the sentence's end.
        """
        boundary_B1 = tokens_BU.new_full((len(tokens_BU), 1), BOUNDARY)
        hidden_BTH, _ = self(torch.cat([boundary_B1, tokens_BU], dim=1), self.network.initial_state(len(tokens_BU)))
        steps_T = torch.arange(hidden_BTH.shape[1], device=tokens_BU.device)
        targets_BT = torch.cat([tokens_BU, boundary_B1], dim=1)
        targets_BT = targets_BT.masked_fill(steps_T >= num_tokens_B.unsqueeze(1), BOUNDARY)
        real_BT = steps_T <= num_tokens_B.unsqueeze(1)
        log_probs_N: Tensor = self.head(hidden_BTH[real_BT], targets_BT[real_BT])
        return log_probs_N.new_zeros(targets_BT.shape).masked_scatter(real_BT, log_probs_N)
