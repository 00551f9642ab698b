"""Published encoders: the authors' numbers of parameters, the contract of encoders, gates and dropouts by hand."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from lightning_modules.layers.crnn import FrameEncoder
from lightning_modules.layers.published_blocks import SelfGatedConvBlock
from lightning_modules.layers.published_crnns import (
    StackedCRNN,
    dcase2018_baseline,
    desed_2023_crnn,
    pellegrini_cances_2019,
    xu_2017,
)

DOCUMENT = Path(__file__).parents[3] / "docs" / "sed.md"


def gated_pellegrini_cances() -> FrameEncoder:
    return pellegrini_cances_2019(gated=True)


BUILDERS = [pellegrini_cances_2019, gated_pellegrini_cances, xu_2017, dcase2018_baseline, desed_2023_crnn]


def _parameters(*modules: nn.Module) -> int:
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


def _keras_gru(num_inputs: int, hidden_units: int) -> int:
    """Both directions of Keras' GRU, one bias a gate."""
    return 2 * 3 * hidden_units * (num_inputs + hidden_units + 1)


def _desed() -> int:
    """Their layers in plain torch, as desed_task/nnet/{CNN,RNN,CRNN}.py of the 2023 baseline builds them."""
    channels = (1, 16, 32, 64, 128, 128, 128, 128)
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(channels):
        layers += [nn.Conv2d(before, after, 3), nn.BatchNorm2d(after), nn.Linear(after, after)]
    gru = nn.GRU(128, 128, bidirectional=True, num_layers=2)
    return _parameters(*layers, gru, nn.Linear(256, 10), nn.Linear(256, 10))


# The number that the authors' code has (that trains), classes, output layers, and what ours has more: torch's second
# biases of a GRU, less the biases of convolutions before a batch norm.
PUBLISHED = [
    # Their notebook prints 207,818 trainable parameters for the gated form.
    (gated_pellegrini_cances, 207_818, 10, 1, 2 * 3 * 64),
    (pellegrini_cances_2019, 640 + 2 * 36_928 + 3 * 128 + _keras_gru(64, 64) + 8_256 + 650, 10, 1, 2 * 3 * 64 - 3 * 64),
    (dcase2018_baseline, 640 + 2 * 36_928 + 3 * 128 + _keras_gru(64, 64) + 1_290, 10, 1, 2 * 3 * 64 - 3 * 64),
    (xu_2017, 1_152 + 6 * 73_728 + 7 * 256 + 147_712 + 2 * _keras_gru(256, 128) + 2 * 4_369, 17, 2, 2 * 2 * 3 * 128),
    (desed_2023_crnn, _desed(), 10, 2, 0),
]


@pytest.mark.parametrize(("builder", "published", "classes", "outputs", "more"), PUBLISHED)
def test_parameters_are_the_authors(
    builder: Callable[[], FrameEncoder], published: int, classes: int, outputs: int, more: int
) -> None:
    encoder = builder()
    own = _parameters(encoder, *(nn.Linear(encoder.num_outputs, classes) for _ in range(outputs)))
    assert own == published + more
    assert f"{own:,}" in DOCUMENT.read_text(encoding="utf-8")
    assert f"{published:,}" in DOCUMENT.read_text(encoding="utf-8")


def test_the_desed_baseline_has_one_million_and_a_bit() -> None:
    assert _desed() == 1_112_420


@pytest.mark.parametrize("builder", BUILDERS)
@pytest.mark.parametrize("train", [True, False])
def test_padding_changes_nothing(builder: Callable[[], FrameEncoder], train: bool) -> None:
    torch.manual_seed(0)
    encoder = builder().train(train)
    for module in encoder.modules():
        if isinstance(module, nn.Dropout | nn.Dropout1d):
            module.p = 0.0
    clips_BTM, lengths_B = torch.randn(2, 9, encoder.num_mels), torch.tensor([9, 9])
    alone_BTH, padded_BTH = encoder(clips_BTM, lengths_B), encoder(F.pad(clips_BTM, (0, 0, 0, 6)), lengths_B)
    frames = int(encoder.pooled_frames(lengths_B)[0])
    assert alone_BTH.shape == (2, frames, encoder.num_outputs)
    torch.testing.assert_close(padded_BTH[:, :frames], alone_BTH[:, :frames], atol=1e-5, rtol=1e-4)


def test_time_is_pooled_by_four_in_the_desed_baseline_and_nowhere_else() -> None:
    assert [builder().time_pooling for builder in BUILDERS] == [1, 1, 1, 1, 4]
    assert int(desed_2023_crnn().pooled_frames(torch.tensor([625]))[0]) == 157


def test_the_desed_gate_is_the_channel_itself() -> None:
    block = SelfGatedConvBlock(in_channels=1, out_channels=4, time_pooling=2, band_pooling=2, dropout=0.5).eval()
    image_BCTF = torch.randn(1, 1, 6, 8)
    normed_BCTF = F.batch_norm(
        block.conv(image_BCTF), block.norm.running_mean, block.norm.running_var, block.norm.weight, block.norm.bias,
        eps=0.001,
    )  # fmt: skip
    linear_BCTF = torch.einsum("oc,bctf->botf", block.linear.weight, normed_BCTF) + block.linear.bias.view(1, 4, 1, 1)
    wanted_BCTF = F.avg_pool2d(linear_BCTF * normed_BCTF.sigmoid(), 2)
    torch.testing.assert_close(block(image_BCTF), wanted_BCTF)


def test_input_dropout_takes_a_channel_for_the_whole_clip() -> None:
    torch.manual_seed(0)
    encoder = pellegrini_cances_2019().train()
    assert isinstance(encoder, StackedCRNN)
    seen: list[torch.Tensor] = []
    encoder.recurrent[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    for module in encoder.cnn.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    encoder.input_dropout.p = 0.5
    encoder(torch.randn(2, 9, 64), torch.tensor([9, 9]))
    dropped_BC = (seen[0] == 0).all(1)
    assert 0 < dropped_BC.float().mean() < 1
    assert (encoder.output_dropout.p, encoder.dense_dropout.p) == (0.1, 0.1)
    gated = gated_pellegrini_cances()
    assert isinstance(gated, StackedCRNN)
    assert (gated.input_dropout.p, gated.output_dropout.p, gated.dense_dropout.p) == (0.1, 0.0, 0.0)
