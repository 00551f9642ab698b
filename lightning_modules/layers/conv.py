"""Convolutional blocks over spectrograms (B, channels, T, bands) that leave padding at zero.

A block is Conv 3x3 -> batch norm -> non-linearity -> max-pool -> dropout, the order of Pellegrini & Cances
(arXiv 1901.03146). ReLU is taken of the maxima, which is the same to the last bit and a fraction of the values.
Frames past a clip's end are set to zero before they are pooled or reach the next convolution, so a clip sees beyond its
end what the convolution's own zero padding would show it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn
from torch.nn import functional as F

from lightning_modules.layers.frame_norm import FrameBatchNorm


class SpectrogramBlock(nn.Module, ABC):
    """Shared by the plain and the gated block, which differ in the non-linearity and the width that it eats.

    ``conv_channels`` go into the non-linearity, ``out_channels`` leave it. ``rises`` says that the non-linearity never
    falls where its input rises and leaves 0 at 0: then the maximum is taken first.
    """

    rises = False

    def __init__(
        self,
        *,
        in_channels: int,
        out_channels: int,
        conv_channels: int,
        time_pooling: int,
        band_pooling: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.out_channels = out_channels
        self.time_pooling = time_pooling
        self.band_pooling = band_pooling
        # The norm that follows has a bias of its own.
        self.conv = nn.Conv2d(in_channels, conv_channels, kernel_size=3, padding=1, bias=False)
        self.norm = FrameBatchNorm(conv_channels)
        self.dropout = nn.Dropout(dropout)

    @abstractmethod
    def activate(self, conv_BCTF: Tensor) -> Tensor:
        """The non-linearity: ``conv_channels`` -> ``out_channels``."""

    def forward(self, input_BCTF: Tensor, mask_BT: Tensor | None = None) -> Tensor:
        """(B, in, T, F) -> (B, out, T // time_pooling, F // band_pooling). ``mask_BT`` None: no clip is padded."""
        ready_BCTF = self.norm(self.conv(input_BCTF), mask_BT)
        if not self.rises:
            ready_BCTF = self.activate(ready_BCTF)
        if mask_BT is not None:
            ready_BCTF = ready_BCTF * mask_BT[:, None, :, None]
        pooled_BCTF = F.max_pool2d(ready_BCTF, (self.time_pooling, self.band_pooling))
        if self.rises:
            pooled_BCTF = self.activate(pooled_BCTF)
        dropped_BCTF: Tensor = self.dropout(pooled_BCTF)
        return dropped_BCTF


class ConvBlock(SpectrogramBlock):
    """The plain block: ReLU."""

    rises = True

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

    def activate(self, conv_BCTF: Tensor) -> Tensor:
        """``max(0, x)``."""
        return F.relu(conv_BCTF)
