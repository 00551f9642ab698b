"""Relative self-attention: torch's own attention where positions count nothing, its equation in loops where they do."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from lightning_modules.layers.relative_attention import RelativeSelfAttention, by_key, distance_encodings


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
