"""Hidden vectors -> log probabilities of the next token: a plain softmax, or the adaptive one for many words.

The adaptive softmax (Grave et al. 2016, arXiv 1609.04309) gives rare words smaller vectors and computes them only when
they are needed; tokens must be sorted by frequency, which ``word_tokenizer`` does. Both normalise over all symbols.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
import torch.distributed as dist
from torch import Tensor, nn


class TokenHead(nn.Module, ABC):
    """(N, H) hidden vectors -> natural-log probabilities in float32 or better."""

    @abstractmethod
    def forward(self, hidden_NH: Tensor, targets_N: Tensor) -> Tensor:
        """``log p`` of one target each, (N,)."""

    @abstractmethod
    def log_probs(self, hidden_NH: Tensor) -> Tensor:
        """``log p`` of every symbol, (N, V)."""


class SoftmaxHead(TokenHead):
    """A linear layer and a softmax; with ``tied``, its weights are the embedding's (Press & Wolf 2017)."""

    def __init__(self, *, num_inputs: int, num_symbols: int, tied: nn.Embedding | None = None) -> None:
        super().__init__()
        self.linear = nn.Linear(num_inputs, num_symbols)
        if tied is not None:
            if tied.embedding_dim != num_inputs:
                raise ValueError(f"tied weights need as many embedding units ({tied.embedding_dim}) as {num_inputs}")
            self.linear.weight = tied.weight

    def forward(self, hidden_NH: Tensor, targets_N: Tensor) -> Tensor:
        """See ``TokenHead``."""
        return self.log_probs(hidden_NH).gather(-1, targets_N.unsqueeze(-1)).squeeze(-1)

    def log_probs(self, hidden_NH: Tensor) -> Tensor:
        """See ``TokenHead``."""
        logits_NV: Tensor = self.linear(hidden_NH)
        return logits_NV.to(torch.promote_types(logits_NV.dtype, torch.float32)).log_softmax(-1)


class AdaptiveHead(TokenHead):
    """torch's adaptive softmax; ``cutoffs`` are the ranks where the next cluster begins.

    Raises ``ValueError`` for cutoffs that do not rise within 1 and ``num_symbols - 1``.
    """

    def __init__(self, *, num_inputs: int, num_symbols: int, cutoffs: Sequence[int]) -> None:
        super().__init__()
        if not cutoffs or list(cutoffs) != sorted(set(cutoffs)) or cutoffs[0] < 1 or cutoffs[-1] >= num_symbols:
            raise ValueError(f"adaptive_cutoffs {list(cutoffs)} must rise within 1 and {num_symbols - 1}")
        self.softmax = nn.AdaptiveLogSoftmaxWithLoss(num_inputs, num_symbols, list(cutoffs))

    def forward(self, hidden_NH: Tensor, targets_N: Tensor) -> Tensor:
        """See ``TokenHead``."""
        log_probs_N: Tensor = self.softmax(hidden_NH, targets_N).output
        if self.training and dist.is_available() and dist.is_initialized():
            # A cluster without a target in this rank's batch gets no gradient, which DDP does not survive.
            log_probs_N = log_probs_N + 0.0 * sum(parameter.sum() for parameter in self.softmax.tail.parameters())
        return log_probs_N

    def log_probs(self, hidden_NH: Tensor) -> Tensor:
        """See ``TokenHead``."""
        log_probs_NV: Tensor = self.softmax.log_prob(hidden_NH)
        return log_probs_NV
