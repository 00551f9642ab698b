"""The gated convolutional block: ``linear * sigmoid(gate)``, half of the channels each.

Conv 3x3 -> batch norm -> split, as in Xu et al. 2017 (arXiv 1710.00343) and Harb & Pernkopf (arXiv 1810.06897): the
gate learns which time-frequency bins matter, a form of attention. Gated linear units are Dauphin et al.'s
(arXiv 1612.08083).
"""

from __future__ import annotations

from torch import Tensor

from lightning_modules.layers.conv import SpectrogramBlock


class GatedConvBlock(SpectrogramBlock):
    """``2 * out_channels`` split into a linear and a gate half: "Conv 128 split 64|64" is ``out_channels`` 64."""

    def __init__(
        self, *, in_channels: int, out_channels: int, time_pooling: int, band_pooling: int, dropout: float
    ) -> None:
        super().__init__(
            in_channels=in_channels,
            out_channels=out_channels,
            conv_channels=2 * out_channels,
            time_pooling=time_pooling,
            band_pooling=band_pooling,
            dropout=dropout,
        )

    def activate(self, conv_BCTF: Tensor) -> Tensor:
        """First half of the channels times the sigmoid of the second half."""
        linear_BCTF, gate_BCTF = conv_BCTF.chunk(2, dim=1)
        return linear_BCTF * gate_BCTF.sigmoid()  # ``F.glu``'s values; its CPU kernel is 3 x slower
