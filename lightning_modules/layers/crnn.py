"""Frame encoders: log-mel features in, one hidden vector a (pooled) frame out.

``CNN`` is convolutional blocks, ``CRNN`` adds a bidirectional cell and a dense layer. The published sizes and the small
ones for two CPU cores are functions whose numbers are visible; a table names one as its ``class_path``.
Paper: Pellegrini & Cances, arXiv 1901.03146 (frequency is pooled, time is not).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lightning_modules.layers.conv import ConvBlock, SpectrogramBlock
from lightning_modules.layers.frame_norm import FrameBatchNorm
from lightning_modules.layers.glu import GatedConvBlock
from lightning_modules.layers.log_mel import LogMel, LogMelSettings, frame_mask
from lightning_modules.layers.recurrent import Bidirectional, Cell
from lightning_modules.layers.speech_features import FrontEnd


class FrameEncoder(nn.Module, ABC):
    """The contract: (B, T, ``num_mels``) -> (B, ceil(T / ``time_pooling``), ``num_outputs``), blind to padding."""

    num_mels: int
    num_outputs: int
    time_pooling: int
    learning_rate: float | None = None  # of its weights; None: the optimiser's, as for all others

    def front_end(self, *, sample_rate_hz: int, settings: LogMelSettings) -> LogMel | FrontEnd:
        """What makes its features of waveforms: here log-mel as ``settings`` say.

        Raises ``ValueError`` where they do not fit.
        """
        if self.num_mels != settings.num_mels:
            raise ValueError(
                f"features.num_mels is {settings.num_mels} but encoder.num_mels is {self.num_mels}: make them equal"
            )
        return LogMel(sample_rate_hz=sample_rate_hz, **asdict(settings))

    @abstractmethod
    def forward(self, features_BTM: Tensor, num_frames_B: Tensor) -> Tensor:
        """Hidden vectors (B, T', H); those past ``pooled_frames(num_frames_B)`` mean nothing."""

    def curve_frames(self, features_BTM: Tensor, num_frames_B: Tensor) -> int:
        """T' of what ``forward`` makes of these features."""
        return -(-features_BTM.shape[1] // self.time_pooling)

    def pooled_frames(self, num_frames_B: Tensor) -> Tensor:
        """Frames of each clip after pooling in time: (B,) -> (B,), rounded up."""
        return -(-num_frames_B // self.time_pooling)


class CNN(FrameEncoder):
    """Convolutional blocks alone; hidden vectors are the last block's channels and bands, flattened.

    ``blocks`` must chain: each takes what the one before leaves. ``normalise_bands`` puts a batch norm by mel band
    before the first, so that the quiet high bands count from the first step on; not in the paper.
    """

    def __init__(self, *, num_mels: int, blocks: Sequence[SpectrogramBlock], normalise_bands: bool = False) -> None:
        super().__init__()
        self.num_mels = num_mels
        self.band_norm = FrameBatchNorm(num_mels) if normalise_bands else None
        # Channels last: batch norm and pooling run 2 x faster on a CPU, and convolutions in half precision on a GPU.
        self.blocks = nn.ModuleList(blocks)
        self.blocks.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub forgets it
        self.time_pooling = math.prod(block.time_pooling for block in blocks)
        bands = num_mels
        for block in blocks:
            bands //= block.band_pooling
        if bands == 0:
            raise ValueError(f"num_mels {num_mels} is too few: the blocks pool every band away")
        self.num_outputs = blocks[-1].out_channels * bands

    def forward(self, features_BTM: Tensor, num_frames_B: Tensor) -> Tensor:
        """Hidden vectors (B, T', channels * bands) of features (B, T, M)."""
        padded = bool((num_frames_B < features_BTM.shape[1]).any())
        if self.band_norm is not None:
            features_BTM = self._normalise_bands(self.band_norm, features_BTM, num_frames_B if padded else None)
        # Zeros up to a whole number of pooling windows, so that a partial window sees the same in every batch.
        remainder = -features_BTM.shape[1] % self.time_pooling
        image_BCTF = F.pad(features_BTM, (0, 0, 0, remainder)).unsqueeze(1).to(memory_format=torch.channels_last)
        frames_B = num_frames_B
        for block in self.blocks:
            assert isinstance(block, SpectrogramBlock)
            mask_BT = frame_mask(frames_B, num_frames=image_BCTF.shape[2]) if padded or remainder else None
            image_BCTF = block(image_BCTF, mask_BT)
            frames_B = -(-frames_B // block.time_pooling)
        return image_BCTF.transpose(1, 2).flatten(2)

    @staticmethod
    def _normalise_bands(norm: FrameBatchNorm, features_BTM: Tensor, num_frames_B: Tensor | None) -> Tensor:
        """Each band to mean 0 and variance 1 over the training data; padding back to zero."""
        mask_BT = None if num_frames_B is None else frame_mask(num_frames_B, num_frames=features_BTM.shape[1])
        normalised_BTM: Tensor = norm(features_BTM.transpose(1, 2).unsqueeze(-1), mask_BT).squeeze(-1).transpose(1, 2)
        return normalised_BTM if mask_BT is None else normalised_BTM * mask_BT.unsqueeze(-1)


class CRNN(FrameEncoder):
    """A ``CNN``, a bidirectional cell over its frames, and a dense layer with ReLU."""

    def __init__(self, *, cnn: CNN, cell: Cell, hidden_units: int, dense_units: int) -> None:
        super().__init__()
        self.cnn = cnn
        self.num_mels = cnn.num_mels
        self.time_pooling = cnn.time_pooling
        self.num_outputs = dense_units
        self.recurrent = Bidirectional(cell=cell, num_inputs=cnn.num_outputs, hidden_units=hidden_units)
        self.dense = nn.Linear(self.recurrent.num_outputs, dense_units)

    def forward(self, features_BTM: Tensor, num_frames_B: Tensor) -> Tensor:
        """Hidden vectors (B, T', H) of features (B, T, M)."""
        padded = bool((num_frames_B < features_BTM.shape[1]).any())
        hidden_BTI = self.cnn(features_BTM, num_frames_B)
        return torch.relu(self.dense(self.recurrent(hidden_BTI, self.pooled_frames(num_frames_B) if padded else None)))


def paper_crnn(*, num_mels: int = 64, cell: Cell = "gru", dropout: float = 0.1) -> FrameEncoder:
    """Pellegrini & Cances' encoder: 3 x [Conv 64, pool 4 in frequency, dropout 0.1], BiGRU 64, Dense 64."""
    blocks = [
        ConvBlock(in_channels=channels, out_channels=64, time_pooling=1, band_pooling=4, dropout=dropout)
        for channels in (1, 64, 64)
    ]
    return CRNN(cnn=CNN(num_mels=num_mels, blocks=blocks), cell=cell, hidden_units=64, dense_units=64)


def paper_gated_crnn(*, num_mels: int = 64, cell: Cell = "gru") -> FrameEncoder:
    """The gated form of ``paper_crnn``: Conv 128 split 64|64, no dropout."""
    blocks = [
        GatedConvBlock(in_channels=channels, out_channels=64, time_pooling=1, band_pooling=4, dropout=0.0)
        for channels in (1, 64, 64)
    ]
    return CRNN(cnn=CNN(num_mels=num_mels, blocks=blocks), cell=cell, hidden_units=64, dense_units=64)


def tagging_cnn(*, num_mels: int = 64, dropout: float = 0.1) -> FrameEncoder:
    """The paper's blocks for a many-to-one tagger, which brings its own cell: time is pooled too, by 8.

    A last state has to remember the whole clip: over 54 frames in 10 s it does, over 431 it forgets.
    """
    blocks = [
        ConvBlock(in_channels=channels, out_channels=64, time_pooling=2, band_pooling=4, dropout=dropout)
        for channels in (1, 64, 64)
    ]
    return CNN(num_mels=num_mels, blocks=blocks, normalise_bands=True)


def demo_crnn(*, num_mels: int = 40, cell: Cell = "gru", dropout: float = 0.0) -> FrameEncoder:
    """Small enough for a table in minutes on two cores: few channels, bands pooled early, time halved.

    Meant for features with a hop of 40 ms, so a frame of the curves is 80 ms.
    """
    blocks = [
        ConvBlock(in_channels=1, out_channels=16, time_pooling=2, band_pooling=4, dropout=dropout),
        ConvBlock(in_channels=16, out_channels=32, time_pooling=1, band_pooling=2, dropout=dropout),
        ConvBlock(in_channels=32, out_channels=32, time_pooling=1, band_pooling=5, dropout=dropout),
    ]
    cnn = CNN(num_mels=num_mels, blocks=blocks, normalise_bands=True)
    return CRNN(cnn=cnn, cell=cell, hidden_units=32, dense_units=32)


def demo_gated_crnn(*, num_mels: int = 40, cell: Cell = "gru", dropout: float = 0.0) -> FrameEncoder:
    """``demo_crnn`` with gated blocks, half as many channels in the first, which is the dearest."""
    blocks = [
        GatedConvBlock(in_channels=1, out_channels=8, time_pooling=2, band_pooling=4, dropout=dropout),
        GatedConvBlock(in_channels=8, out_channels=32, time_pooling=1, band_pooling=2, dropout=dropout),
        GatedConvBlock(in_channels=32, out_channels=32, time_pooling=1, band_pooling=5, dropout=dropout),
    ]
    cnn = CNN(num_mels=num_mels, blocks=blocks, normalise_bands=True)
    return CRNN(cnn=cnn, cell=cell, hidden_units=32, dense_units=32)


def demo_tagging_cnn(*, num_mels: int = 40, dropout: float = 0.0) -> FrameEncoder:
    """``tagging_cnn`` at the size of ``demo_crnn``: 32 frames in 10 s at a hop of 40 ms."""
    blocks = [
        ConvBlock(in_channels=1, out_channels=16, time_pooling=2, band_pooling=4, dropout=dropout),
        ConvBlock(in_channels=16, out_channels=32, time_pooling=2, band_pooling=2, dropout=dropout),
        ConvBlock(in_channels=32, out_channels=32, time_pooling=2, band_pooling=5, dropout=dropout),
    ]
    return CNN(num_mels=num_mels, blocks=blocks, normalise_bands=True)
