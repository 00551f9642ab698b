"""Recurrent layers one above the other, in one or two directions, blind to padding: (B, T, I) -> (B, T, H or 2H).

The backward direction reads each utterance reversed within its own length (its last frame first, padding still behind)
by a cell of its own. That gives what a packed sequence gives, and trains 3 x faster on a CPU, where torch has no fast
path for packed sequences (LSTM-144, both directions, 16 x 100 frames, one thread: 83 ms a step instead of 238).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lightning_modules.layers.log_mel import frame_mask
from lightning_modules.layers.recurrent import Cell, recurrent_layer


def reversed_frames(num_frames_B: Tensor, *, num_frames: int) -> Tensor:
    """Where each frame of a reversed utterance comes from: (B,) -> (B, T), padding from itself.

    >>> reversed_frames(torch.tensor([2, 4]), num_frames=4)
    tensor([[1, 0, 2, 3],
            [3, 2, 1, 0]])
    """
    frame_1T = torch.arange(num_frames, device=num_frames_B.device).unsqueeze(0)
    length_B1 = num_frames_B.unsqueeze(1)
    return torch.where(frame_1T < length_B1, length_B1 - 1 - frame_1T, frame_1T)


class DirectedLayer(nn.Module):
    """One layer of a cell, forward and, where asked for, backward beside it."""

    def __init__(self, *, cell: Cell, num_inputs: int, hidden_units: int, bidirectional: bool) -> None:
        super().__init__()
        self.ahead = recurrent_layer(cell=cell, num_inputs=num_inputs, hidden_units=hidden_units, bidirectional=False)
        self.back = (
            recurrent_layer(cell=cell, num_inputs=num_inputs, hidden_units=hidden_units, bidirectional=False)
            if bidirectional
            else None
        )
        self.num_outputs = hidden_units * (2 if bidirectional else 1)

    def forward(self, inputs_BTI: Tensor, from_BT: Tensor) -> Tensor:
        """Outputs (B, T, H or 2H); ``from_BT`` is ``reversed_frames``, which is its own inverse."""
        ahead_BTH: Tensor = self.ahead(inputs_BTI)[0]
        if self.back is None:
            return ahead_BTH
        back_BTH = _take(self.back(_take(inputs_BTI, from_BT))[0], from_BT)
        return torch.cat([ahead_BTH, back_BTH], dim=-1)


def _take(values_BTI: Tensor, from_BT: Tensor) -> Tensor:
    return values_BTI.gather(1, from_BT.unsqueeze(-1).expand(-1, -1, values_BTI.shape[-1]))


class DirectedLayers(nn.Module):
    """``num_layers`` layers with dropout between. Raises ``ValueError`` for fewer than one."""

    def __init__(
        self, *, cell: Cell, num_inputs: int, hidden_units: int, num_layers: int, bidirectional: bool, dropout: float
    ) -> None:
        super().__init__()
        if num_layers < 1:
            raise ValueError(f"num_layers must be 1 or more, got {num_layers}")
        self.layers = nn.ModuleList()
        self.num_outputs = num_inputs
        for _ in range(num_layers):
            layer = DirectedLayer(
                cell=cell, num_inputs=self.num_outputs, hidden_units=hidden_units, bidirectional=bidirectional
            )
            self.layers.append(layer)
            self.num_outputs = layer.num_outputs
        self.dropout = nn.Dropout(dropout)

    def forward(self, inputs_BTI: Tensor, num_frames_B: Tensor) -> Tensor:
        """Outputs (B, T, H); zeros on padding."""
        from_BT = reversed_frames(num_frames_B, num_frames=inputs_BTI.shape[1])
        hidden_BTH = inputs_BTI
        for number, layer in enumerate(self.layers):
            hidden_BTH = layer(self.dropout(hidden_BTH) if number else hidden_BTH, from_BT)
        return hidden_BTH * frame_mask(num_frames_B, num_frames=inputs_BTI.shape[1]).unsqueeze(-1)
