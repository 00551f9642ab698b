"""Joiner and prediction networks: the equation written out, reading step by step, and the bound form of decoders."""

from __future__ import annotations

from functools import partial
from typing import get_args

import pytest
import torch

from lightning_modules.decoding.step_models import TransducerModel, pick
from lightning_modules.layers.attention import ContentAttention, LocationAttention
from lightning_modules.layers.predictor import AttendingPredictor, PredictorMaker, RecurrentPredictor
from lightning_modules.layers.recurrent import Cell
from lightning_modules.layers.speller import SpellerSettings
from lightning_modules.layers.transducer import BoundTransducer, Joiner, TransducerNetwork

SIZES = {"embedding_units": 3, "hidden_units": 4, "dropout": 0.0}


def recurrent(cell: Cell = "lstm") -> PredictorMaker:
    return partial(RecurrentPredictor, cell=cell, num_layers=2, **SIZES)


def attending(cell: Cell = "lstm") -> PredictorMaker:
    attention = partial(LocationAttention, units=4, channels=2, reach_frames=1) if cell == "lstm" else ContentAttention
    return partial(AttendingPredictor, speller=SpellerSettings(attention=attention, cell=cell, **SIZES))


PREDICTORS = [make(cell) for cell in get_args(Cell) for make in (recurrent, attending)]


def test_the_joiner_is_its_equation() -> None:
    joiner = Joiner(num_encoded=3, num_predicted=2, joint_units=5, num_symbols=4)
    frame_H, place_P = torch.randn(3), torch.randn(2)
    hidden_J = torch.tanh(joiner.frames.weight @ frame_H + joiner.frames.bias + joiner.places.weight @ place_P)
    expected_V = joiner.output.weight @ hidden_J + joiner.output.bias
    torch.testing.assert_close(joiner(joiner.frames(frame_H), joiner.places(place_P)), expected_V)


@pytest.mark.parametrize("make", PREDICTORS)
def test_the_lattice_is_what_decoders_read_step_by_step(make: PredictorMaker) -> None:
    network = TransducerNetwork(num_symbols=6, num_encoded=5, predictor=make, joint_units=7)
    encoded_BTH, num_frames_B = torch.randn(2, 4, 5), torch.tensor([4, 3])
    tokens_BU = torch.tensor([[1, 5, 2], [3, 3, 0]])
    log_probs_BTNV = network(encoded_BTH, num_frames_B, tokens_BU).log_softmax(-1)
    assert log_probs_BTNV.shape == (2, 4, 4, 6)
    bound = BoundTransducer(network, encoded_BTH, num_frames_B)
    assert isinstance(bound, TransducerModel)
    state = bound.start()
    assert all(part.shape[:2] == (2, 1) for part in state)
    frames_BW = torch.tensor([[0, 1, 2], [2, 0, 0]])
    for place in range(4):
        state = pick(state, torch.zeros(2, 3, dtype=torch.int64))  # three hypotheses of one text each
        expected_BWV = log_probs_BTNV[torch.arange(2).unsqueeze(1), frames_BW, place]
        torch.testing.assert_close(bound.log_probs(frames_BW, state), expected_BWV)
        if place < 3:
            state = bound.read(tokens_BU[:, place : place + 1].expand(-1, 3), state)


@pytest.mark.parametrize("make", PREDICTORS)
def test_an_utterance_does_not_depend_on_the_batch(make: PredictorMaker) -> None:
    network = TransducerNetwork(num_symbols=6, num_encoded=5, predictor=make, joint_units=7)
    encoded_BTH, num_frames_B = torch.randn(2, 6, 5), torch.tensor([3, 6])
    together_BTNV = network(encoded_BTH, num_frames_B, torch.tensor([[1, 5, 0], [3, 3, 4]]))
    alone_BTNV = network(encoded_BTH[:1, :3], num_frames_B[:1], torch.tensor([[1, 5]]))
    torch.testing.assert_close(together_BTNV[:1, :3, :3], alone_BTNV)


@pytest.mark.parametrize("make", [recurrent(), attending()])
def test_a_place_knows_what_was_read_and_nothing_else(make: PredictorMaker) -> None:
    predictor = make(6, 5)
    encoded_BTH = torch.randn(1, 4, 5).expand(2, -1, -1)
    memory = predictor.memory(encoded_BTH, torch.tensor([4, 4]))
    first_NP, second_NP = predictor(torch.tensor([[1, 5, 2], [1, 5, 4]]), memory)
    torch.testing.assert_close(first_NP[:3], second_NP[:3])
    assert not torch.allclose(first_NP[3], second_NP[3])
    torch.testing.assert_close(predictor(torch.zeros(2, 0, dtype=torch.int64), memory)[0, 0], first_NP[0])


def test_only_the_attending_one_hears() -> None:
    tokens_BU, num_frames_B = torch.tensor([[1, 2]]), torch.tensor([4])
    for make, hears in ((recurrent(), False), (attending(), True)):
        predictor = make(6, 5)
        read = [predictor(tokens_BU, predictor.memory(torch.randn(1, 4, 5), num_frames_B)) for _ in range(2)]
        assert torch.equal(*read) is not hears
