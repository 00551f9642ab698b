"""What beam search asks of recognisers that read their own output: attention decoders and transducers.

A model is bound to B encoded utterances; W hypotheses of each are read side by side, so every tensor begins (B, W, …).
A state is a tuple of such tensors, which a search picks from and never looks into. Token 0 starts and ends a text
(attention) or is the blank (transducer); it is never in a hypothesis. All logarithms are natural. Results must not
depend on the batch.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

State = tuple[Tensor, ...]  # each (B, W, …)


@runtime_checkable
class SpellingModel(Protocol):
    """An attention decoder: ``log p(next token | tokens so far, utterance)``; column 0 ends the text."""

    @property
    def num_frames_B(self) -> Tensor:
        """Encoded frames of each utterance."""

    def start(self) -> State:
        """The state before the first token, (B, 1, …)."""

    def step(self, tokens_BW: Tensor, state: State) -> tuple[Tensor, State]:
        """Read one more token each (0 first): log probabilities (B, W, V) of what follows, and the state after."""


@runtime_checkable
class TransducerModel(Protocol):
    """A transducer: ``log p(k | frame t, tokens so far)``; column 0 is the blank, which goes on to the next frame."""

    @property
    def num_frames_B(self) -> Tensor:
        """Encoded frames of each utterance."""

    def start(self) -> State:
        """The state of the empty text, (B, 1, …)."""

    def read(self, tokens_BW: Tensor, state: State) -> State:
        """The state after one more token each."""

    def log_probs(self, frames_BW: Tensor, state: State) -> Tensor:
        """Log probabilities (B, W, V) at each hypothesis' own frame."""


def pick(state: State, parents_BW: Tensor) -> State:
    """The state of some hypotheses: (B, W', …) of ``parents_BW`` (B, W'), places within each utterance's W."""
    rows_B1 = torch.arange(len(parents_BW), device=parents_BW.device).unsqueeze(1)
    return tuple(part[rows_B1, parents_BW] for part in state)
