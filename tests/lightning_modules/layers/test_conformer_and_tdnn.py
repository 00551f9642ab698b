"""The encoders beside the recurrent ones: blind to padding and batch, exact lengths, and context that is as it says."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from lightning_modules.layers.conformer import (
    ConformerBlock,
    ConformerEncoder,
    ConvolutionModule,
    demo_conformer,
    published_conformer_small,
    study_conformer,
)
from lightning_modules.layers.recurrent_encoder import SpeechEncoder, demo_encoder, eesen_encoder
from lightning_modules.layers.relative_attention import RelativeSelfAttention, by_key, distance_encodings
from lightning_modules.layers.tdnn import TimeDelayEncoder, demo_tdnn, study_tdnn


def tiny_conformer(num_halvings: int = 2) -> SpeechEncoder:
    return ConformerEncoder(
        num_mels=9,
        conv_channels=4,
        num_halvings=num_halvings,
        units=8,
        num_blocks=2,
        num_heads=2,
        kernel=3,
        dropout=0.0,
    )


def tiny_tdnn(num_halvings: int = 2) -> TimeDelayEncoder:
    return TimeDelayEncoder(
        num_mels=9, conv_channels=4, num_halvings=num_halvings, units=6, layers=((3, 1), (3, 2)), dropout=0.0
    )


MAKERS = (tiny_conformer, tiny_tdnn)


def utterances(encoder: SpeechEncoder, lengths: list[int], *, padding: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    features_BTM = torch.randn(len(lengths), max(lengths) + padding, encoder.num_mels)
    for row, length in enumerate(lengths):
        features_BTM[row, length:] = 0.0
    return features_BTM, torch.tensor(lengths)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("num_halvings", [1, 2, 3])
def test_an_utterance_does_not_depend_on_its_batch(make: Callable[[int], SpeechEncoder], num_halvings: int) -> None:
    torch.manual_seed(0)
    encoder = make(num_halvings).eval()
    features_BTM, lengths_B = utterances(encoder, [21, 13, 16, 1], padding=6)
    together_BTH = encoder(features_BTM, lengths_B)
    for row, length in enumerate(lengths_B.tolist()):
        alone_BTH = encoder(features_BTM[row : row + 1, :length], lengths_B[row : row + 1])
        frames = int(encoder.pooled_frames(lengths_B)[row])
        assert alone_BTH.shape == (1, frames, encoder.num_outputs)
        assert frames == -(-length // encoder.time_pooling)
        assert not together_BTH[row, frames:].any()
        torch.testing.assert_close(together_BTH[row, :frames], alone_BTH[0], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("make", MAKERS)
def test_padding_changes_nothing_in_training(make: Callable[[], SpeechEncoder]) -> None:
    torch.manual_seed(0)
    encoder = make().train()
    features_BTM, lengths_B = utterances(encoder, [13, 9])
    gradients = []
    for padded_BTM in (features_BTM, F.pad(features_BTM, (0, 0, 0, 7))):
        encoder.zero_grad()
        hidden_BTH = encoder(padded_BTM, lengths_B)
        weights_BTH = torch.sin(torch.arange(hidden_BTH[:, :4].numel())).view(2, 4, -1)  # a norm hides a plain sum
        (hidden_BTH[:, :4] * weights_BTH).sum().backward()
        gradients.append([parameter.grad.clone() for parameter in encoder.parameters() if parameter.grad is not None])
    assert len(gradients[0]) == len(list(encoder.parameters()))
    torch.testing.assert_close(gradients[1], gradients[0], atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("num_halvings", [1, 2, 3])
@pytest.mark.parametrize("frame", [6, 7])
def test_a_tdnn_hears_its_context_and_no_more(num_halvings: int, frame: int) -> None:
    torch.manual_seed(0)
    encoder = tiny_tdnn(num_halvings).double().eval()
    assert encoder.context_frames == {1: 7, 2: 15, 3: 31}[num_halvings]  # 3 encoded frames, and the front end's own
    features_BTM = torch.randn(1, 120, encoder.num_mels, dtype=torch.float64, requires_grad=True)
    encoder(features_BTM, torch.tensor([120]))[0, frame].square().sum().backward()
    assert features_BTM.grad is not None
    heard = features_BTM.grad[0].abs().sum(-1).nonzero().flatten().tolist()
    middle = frame * encoder.time_pooling
    assert (heard[0], heard[-1]) == (middle - encoder.context_frames, middle + encoder.context_frames)


def test_context_in_seconds_is_that_of_the_features() -> None:
    for tdnn, reach_seconds in ((demo_tdnn(), 0.47), (study_tdnn(), 1.03)):
        assert isinstance(tdnn, TimeDelayEncoder)
        seconds = tdnn.context_seconds(hop_seconds=0.01, window_seconds=0.025)
        assert seconds == pytest.approx(2 * reach_seconds + 0.025)


def test_a_conformer_hears_the_whole_utterance_wherever_it_stands() -> None:
    torch.manual_seed(0)
    encoder = tiny_conformer().double().eval()
    features_BTM = torch.randn(1, 64, encoder.num_mels, dtype=torch.float64, requires_grad=True)
    encoder(features_BTM, torch.tensor([64]))[0, 0].square().sum().backward()
    assert features_BTM.grad is not None
    assert bool((features_BTM.grad[0].abs().sum(-1) > 0).all())


def test_a_block_is_its_equation() -> None:
    torch.manual_seed(0)
    block = ConformerBlock(units=8, num_heads=2, kernel=3, expansion=2, dropout=0.0).eval()
    hidden_BTH, mask_BT = torch.randn(1, 5, 8), torch.ones(1, 5, dtype=torch.bool)
    conv = block.convolution
    x = hidden_BTH + block.before(hidden_BTH) / 2
    x = x + block.attention(block.attention_norm(x), mask_BT)
    inner = F.glu(conv.gated(conv.norm(x)), dim=-1)
    around = F.pad(inner, (0, 0, 1, 1))
    near = sum(around[:, k : k + 5] * conv.depthwise.weight[:, 0, k] for k in range(3))
    x = x + conv.output(F.silu(near / (1 + conv.frame_norm.eps) ** 0.5))  # statistics as they start: mean 0, variance 1
    torch.testing.assert_close(block(hidden_BTH, mask_BT), block.norm(x + block.after(x) / 2))


def parameters(encoder: SpeechEncoder) -> int:
    return sum(parameter.numel() for parameter in encoder.parameters())


def test_rows_of_one_table_are_of_one_size() -> None:
    with torch.device("meta"):  # sizes only
        demo = [parameters(one) for one in (demo_encoder(cell="gru"), demo_tdnn(), demo_conformer())]
        study = [parameters(one) for one in (eesen_encoder(cell="gru"), study_tdnn(), study_conformer())]
        assert published_conformer_small().num_outputs == 144
    assert demo == [713976, 727496, 705432]
    assert study == [6783392, 7103392, 7244384]


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="kernel must be an odd number of frames, got 4"):
        ConvolutionModule(units=8, kernel=4, dropout=0.0)
    with pytest.raises(ValueError, match="num_blocks must be 1 or more"):
        ConformerEncoder(
            num_mels=9, conv_channels=4, num_halvings=1, units=8, num_blocks=0, num_heads=2, kernel=3, dropout=0.0
        )
    for layers in ((), ((4, 1),), ((3, 0),)):
        with pytest.raises(ValueError, match="layers must be"):
            TimeDelayEncoder(num_mels=9, conv_channels=4, num_halvings=1, units=6, layers=layers, dropout=0.0)


# Relative self-attention: torch's own where positions count nothing, its equation in loops where they do.


def attention(*, units: int = 12, num_heads: int = 3) -> RelativeSelfAttention:
    torch.manual_seed(0)
    layer = RelativeSelfAttention(units=units, num_heads=num_heads, dropout=0.0).double().eval()
    nn.init.normal_(layer.content_bias)
    nn.init.normal_(layer.distance_bias)
    return layer


def test_without_positions_it_is_torchs_multi_head_attention() -> None:
    ours = attention()
    for parameter in (ours.content_bias, ours.distance_bias, ours.distances.weight):
        nn.init.zeros_(parameter)
    torchs = nn.MultiheadAttention(12, 3, batch_first=True, dtype=torch.float64).eval()
    torchs.load_state_dict({
        "in_proj_weight": ours.queries_keys_values.weight, "in_proj_bias": ours.queries_keys_values.bias,
        "out_proj.weight": ours.output.weight, "out_proj.bias": ours.output.bias,
    })  # fmt: skip
    hidden_BTH = torch.randn(2, 7, 12, dtype=torch.float64)
    mask_BT = torch.arange(7) < torch.tensor([[7], [4]])
    expected_BTH, _ = torchs(hidden_BTH, hidden_BTH, hidden_BTH, key_padding_mask=~mask_BT)
    torch.testing.assert_close(ours(hidden_BTH, mask_BT)[mask_BT], expected_BTH[mask_BT])


def test_the_equation_in_loops() -> None:
    layer, frames, units, heads = attention(), 6, 12, 3
    hidden_TH = torch.randn(frames, units, dtype=torch.float64)
    query_TH, key_TH, value_TH = layer.queries_keys_values(hidden_TH).chunk(3, dim=-1)
    encodings = distance_encodings(frames, units).double()  # of frames − 1 down to 1 − frames
    size, heard_TH = units // heads, torch.zeros(frames, units, dtype=torch.float64)
    for head in range(heads):
        part = slice(head * size, (head + 1) * size)
        for i in range(frames):
            energies = []
            for j in range(frames):
                place = layer.distances(encodings[frames - 1 - (i - j)])[part]
                content = (query_TH[i, part] + layer.content_bias[head]) @ key_TH[j, part]
                energies.append((content + (query_TH[i, part] + layer.distance_bias[head]) @ place) / math.sqrt(size))
            heard_TH[i, part] = torch.stack(energies).softmax(0) @ value_TH[:, part]
    got_BTH = layer(hidden_TH.unsqueeze(0), torch.ones(1, frames, dtype=torch.bool))
    torch.testing.assert_close(got_BTH[0], layer.output(heard_TH))


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_energies_by_distance_become_energies_by_key(frames: int) -> None:
    by_distance = torch.randn(2, 3, frames, 2 * frames - 1)
    shifted = by_key(by_distance)
    for i in range(frames):
        for j in range(frames):
            assert torch.equal(shifted[:, :, i, j], by_distance[:, :, i, frames - 1 - (i - j)])


def test_distances_are_encoded_as_vaswani_says() -> None:
    encodings_RH = distance_encodings(4, 6)
    assert encodings_RH.shape == (7, 6)
    for row, distance in enumerate(range(3, -4, -1)):
        for pair in range(3):
            angle = distance / 10000 ** (2 * pair / 6)
            assert encodings_RH[row, 2 * pair].item() == pytest.approx(math.sin(angle), abs=1e-6)
            assert encodings_RH[row, 2 * pair + 1].item() == pytest.approx(math.cos(angle), abs=1e-6)


def test_units_that_do_not_divide_are_refused() -> None:
    with pytest.raises(ValueError, match="units 12 must be a multiple of twice num_heads 5"):
        RelativeSelfAttention(units=12, num_heads=5, dropout=0.0)
