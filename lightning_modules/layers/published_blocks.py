"""Convolutional blocks of published systems that are neither ``ConvBlock`` nor ``GatedConvBlock``."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from lightning_modules.layers.conv import SpectrogramBlock
from lightning_modules.layers.frame_norm import FrameBatchNorm


class SelfGatedConvBlock(SpectrogramBlock):
    """The DESED baselines' block: Conv 3x3 -> batch norm -> ``linear(x) · σ(x)`` -> dropout -> average-pool.

    Their "GLU" gates a linear map of the channels by the channels themselves. Batch norm has eps 0.001 and, in torch's
    meaning, momentum 0.99: its running statistics are nearly those of the last batch.
    """

    def __init__(
        self, *, in_channels: int, out_channels: int, time_pooling: int, band_pooling: int, dropout: float
    ) -> None:
        super().__init__(
            in_channels=in_channels,
            out_channels=out_channels,
            conv_channels=out_channels,
            time_pooling=time_pooling,
            band_pooling=band_pooling,
            dropout=dropout,
        )
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1)
        self.norm = FrameBatchNorm(out_channels, eps=0.001, momentum=0.99)
        self.linear = nn.Linear(out_channels, out_channels)

    def activate(self, conv_BCTF: Tensor) -> Tensor:
        """``linear(x) · σ(x)``, the linear map over channels."""
        mapped_BCTF: Tensor = self.linear(conv_BCTF.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return mapped_BCTF * conv_BCTF.sigmoid()

    def forward(self, input_BCTF: Tensor, mask_BT: Tensor | None = None) -> Tensor:
        """See ``SpectrogramBlock``."""
        activated_BCTF = self.activate(self.norm(self.conv(input_BCTF), mask_BT))
        if mask_BT is not None:
            activated_BCTF = activated_BCTF * mask_BT[:, None, :, None]
        return F.avg_pool2d(self.dropout(activated_BCTF), (self.time_pooling, self.band_pooling))


class UnnormedConvBlock(SpectrogramBlock):
    """Conv 3x3 with a bias -> ReLU -> max-pool, without batch norm: the last of Xu et al.'s convolutions."""

    def __init__(self, *, in_channels: int, out_channels: int, band_pooling: int) -> None:
        super().__init__(
            in_channels=in_channels,
            out_channels=out_channels,
            conv_channels=out_channels,
            time_pooling=1,
            band_pooling=band_pooling,
            dropout=0.0,
        )
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1)
        del self.norm

    def activate(self, conv_BCTF: Tensor) -> Tensor:
        """``max(0, x)``."""
        return F.relu(conv_BCTF)

    def forward(self, input_BCTF: Tensor, mask_BT: Tensor | None = None) -> Tensor:
        """See ``SpectrogramBlock``."""
        activated_BCTF = self.activate(self.conv(input_BCTF))
        if mask_BT is not None:
            activated_BCTF = activated_BCTF * mask_BT[:, None, :, None]
        return F.max_pool2d(activated_BCTF, (self.time_pooling, self.band_pooling))
