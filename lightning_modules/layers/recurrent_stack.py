"""Recurrent layers in one direction, one on the other: ``h_t = f(h_{t-1}, x_t)``, with the state in and out.

Dropout stands on the inputs, between the layers and on the outputs, never on the recurrence (Zaremba et al. 2014,
arXiv 1409.2329). The cells are those of ``recurrent.py``.
"""

from __future__ import annotations

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
            before = [part_BH.unsqueeze(0).contiguous() for part_BH in state[number * parts : (number + 1) * parts]]
            hidden_BUH, last = layer(hidden_BUH, before[0] if parts == 1 else tuple(before))
            after.extend(part_1BH.squeeze(0) for part_1BH in ((last,) if parts == 1 else last))
            hidden_BUH = self.dropout(hidden_BUH)
        return hidden_BUH, tuple(after)

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
