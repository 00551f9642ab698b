"""Cells by name: the simple RNN is the recurrence that SYSTEMS.md states, and no cell sees padding."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from torch import nn

from lightning_modules.layers.recurrent import Bidirectional, Cell, recurrent_layer

CELLS = get_args(Cell)


def test_simple_rnn_is_the_recurrence_without_biases() -> None:
    layer = recurrent_layer(cell="simple_rnn", num_inputs=3, hidden_units=2, bidirectional=False)
    inputs_TI = torch.randn(5, 3)
    state_H = torch.zeros(2)
    expected = []
    for input_I in inputs_TI:  # h_t = x_t W, y_t = tanh(h_t + y_{t-1} U)
        state_H = torch.tanh(input_I @ layer.weight_ih_l0.T + state_H @ layer.weight_hh_l0.T)
        expected.append(state_H)
    torch.testing.assert_close(layer(inputs_TI.unsqueeze(0))[0][0], torch.stack(expected))
    assert not [name for name, _ in layer.named_parameters() if "bias" in name]


def test_names_give_their_cells() -> None:
    kinds = [type(recurrent_layer(cell=cell, num_inputs=1, hidden_units=1, bidirectional=True)) for cell in CELLS]
    assert kinds == [nn.RNN, nn.LSTM, nn.GRU]


def test_unknown_cell_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'elman' is not one of simple_rnn, lstm, gru"):
        recurrent_layer(cell="elman", num_inputs=1, hidden_units=1, bidirectional=True)  # type: ignore[arg-type]


@pytest.mark.parametrize("cell", CELLS)
def test_padding_changes_nothing_in_either_direction(cell: Cell) -> None:
    layer = Bidirectional(cell=cell, num_inputs=3, hidden_units=4)
    short_TI, long_TI = torch.randn(4, 3), torch.randn(7, 3)
    batch_BTI = torch.stack([torch.cat([short_TI, torch.full((3, 3), 9.0)]), long_TI])
    outputs_BTH = layer(batch_BTI, torch.tensor([4, 7]))
    torch.testing.assert_close(outputs_BTH[0, :4], layer(short_TI.unsqueeze(0))[0])
    torch.testing.assert_close(outputs_BTH[1], layer(long_TI.unsqueeze(0))[0])
    assert not outputs_BTH[0, 4:].any()


@pytest.mark.parametrize("cell", CELLS)
def test_last_state_is_what_torch_returns_as_final(cell: Cell) -> None:
    layer = Bidirectional(cell=cell, num_inputs=3, hidden_units=4)
    inputs_BTI = torch.randn(1, 6, 3)
    final = layer.layer(inputs_BTI[:, :5])[1]
    final_DBH = final[0] if cell == "lstm" else final
    expected_BH = torch.cat([final_DBH[0], final_DBH[1]], dim=-1)
    torch.testing.assert_close(layer.last_state(inputs_BTI, torch.tensor([5])), expected_BH)
