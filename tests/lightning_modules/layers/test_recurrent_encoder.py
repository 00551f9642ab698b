"""Speech encoders: exact lengths, blind to padding and batch for every cell, and equal to torch's packed sequences."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from lightning_modules.layers.conv_subsampling import ConvSubsampling
from lightning_modules.layers.directed_layers import DirectedLayer, DirectedLayers
from lightning_modules.layers.recurrent import Bidirectional, Cell
from lightning_modules.layers.recurrent_encoder import (
    RecurrentEncoder,
    SpeechEncoder,
    deep_speech_encoder,
    demo_encoder,
    eesen_encoder,
    small_encoder,
)

CELLS: tuple[Cell, ...] = ("simple_rnn", "lstm", "gru")
BUILDERS = (demo_encoder, small_encoder, eesen_encoder, deep_speech_encoder)


def tiny_encoder(*, cell: Cell, bidirectional: bool, num_halvings: int = 2) -> RecurrentEncoder:
    return RecurrentEncoder(
        num_mels=9, conv_channels=4, num_halvings=num_halvings, cell=cell, hidden_units=5, num_layers=2,
        bidirectional=bidirectional, dropout=0.0,
    )  # fmt: skip


def utterances(encoder: SpeechEncoder, lengths: list[int], *, padding: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    features_BTM = torch.randn(len(lengths), max(lengths) + padding, encoder.num_mels)
    for row, length in enumerate(lengths):
        features_BTM[row, length:] = 0.0
    return features_BTM, torch.tensor(lengths)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("num_halvings", [1, 2, 3])
def test_an_utterance_does_not_depend_on_its_batch(cell: Cell, bidirectional: bool, num_halvings: int) -> None:
    torch.manual_seed(0)
    encoder = tiny_encoder(cell=cell, bidirectional=bidirectional, num_halvings=num_halvings).eval()
    features_BTM, lengths_B = utterances(encoder, [21, 13, 16, 1], padding=6)
    together_BTH = encoder(features_BTM, lengths_B)
    for row, length in enumerate(lengths_B.tolist()):
        alone_BTH = encoder(features_BTM[row : row + 1, :length], lengths_B[row : row + 1])
        frames = int(encoder.pooled_frames(lengths_B)[row])
        assert alone_BTH.shape == (1, frames, encoder.num_outputs)
        assert frames == -(-length // encoder.time_pooling)
        torch.testing.assert_close(together_BTH[row, :frames], alone_BTH[0], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
def test_padding_changes_nothing_in_training(cell: Cell) -> None:
    torch.manual_seed(0)
    encoder = tiny_encoder(cell=cell, bidirectional=True).train()
    features_BTM, lengths_B = utterances(encoder, [13, 9])
    gradients = []
    for padded_BTM in (features_BTM, F.pad(features_BTM, (0, 0, 0, 7))):
        encoder.zero_grad()
        hidden_BTH = encoder(padded_BTM, lengths_B)
        (hidden_BTH[0, :4].square().sum() + hidden_BTH[1, :3].square().sum()).backward()
        gradients.append([parameter.grad.clone() for parameter in encoder.parameters() if parameter.grad is not None])
    assert len(gradients[0]) == len(list(encoder.parameters()))
    torch.testing.assert_close(gradients[1], gradients[0], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("cell", CELLS)
def test_reading_reversed_equals_a_packed_bidirectional_layer(cell: Cell) -> None:
    torch.manual_seed(0)
    ours = DirectedLayer(cell=cell, num_inputs=3, hidden_units=4, bidirectional=True)
    torchs = Bidirectional(cell=cell, num_inputs=3, hidden_units=4)
    assert ours.back is not None
    weights = dict(ours.ahead.state_dict())
    weights |= {f"{name}_reverse": value for name, value in ours.back.state_dict().items()}
    torchs.layer.load_state_dict(weights)
    stack = DirectedLayers(cell=cell, num_inputs=3, hidden_units=4, num_layers=1, bidirectional=True, dropout=0.0)
    stack.layers[0] = ours
    inputs_BTI, lengths_B = torch.randn(3, 8, 3), torch.tensor([8, 5, 1])
    torch.testing.assert_close(stack(inputs_BTI, lengths_B), torchs(inputs_BTI, lengths_B))


@pytest.mark.parametrize("cell", CELLS)
def test_one_direction_never_looks_ahead(cell: Cell) -> None:
    layers = DirectedLayers(cell=cell, num_inputs=3, hidden_units=4, num_layers=2, bidirectional=False, dropout=0.0)
    inputs_BTI, lengths_B = torch.randn(1, 8, 3), torch.tensor([8])
    changed_BTI = inputs_BTI.clone()
    changed_BTI[:, 5] += 1.0
    before_BTH, after_BTH = layers(inputs_BTI, lengths_B), layers(changed_BTI, lengths_B)
    assert torch.equal(before_BTH[:, :5], after_BTH[:, :5])
    assert not torch.equal(before_BTH[:, 5], after_BTH[:, 5])


@pytest.mark.parametrize("builder", BUILDERS)
@pytest.mark.parametrize("cell", CELLS)
def test_named_sizes_take_every_cell_and_direction(builder: object, cell: Cell) -> None:
    assert callable(builder)
    with torch.device("meta"):  # sizes only
        one, two = (builder(cell=cell, bidirectional=both, num_mels=24) for both in (False, True))
    assert one.num_mels == two.num_mels == 24
    assert two.num_outputs == 2 * one.num_outputs
    assert one.time_pooling == two.time_pooling


def test_the_demo_encoder_is_the_one_that_it_says() -> None:
    encoder = demo_encoder()
    assert isinstance(encoder, RecurrentEncoder)
    assert encoder.time_pooling == 4
    assert encoder.num_outputs == 288
    gates, inputs = 4 * 144, (24 * 10, 288)
    recurrent = sum(2 * gates * (width + 144 + 2) for width in inputs)
    convolutions = 24 * 9 + 24 * 24 * 9 + 2 * 2 * 24
    assert sum(parameter.numel() for parameter in encoder.parameters()) == recurrent + convolutions


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="num_mels 3 at least"):
        ConvSubsampling(num_mels=3, channels=4, num_halvings=2)
    with pytest.raises(ValueError, match="num_layers must be 1 or more"):
        DirectedLayers(cell="gru", num_inputs=3, hidden_units=4, num_layers=0, bidirectional=True, dropout=0.0)
