"""Joiner and prediction network: the equation written out, and reading step by step."""

from __future__ import annotations

from typing import get_args

import pytest
import torch

from lightning_modules.layers.recurrent import Cell
from lightning_modules.layers.recurrent_stack import RecurrentStack
from lightning_modules.layers.transducer import Joiner, PredictionNetwork


def prediction_network(cell: Cell = "lstm") -> PredictionNetwork:
    network = RecurrentStack(cell=cell, num_inputs=3, hidden_units=4, num_layers=2)
    return PredictionNetwork(num_symbols=6, network=network)


def test_the_joiner_is_its_equation_in_every_cell() -> None:
    joiner = Joiner(num_frame_inputs=3, num_text_inputs=2, joint_units=5, num_symbols=4)
    encoded_BTH, predicted_BNH = torch.randn(2, 6, 3), torch.randn(2, 4, 2)
    logits_BTNV = joiner.lattice(encoded_BTH, predicted_BNH)
    assert logits_BTNV.shape == (2, 6, 4, 4)
    for b, t, n in [(0, 0, 0), (1, 5, 3), (0, 2, 1)]:
        frames_J = joiner.frames.weight @ encoded_BTH[b, t] + joiner.frames.bias
        hidden_J = torch.tanh(frames_J + joiner.texts.weight @ predicted_BNH[b, n])
        torch.testing.assert_close(logits_BTNV[b, t, n], joiner.output.weight @ hidden_J + joiner.output.bias)


@pytest.mark.parametrize("cell", get_args(Cell))
def test_reading_step_by_step_is_reading_at_once(cell: Cell) -> None:
    network = prediction_network(cell)
    tokens_BU = torch.tensor([[1, 5, 2, 2], [3, 3, 1, 4]])
    predicted_BNH = network(tokens_BU)
    assert predicted_BNH.shape == (2, 5, 4)
    output_BH, state = network.start(2)
    for place in range(5):
        torch.testing.assert_close(output_BH, predicted_BNH[:, place])
        if place < 4:
            output_BH, state = network.read(tokens_BU[:, place], state)


def test_a_place_knows_only_what_was_read() -> None:
    network = prediction_network()
    tokens_BU = torch.tensor([[1, 5, 2, 2], [1, 5, 4, 0]])  # the second is shorter: padding comes after
    first_NH, second_NH = network(tokens_BU)
    torch.testing.assert_close(first_NH[:3], second_NH[:3])
    assert not torch.allclose(first_NH[3], second_NH[3])
    torch.testing.assert_close(network(torch.zeros(1, 0, dtype=torch.int64))[0, 0], first_NH[0])
