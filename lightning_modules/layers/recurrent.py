"""The recurrent cells, selectable by name, and their bidirectional wrapper.

``simple_rnn`` is Keras' form, ``h_t = x_t W``, ``y_t = tanh(h_t + y_{t-1} U)``: torch's RNN without biases (Keras has
one bias, the lecture's equation none). ``lstm`` and ``gru`` are torch's (Hochreiter & Schmidhuber 1997; Cho 2014).
The name is a table's key, which is why it is a string.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

Cell = Literal["simple_rnn", "lstm", "gru"]


def recurrent_layer(*, cell: Cell, num_inputs: int, hidden_units: int, bidirectional: bool) -> nn.RNNBase:
    """One layer of the named cell over (B, T, I). Raises ``ValueError`` for an unknown name."""
    match cell:
        case "simple_rnn":
            return nn.RNN(num_inputs, hidden_units, bias=False, batch_first=True, bidirectional=bidirectional)
        case "lstm":
            return nn.LSTM(num_inputs, hidden_units, batch_first=True, bidirectional=bidirectional)
        case "gru":
            return nn.GRU(num_inputs, hidden_units, batch_first=True, bidirectional=bidirectional)
        case _:
            raise ValueError(f"cell {cell!r} is not one of simple_rnn, lstm, gru")


class Bidirectional(nn.Module):
    """A recurrent layer read in both directions, blind to padding: (B, T, I) -> (B, T, 2H)."""

    def __init__(self, *, cell: Cell, num_inputs: int, hidden_units: int) -> None:
        super().__init__()
        self.hidden_units = hidden_units
        self.num_outputs = 2 * hidden_units
        self.layer = recurrent_layer(cell=cell, num_inputs=num_inputs, hidden_units=hidden_units, bidirectional=True)

    def forward(self, inputs_BTI: Tensor, num_frames_B: Tensor | None = None) -> Tensor:
        """Outputs (B, T, 2H), zeros on padding. ``num_frames_B`` None means that no clip is padded.

        A packed sequence lets the backward direction start at each clip's own last frame.
        """
        if num_frames_B is None:
            outputs_BTH: Tensor = self.layer(inputs_BTI)[0]
            return outputs_BTH
        packed = pack_padded_sequence(inputs_BTI, num_frames_B.cpu(), batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(self.layer(packed)[0], batch_first=True, total_length=inputs_BTI.shape[1])[0]

    def last_state(self, inputs_BTI: Tensor, num_frames_B: Tensor) -> Tensor:
        """Many-to-one: each direction's state after its last step, (B, 2H).

        That is the forward direction at the clip's last frame and the backward one at its first.
        """
        outputs_BTH = self(inputs_BTI, num_frames_B)
        forward_BTH, backward_BTH = outputs_BTH.split(self.hidden_units, dim=-1)
        rows = torch.arange(len(num_frames_B), device=inputs_BTI.device)
        return torch.cat([forward_BTH[rows, num_frames_B.to(inputs_BTI.device) - 1], backward_BTH[:, 0]], dim=-1)
