"""Self-attention of an utterance's frames with relative positions: not where a frame stands, but how far off.

``e_ij = ((q_i + u) · k_j + (q_i + v) · W p_{i−j}) / √d``, ``p`` the sinusoids of Vaswani et al. 2017 at the distance
``i − j``, ``u`` and ``v`` learnt (Dai et al. 2019, arXiv 1901.02860, section 3.3; in speech Gulati et al. 2020). Frames
past an utterance's end have weight 0 exactly. Legend beside that of ``datamodules/batches.py``: N heads, D units of a
head, R = 2T − 1 distances from T − 1 down to 1 − T.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def distance_encodings(num_frames: int, units: int, *, device: torch.device | None = None) -> Tensor:
    """Sinusoids of the distances T − 1 … 1 − T: (R, units), sines in the even places, cosines in the odd ones."""
    distance_R1 = torch.arange(num_frames - 1, -num_frames, -1, device=device, dtype=torch.float32).unsqueeze(1)
    rates_K = torch.exp(torch.arange(0, units, 2, device=device, dtype=torch.float32) * (-math.log(1e4) / units))
    angles_RK = distance_R1 * rates_K
    return torch.stack([angles_RK.sin(), angles_RK.cos()], dim=-1).flatten(1)


def by_key(by_distance_BNTR: Tensor) -> Tensor:
    """Energies by distance -> by key: out[i, j] is in[i, T − 1 − i + j], the one of the distance i − j, (B, N, T, T).

    >>> by_key(torch.arange(6.0).view(1, 1, 2, 3))[0, 0].tolist()  # distances 1, 0, −1
    [[1.0, 2.0], [3.0, 4.0]]
    """
    batch, heads, frames, distances = by_distance_BNTR.shape
    # Rows that are one longer, read one shorter, each begin one place further left: no index is needed.
    longer_BNTR = F.pad(by_distance_BNTR, (1, 0)).view(batch, heads, distances + 1, frames)[:, :, 1:]
    return longer_BNTR.reshape(batch, heads, frames, distances)[..., :frames]


class RelativeSelfAttention(nn.Module):
    """``num_heads`` heads over ``units``. Raises ``ValueError`` where those do not divide into even parts."""

    def __init__(self, *, units: int, num_heads: int, dropout: float) -> None:
        super().__init__()
        if num_heads < 1 or units % (2 * num_heads):
            raise ValueError(f"units {units} must be a multiple of twice num_heads {num_heads}")
        self.units, self.num_heads, self.dropout = units, num_heads, dropout
        self.queries_keys_values = nn.Linear(units, 3 * units)
        self.distances = nn.Linear(units, units, bias=False)
        self.output = nn.Linear(units, units)
        self.content_bias = nn.Parameter(torch.zeros(num_heads, units // num_heads))  # u
        self.distance_bias = nn.Parameter(torch.zeros(num_heads, units // num_heads))  # v

    def forward(self, hidden_BTH: Tensor, mask_BT: Tensor) -> Tensor:
        """(B, T, H) -> (B, T, H); ``mask_BT`` is True on real frames, values on padding mean nothing."""
        query_BNTD, key_BNTD, value_BNTD = self._heads(self.queries_keys_values(hidden_BTH), parts=3)
        encodings_RH = distance_encodings(hidden_BTH.shape[1], self.units, device=hidden_BTH.device)
        [distance_NRD] = self._heads(self.distances(encodings_RH.to(hidden_BTH.dtype)).unsqueeze(0), parts=1)
        by_distance_BNTR = (query_BNTD + self.distance_bias.unsqueeze(1)) @ distance_NRD.transpose(-1, -2)
        bias_BNTT = by_key(by_distance_BNTR) / math.sqrt(query_BNTD.shape[-1])
        heard_BNTD = F.scaled_dot_product_attention(
            query_BNTD + self.content_bias.unsqueeze(1),
            key_BNTD,
            value_BNTD,
            attn_mask=bias_BNTT.masked_fill(~mask_BT[:, None, None, :], -torch.inf),
            dropout_p=self.dropout if self.training else 0.0,
        )
        heard_BTH: Tensor = self.output(heard_BNTD.transpose(1, 2).flatten(2))
        return heard_BTH

    def _heads(self, joined_BTH: Tensor, *, parts: int) -> tuple[Tensor, ...]:
        batch, frames, _ = joined_BTH.shape
        parts_BTH = joined_BTH.chunk(parts, dim=-1)
        return tuple(part_BTH.reshape(batch, frames, self.num_heads, -1).transpose(1, 2) for part_BTH in parts_BTH)
