"""The contract of a causal network: what it says at a step depends on that step and earlier ones only.

All that it remembers of the past is its state, so that a text can be read in pieces (truncated back-propagation through
time) or one token at a time (beam search) with the same result as at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

State = tuple[Tensor, ...]  # each (B, ...): rows come first, so that they can be picked and stacked
Plain = int | float | str | bool | list["Plain"] | None


class CausalNetwork(nn.Module, ABC):
    """(B, U, ``num_inputs``) -> (B, U, ``num_outputs``), step u blind to what comes after it."""

    num_inputs: int
    num_outputs: int

    @abstractmethod
    def forward(self, inputs_BUI: Tensor, state: State) -> tuple[Tensor, State]:
        """Outputs (B, U, H) and the state after the last step."""

    @abstractmethod
    def initial_state(self, batch_size: int) -> State:
        """The state before a text's first step, on the network's device and in its precision."""

    @abstractmethod
    def arguments(self) -> dict[str, Plain]:
        """The constructor's keyword arguments as plain values: with a state_dict, all that rebuilds the network."""

    def zeros(self, *shape: int) -> Tensor:
        """Zeros on the network's device and in its precision."""
        parameter = next(self.parameters())
        return torch.zeros(shape, device=parameter.device, dtype=parameter.dtype)
