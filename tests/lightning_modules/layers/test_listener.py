"""The pyramid of Listen, Attend and Spell: pairs of frames, odd lengths, and blindness to the batch."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_modules.layers.listener import PyramidalListener, demo_listener, las_listener, paired
from lightning_modules.layers.log_mel import frame_mask
from lightning_modules.layers.recurrent import Cell


def listener(*, num_halvings: int = 2, cell: Cell = "lstm") -> PyramidalListener:
    return PyramidalListener(num_mels=3, hidden_units=4, num_halvings=num_halvings, cell=cell).double().eval()


@pytest.mark.parametrize(("frames", "pairs"), [([1, 2], [[1, 2]]), ([1, 2, 3], [[1, 2], [3, 0]]), ([1], [[1, 0]])])
def test_neighbours_stand_side_by_side(frames: list[int], pairs: list[list[int]]) -> None:
    assert paired(torch.tensor([[[frame] for frame in frames]])).tolist() == [pairs]


@pytest.mark.parametrize("cell", get_args(Cell))
@pytest.mark.parametrize("frames", [1, 7, 8])
def test_it_is_the_paper_written_out(cell: Cell, frames: int) -> None:
    """``h_i^j = f(h_{i-1}^j, [h_2i^{j-1}; h_{2i+1}^{j-1}])`` in both directions, one utterance without padding."""
    network = listener(cell=cell)
    heard = list(torch.randn(frames, 3, dtype=torch.float64))
    expected = heard
    for number, layer in enumerate(network.layers):
        if number:
            if len(expected) % 2:
                expected = [*expected, torch.zeros(8, dtype=torch.float64)]
            expected = [torch.cat([expected[i], expected[i + 1]]) for i in range(0, len(expected), 2)]
        ahead_TH = layer.ahead(torch.stack(expected))[0]
        back_TH = layer.back(torch.stack(expected[::-1]))[0].flip(0)
        expected = list(torch.cat([ahead_TH, back_TH], dim=-1))
    found_BTH = network(torch.stack(heard).unsqueeze(0), torch.tensor([frames]))
    torch.testing.assert_close(found_BTH[0], torch.stack(expected))


@settings(max_examples=20)
@given(
    frames=st.lists(st.integers(1, 17), min_size=1, max_size=3),
    padding=st.integers(0, 5),
    num_halvings=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_an_utterance_does_not_depend_on_the_batch(
    frames: list[int], padding: int, num_halvings: int, seed: int
) -> None:
    torch.manual_seed(seed)
    network, num_frames_B = listener(num_halvings=num_halvings), torch.tensor(frames)
    features_BTM = torch.randn(len(frames), max(frames) + padding, 3, dtype=torch.float64)
    features_BTM *= frame_mask(num_frames_B, num_frames=features_BTM.shape[1]).unsqueeze(-1)
    together_BTH = network(features_BTM, num_frames_B)
    pooled = network.pooled_frames(num_frames_B).tolist()
    assert pooled == [-(-own // network.time_pooling) for own in frames]
    for row, (own, left) in enumerate(zip(frames, pooled, strict=True)):
        alone_BTH = network(features_BTM[row : row + 1, :own], num_frames_B[row : row + 1])
        assert alone_BTH.shape == (1, left, network.num_outputs)
        torch.testing.assert_close(together_BTH[row, :left], alone_BTH[0])
        assert not together_BTH[row, left:].any()


def test_every_weight_gets_a_gradient() -> None:
    network = listener()
    network(torch.randn(2, 9, 3, dtype=torch.float64), torch.tensor([9, 4])).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in network.parameters())


def test_published_and_small_sizes() -> None:
    with torch.device("meta"):
        las, demo = las_listener(), demo_listener(num_halvings=1, cell="gru")
    assert (las.time_pooling, las.num_outputs, las.num_mels) == (8, 512, 40)
    assert (demo.time_pooling, demo.num_outputs, demo.num_mels) == (2, 256, 40)
    with pytest.raises(ValueError, match="num_halvings must be 1 or more, got 0"):
        demo_listener(num_halvings=0)
