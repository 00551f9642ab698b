"""The Conformer: self-attention for what is far off, a convolution for what is near (Gulati et al. 2020).

A block is ``x += ½ FF(x)``, ``x += attention(x)``, ``x += convolution(x)``, ``x += ½ FF(x)``, layer norm; every part
normalises its input first and drops out of its output (arXiv 2005.08100). Differs from the paper in exactness: the
convolution sees zeros past an utterance's end and batch statistics leave padding out, so that padding changes no frame.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from lightning_modules.layers.conv_subsampling import ConvSubsampling, halved
from lightning_modules.layers.frame_norm import FrameBatchNorm
from lightning_modules.layers.log_mel import frame_mask
from lightning_modules.layers.recurrent_encoder import SpeechEncoder
from lightning_modules.layers.relative_attention import RelativeSelfAttention


def feed_forward(*, units: int, inner_units: int, dropout: float) -> nn.Sequential:
    """Section 2.3: layer norm, out to ``inner_units``, swish, back."""
    return nn.Sequential(
        nn.LayerNorm(units),
        nn.Linear(units, inner_units),
        nn.SiLU(),
        nn.Dropout(dropout),
        nn.Linear(inner_units, units),
        nn.Dropout(dropout),
    )


class ConvolutionModule(nn.Module):
    """Section 2.2: layer norm, gated pointwise convolution, depthwise one over ``kernel`` frames, batch norm, swish.

    Raises ``ValueError`` for a kernel without a middle.
    """

    def __init__(self, *, units: int, kernel: int, dropout: float) -> None:
        super().__init__()
        if kernel < 1 or kernel % 2 == 0:
            raise ValueError(f"kernel must be an odd number of frames, got {kernel}")
        self.norm = nn.LayerNorm(units)
        self.gated = nn.Linear(units, 2 * units)
        self.depthwise = nn.Conv1d(units, units, kernel, padding=kernel // 2, groups=units, bias=False)
        self.frame_norm = FrameBatchNorm(units)
        self.output = nn.Linear(units, units)
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden_BTH: Tensor, mask_BT: Tensor) -> Tensor:
        """(B, T, H) -> (B, T, H); values on padding mean nothing."""
        linear_BTH, gate_BTH = self.gated(self.norm(hidden_BTH)).chunk(2, dim=-1)
        gated_BTH = linear_BTH * gate_BTH.sigmoid() * mask_BT.unsqueeze(-1)
        near_BHT1 = self.depthwise(gated_BTH.transpose(1, 2)).unsqueeze(-1)
        near_BTH = F.silu(self.frame_norm(near_BHT1, mask_BT)).squeeze(-1).transpose(1, 2)
        heard_BTH: Tensor = self.dropout(self.output(near_BTH))
        return heard_BTH


class ConformerBlock(nn.Module):
    """Feed-forward, attention, convolution, feed-forward, each added to what it was given."""

    def __init__(self, *, units: int, num_heads: int, kernel: int, expansion: int, dropout: float) -> None:
        super().__init__()
        self.before = feed_forward(units=units, inner_units=expansion * units, dropout=dropout)
        self.attention_norm = nn.LayerNorm(units)
        self.attention = RelativeSelfAttention(units=units, num_heads=num_heads, dropout=dropout)
        self.convolution = ConvolutionModule(units=units, kernel=kernel, dropout=dropout)
        self.after = feed_forward(units=units, inner_units=expansion * units, dropout=dropout)
        self.norm = nn.LayerNorm(units)
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden_BTH: Tensor, mask_BT: Tensor) -> Tensor:
        """(B, T, H) -> (B, T, H); values on padding mean nothing."""
        hidden_BTH = hidden_BTH + 0.5 * self.before(hidden_BTH)
        hidden_BTH = hidden_BTH + self.dropout(self.attention(self.attention_norm(hidden_BTH), mask_BT))
        hidden_BTH = hidden_BTH + self.convolution(hidden_BTH, mask_BT)
        out_BTH: Tensor = self.norm(hidden_BTH + 0.5 * self.after(hidden_BTH))
        return out_BTH


class ConformerEncoder(SpeechEncoder):
    """``ConvSubsampling``, a projection, ``num_blocks`` blocks. Hears the whole utterance, wherever it stands in it."""

    def __init__(
        self,
        *,
        num_mels: int,
        conv_channels: int,
        num_halvings: int,
        units: int,
        num_blocks: int,
        num_heads: int,
        kernel: int,
        dropout: float,
        expansion: int = 4,
    ) -> None:
        super().__init__()
        if num_blocks < 1:
            raise ValueError(f"num_blocks must be 1 or more, got {num_blocks}")
        self.num_mels, self.num_outputs = num_mels, units
        self.subsampling = ConvSubsampling(num_mels=num_mels, channels=conv_channels, num_halvings=num_halvings)
        self.time_pooling = self.subsampling.time_pooling
        self.project = nn.Linear(self.subsampling.num_outputs, units)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(
            ConformerBlock(units=units, num_heads=num_heads, kernel=kernel, expansion=expansion, dropout=dropout)
            for _ in range(num_blocks)
        )

    def pooled_frames(self, num_frames_B: Tensor) -> Tensor:
        """``ceil(T / time_pooling)``."""
        return halved(num_frames_B, times=self.subsampling.num_halvings)

    def forward(self, features_BTM: Tensor, num_frames_B: Tensor) -> Tensor:
        """Hidden vectors (B, T', H) of features (B, T, M); zeros on padding."""
        hidden_BTH: Tensor = self.dropout(self.project(self.subsampling(features_BTM, num_frames_B)))
        mask_BT = frame_mask(self.pooled_frames(num_frames_B), num_frames=hidden_BTH.shape[1])
        for block in self.blocks:
            hidden_BTH = block(hidden_BTH, mask_BT)
        return hidden_BTH * mask_BT.unsqueeze(-1)


def demo_conformer(*, num_mels: int = 40, dropout: float = 0.1) -> SpeechEncoder:
    """For a table in minutes on two cores, as large as ``demo_encoder`` with GRU: conv / 4, 3 blocks of 96 units."""
    return ConformerEncoder(
        num_mels=num_mels,
        conv_channels=24,
        num_halvings=2,
        units=96,
        num_blocks=3,
        num_heads=4,
        kernel=15,
        dropout=dropout,
    )


def study_conformer(*, num_mels: int = 40, dropout: float = 0.1) -> SpeechEncoder:
    """As large as ``eesen_encoder`` with GRU: conv / 4, 8 blocks of 192 units, kernel 31."""
    return ConformerEncoder(
        num_mels=num_mels,
        conv_channels=32,
        num_halvings=2,
        units=192,
        num_blocks=8,
        num_heads=4,
        kernel=31,
        dropout=dropout,
    )


def published_conformer_small(*, num_mels: int = 80, dropout: float = 0.1) -> SpeechEncoder:
    """Conformer (S) of the paper's table 1: 16 blocks of 144 units, 4 heads; kernel 31 (theirs, 32, has no middle)."""
    return ConformerEncoder(
        num_mels=num_mels,
        conv_channels=144,
        num_halvings=2,
        units=144,
        num_blocks=16,
        num_heads=4,
        kernel=31,
        dropout=dropout,
    )
