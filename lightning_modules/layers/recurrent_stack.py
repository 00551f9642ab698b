"""Recurrent layers in one direction, one on the other: ``h_t = f(h_{t-1}, x_t)``, with the state in and out.

Dropout stands on the inputs, between the layers and on the outputs, never on the recurrence (Zaremba et al. 2014,
arXiv 1409.2329). The cells are those of ``recurrent.py``.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from lightning_modules.layers.causal import CausalNetwork, Plain, State
from lightning_modules.layers.recurrent import Cell, recurrent_layer


class RecurrentStack(CausalNetwork):
    """``num_layers`` layers of the named cell. Raises ``ValueError`` for an unknown cell or no layer."""

    def __init__(
        self, *, cell: Cell, num_inputs: int, hidden_units: int, num_layers: int = 1, dropout: float = 0.0
    ) -> None:
        super().__init__()
        if num_layers < 1:
            raise ValueError(f"num_layers must be 1 or more, got {num_layers}")
        self.cell: Cell = cell
        self.num_inputs, self.num_outputs = num_inputs, hidden_units
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(
            recurrent_layer(cell=cell, num_inputs=width, hidden_units=hidden_units, bidirectional=False)
            for width in (num_inputs, *[hidden_units] * (num_layers - 1))
        )

    def forward(self, inputs_BUI: Tensor, state: State) -> tuple[Tensor, State]:
        """See ``CausalNetwork``; the state is a layer's h (B, H), for an LSTM h and c, the lowest layer first."""
        hidden_BUH = self.dropout(inputs_BUI)
        after: list[Tensor] = []
        parts = self._parts
        for number, layer in enumerate(self.layers):
            before = state[number * parts : (number + 1) * parts]
            read = self._read_one if hidden_BUH.shape[1] == 1 else self._read_all
            hidden_BUH, last = read(layer, hidden_BUH, before)
            after.extend(last)
            hidden_BUH = self.dropout(hidden_BUH)
        return hidden_BUH, tuple(after)

    def _read_all(self, layer: nn.Module, inputs_BUI: Tensor, before: State) -> tuple[Tensor, State]:
        wide = tuple(part_BH.unsqueeze(0).contiguous() for part_BH in before)
        outputs_BUH, last = layer(inputs_BUI, wide if self.cell == "lstm" else wide[0])
        return outputs_BUH, tuple(part_1BH.squeeze(0) for part_1BH in (last if self.cell == "lstm" else (last,)))

    def _read_one(self, layer: nn.Module, inputs_B1I: Tensor, before: State) -> tuple[Tensor, State]:
        """The same for a single step, in half the time: a whole layer on a CPU first packs its weights."""
        weights: Any = layer.parameters()  # in the order in which the cells take them
        last: State
        if self.cell == "lstm":
            last = torch.lstm_cell(inputs_B1I[:, 0], before, *weights)
        elif self.cell == "gru":
            last = (torch.gru_cell(inputs_B1I[:, 0], before[0], *weights),)
        else:
            last = (torch.rnn_tanh_cell(inputs_B1I[:, 0], before[0], *weights),)
        return last[0].unsqueeze(1), last

    def initial_state(self, batch_size: int) -> State:
        """Zeros."""
        return tuple(self.zeros(batch_size, self.num_outputs) for _ in range(len(self.layers) * self._parts))

    def arguments(self) -> dict[str, Plain]:
        """See ``CausalNetwork``."""
        return {
            "cell": self.cell,
            "num_inputs": self.num_inputs,
            "hidden_units": self.num_outputs,
            "num_layers": len(self.layers),
            "dropout": self.dropout.p,
        }

    @property
    def _parts(self) -> int:
        return 2 if self.cell == "lstm" else 1
