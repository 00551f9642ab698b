"""A time-delay network: an encoded frame hears so many frames to either side and no more (Waibel et al. 1989).

Dilated convolutions over time on the strided front end of the recurrent encoders, in the manner of Peddinti et al.
2015; each with batch norm, ReLU and dropout, and past a layer of its own width a way around it (Povey et al. 2018,
TDNN-F, section 3). What is said does not depend on where in an utterance it stands, beyond the context.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lightning_modules.layers.conv_subsampling import ConvSubsampling, halved
from lightning_modules.layers.frame_norm import FrameBatchNorm
from lightning_modules.layers.log_mel import frame_mask
from lightning_modules.layers.recurrent_encoder import SpeechEncoder

TimeLayers = Sequence[tuple[int, int]]  # of each layer: (kernel, dilation) in encoded frames


class TimeDelayEncoder(SpeechEncoder):
    """``ConvSubsampling``, then convolutions of ``units``.

    Raises ``ValueError`` without a layer, for an even kernel, and for a dilation below 1.
    """

    def __init__(
        self, *, num_mels: int, conv_channels: int, num_halvings: int, units: int, layers: TimeLayers, dropout: float
    ) -> None:
        super().__init__()
        if not layers or not all(kernel > 0 and kernel % 2 and dilation > 0 for kernel, dilation in layers):
            raise ValueError(f"layers must be (odd kernel, dilation from 1 up), at least one, got {list(layers)}")
        self.num_mels, self.num_outputs = num_mels, units
        self.subsampling = ConvSubsampling(num_mels=num_mels, channels=conv_channels, num_halvings=num_halvings)
        self.time_pooling = self.subsampling.time_pooling
        self.layers = [(kernel, dilation) for kernel, dilation in layers]
        self.convs = nn.ModuleList(
            nn.Conv1d(
                self.subsampling.num_outputs if number == 0 else units,
                units,
                kernel,
                dilation=dilation,
                padding=dilation * (kernel // 2),
                bias=False,  # the norm that follows has one
            )
            for number, (kernel, dilation) in enumerate(self.layers)
        )
        self.norms = nn.ModuleList(FrameBatchNorm(units) for _ in self.layers)
        self.dropout = nn.Dropout(dropout)

    @property
    def context_frames(self) -> int:
        """Frames of the features to either side that an encoded frame hears, its own ``time_pooling`` t apart.

        A strided layer of 3 x 3 reaches 1 frame of what it reads, n of them ``2^n − 1`` frames of the features.
        """
        encoded = sum(dilation * (kernel // 2) for kernel, dilation in self.layers)
        return self.time_pooling * encoded + self.time_pooling - 1

    def context_seconds(self, *, hop_seconds: float, window_seconds: float) -> float:
        """The whole stretch of audio that an encoded frame hears, by the features' settings."""
        return 2 * self.context_frames * hop_seconds + window_seconds

    def pooled_frames(self, num_frames_B: Tensor) -> Tensor:
        """``ceil(T / time_pooling)``."""
        return halved(num_frames_B, times=self.subsampling.num_halvings)

    def forward(self, features_BTM: Tensor, num_frames_B: Tensor) -> Tensor:
        """Hidden vectors (B, T', H) of features (B, T, M); zeros on padding."""
        hidden_BHT: Tensor = self.dropout(self.subsampling(features_BTM, num_frames_B)).transpose(1, 2)
        mask_BT = frame_mask(self.pooled_frames(num_frames_B), num_frames=hidden_BHT.shape[2])
        for conv, norm in zip(self.convs, self.norms, strict=True):
            normed_BHT = norm(conv(hidden_BHT).unsqueeze(-1), mask_BT).squeeze(-1)
            heard_BHT = self.dropout(torch.relu(normed_BHT)) * mask_BT.unsqueeze(1)
            hidden_BHT = hidden_BHT + heard_BHT if heard_BHT.shape == hidden_BHT.shape else heard_BHT
        return hidden_BHT.transpose(1, 2)


def demo_tdnn(*, num_mels: int = 40, dropout: float = 0.2) -> SpeechEncoder:
    """For a table in minutes on two cores, as large as ``demo_encoder`` with GRU: conv / 4, 5 layers of 200 units.

    At a frame each 10 ms it hears .47 s to either side.
    """
    return TimeDelayEncoder(
        num_mels=num_mels,
        conv_channels=24,
        num_halvings=2,
        units=200,
        layers=((5, 1), (3, 1), (3, 2), (3, 3), (3, 3)),
        dropout=dropout,
    )


def study_tdnn(*, num_mels: int = 40, dropout: float = 0.2) -> SpeechEncoder:
    """As large as ``eesen_encoder`` with GRU: conv / 4, 8 layers of 544 units, 1.03 s to either side."""
    return TimeDelayEncoder(
        num_mels=num_mels,
        conv_channels=32,
        num_halvings=2,
        units=544,
        layers=((5, 1), (3, 1), (3, 2), (3, 3), (3, 3), (3, 4), (3, 4), (3, 6)),
        dropout=dropout,
    )
