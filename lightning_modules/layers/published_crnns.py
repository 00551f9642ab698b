"""Encoders of published systems with their authors' numbers, each a function that a table names.

They are encoders alone: the output layer, what pools its curves and the loss are the system's. Hop, window and bands
are the row's ``features``; what the authors used is in each docstring, how many parameters a whole system has in
docs/sed.md. Where theirs is Keras, the conv before a batch norm has a bias there and none here, where it would be of no
effect, and torch's GRU has two biases where Keras' has one.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from lightning_modules.layers.conv import ConvBlock
from lightning_modules.layers.crnn import CNN, FrameEncoder
from lightning_modules.layers.glu import GatedConvBlock
from lightning_modules.layers.published_blocks import SelfGatedConvBlock, UnnormedConvBlock
from lightning_modules.layers.recurrent import Bidirectional, Cell


class StackedCRNN(FrameEncoder):
    """A ``CNN``, bidirectional layers one on the other, and perhaps a dense layer with ReLU, with dropouts between.

    ``input_dropout`` drops a channel of the convolutions for the whole clip, as Keras' ``GRU(dropout=…)`` does;
    ``output_dropout`` and ``dense_dropout`` drop each frame's values by themselves.
    """

    def __init__(
        self,
        *,
        cnn: CNN,
        cell: Cell,
        hidden_units: int,
        num_layers: int = 1,
        dense_units: int | None = None,
        input_dropout: float = 0.0,
        output_dropout: float = 0.0,
        dense_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.cnn = cnn
        self.num_mels, self.time_pooling = cnn.num_mels, cnn.time_pooling
        widths = (cnn.num_outputs, *[2 * hidden_units] * (num_layers - 1))
        self.recurrent = nn.ModuleList(
            Bidirectional(cell=cell, num_inputs=width, hidden_units=hidden_units) for width in widths
        )
        self.num_outputs = dense_units or 2 * hidden_units
        self.dense = None if dense_units is None else nn.Linear(2 * hidden_units, dense_units)
        self.input_dropout = nn.Dropout1d(input_dropout)
        self.output_dropout, self.dense_dropout = nn.Dropout(output_dropout), nn.Dropout(dense_dropout)

    def forward(self, features_BTM: Tensor, num_frames_B: Tensor) -> Tensor:
        """Hidden vectors (B, T', H) of features (B, T, M)."""
        padded = bool((num_frames_B < features_BTM.shape[1]).any())
        lengths_B = self.pooled_frames(num_frames_B) if padded else None
        hidden_BTH: Tensor = self.cnn(features_BTM, num_frames_B)
        hidden_BTH = self.input_dropout(hidden_BTH.transpose(1, 2)).transpose(1, 2)
        for layer in self.recurrent:
            hidden_BTH = layer(hidden_BTH, lengths_B)
        hidden_BTH = self.output_dropout(hidden_BTH)
        if self.dense is not None:
            hidden_BTH = self.dense_dropout(torch.relu(self.dense(hidden_BTH)))
        return hidden_BTH


class GatedRecurrentCRNN(FrameEncoder):
    """A ``CNN`` and two bidirectional GRUs over it, one the gate of the other: ``h ⊙ (1 + g) / 2``.

    Xu et al.'s Keras layers have a linear and a sigmoid activation in the place of tanh, which torch's GRU has not.
    ``(1 + g) / 2`` of a GRU with tanh is one with a sigmoid; the linear one's values are unbounded, those here are not.
    """

    def __init__(self, *, cnn: CNN, hidden_units: int) -> None:
        super().__init__()
        self.cnn = cnn
        self.num_mels, self.time_pooling, self.num_outputs = cnn.num_mels, cnn.time_pooling, 2 * hidden_units
        self.recurrent = Bidirectional(cell="gru", num_inputs=cnn.num_outputs, hidden_units=hidden_units)
        self.gate = Bidirectional(cell="gru", num_inputs=cnn.num_outputs, hidden_units=hidden_units)

    def forward(self, features_BTM: Tensor, num_frames_B: Tensor) -> Tensor:
        """Hidden vectors (B, T', H) of features (B, T, M)."""
        padded = bool((num_frames_B < features_BTM.shape[1]).any())
        lengths_B = self.pooled_frames(num_frames_B) if padded else None
        hidden_BTI = self.cnn(features_BTM, num_frames_B)
        gated_BTH: Tensor = self.recurrent(hidden_BTI, lengths_B) * (1.0 + self.gate(hidden_BTI, lengths_B)) / 2.0
        return gated_BTH


def pellegrini_cances_2019(*, num_mels: int = 64, cell: Cell = "gru", gated: bool = False) -> FrameEncoder:
    """Pellegrini & Cances (arXiv 1901.03146) with the dropouts of their code; ``paper_crnn`` has those of their text.

    Dropout 0.1 after each block, on the GRU's inputs, its outputs and the dense layer; in the gated form on the GRU's
    inputs alone. Their recurrent dropout of 0.1 is left out: no fused GRU has it. 431 frames of 64 bands in 10 s.
    """
    if gated:
        gates = [
            GatedConvBlock(in_channels=channels, out_channels=64, time_pooling=1, band_pooling=4, dropout=0.0)
            for channels in (1, 64, 64)
        ]
        cnn = CNN(num_mels=num_mels, blocks=gates)
        return StackedCRNN(cnn=cnn, cell=cell, hidden_units=64, dense_units=64, input_dropout=0.1)
    blocks = [
        ConvBlock(in_channels=channels, out_channels=64, time_pooling=1, band_pooling=4, dropout=0.1)
        for channels in (1, 64, 64)
    ]
    return StackedCRNN(
        cnn=CNN(num_mels=num_mels, blocks=blocks), cell=cell, hidden_units=64, dense_units=64,
        input_dropout=0.1, output_dropout=0.1, dense_dropout=0.1,
    )  # fmt: skip


def xu_2017(*, num_mels: int = 64) -> FrameEncoder:
    """Xu et al.'s detector of DCASE 2017 task 4 (arXiv 1710.00343): seven gated blocks, Conv 256, gated BiGRU 128.

    As their code computes it: an eighth block is written there and reaches no output. 240 frames of 64 bands in 10 s.
    Meant for ``GLUAttention``.
    """
    gates = [
        GatedConvBlock(in_channels=channels, out_channels=64, time_pooling=1, band_pooling=pooling, dropout=0.0)
        for channels, pooling in zip((1, *[64] * 6), (1, 2, 1, 2, 1, 2, 2), strict=True)
    ]
    blocks = [*gates, UnnormedConvBlock(in_channels=64, out_channels=256, band_pooling=4)]
    return GatedRecurrentCRNN(cnn=CNN(num_mels=num_mels, blocks=blocks), hidden_units=128)


def dcase2018_baseline(*, num_mels: int = 64, cell: Cell = "gru") -> FrameEncoder:
    """DCASE 2018 task 4's baseline: 3 x [Conv 64, pool 4 in frequency, dropout 0.3], dropout 0.3, BiGRU 64.

    Its first pass is ``MeanPooling`` on it, its second ``FalseStrongLabels``. 500 frames of 64 bands in 10 s.
    """
    blocks = [
        ConvBlock(in_channels=channels, out_channels=64, time_pooling=1, band_pooling=4, dropout=0.3)
        for channels in (1, 64, 64)
    ]
    return StackedCRNN(cnn=CNN(num_mels=num_mels, blocks=blocks), cell=cell, hidden_units=64, input_dropout=0.3)


def desed_2023_crnn(*, num_mels: int = 128, cell: Cell = "gru", dropout: float = 0.5) -> FrameEncoder:
    """DCASE 2023 task 4's baseline (and those of 2021 and 2022): seven self-gated blocks, 2 x BiGRU 128, dropout 0.5.

    Meant for ``GLUAttention`` and ``MeanTeacher``. 626 frames of 128 bands in 10 s, of which four make one of the
    curves: hop 256, window 2048 at 16 kHz.
    """
    channels = (1, 16, 32, 64, 128, 128, 128, 128)
    blocks = [
        SelfGatedConvBlock(
            in_channels=before, out_channels=after, time_pooling=2 if number < 2 else 1, band_pooling=2, dropout=dropout
        )
        for number, (before, after) in enumerate(itertools.pairwise(channels))
    ]
    return StackedCRNN(
        cnn=CNN(num_mels=num_mels, blocks=blocks), cell=cell, hidden_units=128, num_layers=2, output_dropout=dropout
    )
