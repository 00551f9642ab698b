"""How long a text of an attention decoder may get, and greedy spelling: what validation and its rungs share."""

from __future__ import annotations

import torch
from torch import Tensor

from datamodules.annotations import Hypothesis
from lightning_modules.decoding.attention.attention_greedy import attention_greedy
from lightning_modules.layers.speller import BoundSpeller, Speller

MAX_TOKENS_PER_SECOND = 30.0  # quick speech has 20 characters a second; a decoder that loops must end


def max_tokens(num_frames_B: Tensor, *, hop_seconds: float, per_second: float = MAX_TOKENS_PER_SECOND) -> Tensor:
    """The most tokens that a text of so many encoded frames may have, one at least: (B,) -> (B,).

    >>> max_tokens(torch.tensor([0, 25]), hop_seconds=0.04)
    tensor([ 1, 30])
    """
    return (num_frames_B * hop_seconds * per_second).ceil().long().clamp(min=1)


def spell_greedily(
    speller: Speller, encoded_BTH: Tensor, num_frames_B: Tensor, *, hop_seconds: float
) -> list[Hypothesis]:
    """The likeliest token at each step, for every utterance."""
    with torch.no_grad():
        bound = BoundSpeller(speller, speller.memory(encoded_BTH, num_frames_B))
        return attention_greedy(bound, max_tokens_B=max_tokens(num_frames_B, hop_seconds=hop_seconds))
