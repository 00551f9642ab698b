"""Recurrent layers in one direction: a text read one token at a time gives what it gives when it is read at once."""

from __future__ import annotations

from typing import get_args

import pytest
import torch

from lightning_modules.layers.recurrent import Cell
from lightning_modules.layers.recurrent_stack import RecurrentStack


@pytest.mark.parametrize("cell", get_args(Cell))
@pytest.mark.parametrize("num_layers", [1, 3])
def test_a_step_is_the_whole_layers(cell: Cell, num_layers: int) -> None:
    stack = RecurrentStack(cell=cell, num_inputs=3, hidden_units=4, num_layers=num_layers).double()
    inputs_BUI = torch.randn(2, 5, 3, dtype=torch.float64)
    before = tuple(torch.randn_like(part) for part in stack.initial_state(2))
    whole_BUH, last = stack(inputs_BUI, before)
    state, steps = before, []
    for place in range(5):
        output_B1H, state = stack(inputs_BUI[:, place : place + 1], state)
        steps.append(output_B1H)
    torch.testing.assert_close(torch.cat(steps, dim=1), whole_BUH, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(state, last, rtol=1e-12, atol=1e-13)
    assert len(last) == num_layers * (2 if cell == "lstm" else 1)


@pytest.mark.parametrize("cell", get_args(Cell))
def test_a_steps_gradients_are_the_whole_layers(cell: Cell) -> None:
    stack = RecurrentStack(cell=cell, num_inputs=3, hidden_units=4).double()
    inputs_BUI = torch.randn(2, 4, 3, dtype=torch.float64)
    stack(inputs_BUI, stack.initial_state(2))[0].square().sum().backward()
    whole = [parameter.grad for parameter in stack.parameters()]
    stack.zero_grad()
    state, total = stack.initial_state(2), torch.zeros((), dtype=torch.float64)
    for input_B1I in inputs_BUI.split(1, dim=1):
        output_B1H, state = stack(input_B1I, state)
        total = total + output_B1H.square().sum()
    total.backward()
    torch.testing.assert_close([parameter.grad for parameter in stack.parameters()], whole)
