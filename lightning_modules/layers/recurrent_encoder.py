"""Encoders of speech: strided convolutions, then recurrent layers, one hidden vector a (subsampled) frame out.

``SpeechEncoder`` is the contract of every recogniser's encoder. ``RecurrentEncoder`` is Graves et al. 2013's deep
(bidirectional) recurrent network on the convolutional front end of Deep Speech 2 (Amodei et al. 2015). A published size
and the small ones are functions whose numbers are visible; a table names one as its ``class_path``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from lightning_modules.layers.conv_subsampling import ConvSubsampling, halved
from lightning_modules.layers.directed_layers import DirectedLayers
from lightning_modules.layers.log_mel import LogMelSettings
from lightning_modules.layers.recurrent import Cell
from lightning_modules.layers.spec_augment import SpecAugment
from lightning_modules.layers.speech_features import FrontEnd, SpeechFeatures


class SpeechEncoder(nn.Module, ABC):
    """The contract: (B, T, ``num_mels``) -> (B, T', ``num_outputs``), blind to padding.

    ``time_pooling`` frames of the features make one of the output.
    """

    num_mels: int
    num_outputs: int
    time_pooling: int

    @abstractmethod
    def forward(self, features_BTM: Tensor, num_frames_B: Tensor) -> Tensor:
        """Hidden vectors (B, T', H) of features that are zero on padding.

        Those past ``pooled_frames(num_frames_B)`` mean nothing.
        """

    @abstractmethod
    def pooled_frames(self, num_frames_B: Tensor) -> Tensor:
        """Frames of each utterance after subsampling: (B,) -> (B,)."""

    def front_end(self, *, sample_rate_hz: int, settings: LogMelSettings, spec_augment: SpecAugment | None) -> FrontEnd:
        """What makes its features of waveforms: here log-mel as ``settings`` say.

        Raises ``ValueError`` where they do not fit.
        """
        if self.num_mels != settings.num_mels:
            raise ValueError(
                f"features.num_mels is {settings.num_mels} but encoder.num_mels is {self.num_mels}: make them equal"
            )
        return SpeechFeatures(sample_rate_hz=sample_rate_hz, settings=settings, spec_augment=spec_augment)


class RecurrentEncoder(SpeechEncoder):
    """``ConvSubsampling``, then layers of a cell in one or two directions; dropout before, between and after."""

    def __init__(
        self,
        *,
        num_mels: int,
        conv_channels: int,
        num_halvings: int,
        cell: Cell,
        hidden_units: int,
        num_layers: int,
        bidirectional: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        self.num_mels = num_mels
        self.subsampling = ConvSubsampling(num_mels=num_mels, channels=conv_channels, num_halvings=num_halvings)
        self.time_pooling = self.subsampling.time_pooling
        self.recurrent = DirectedLayers(
            cell=cell,
            num_inputs=self.subsampling.num_outputs,
            hidden_units=hidden_units,
            num_layers=num_layers,
            bidirectional=bidirectional,
            dropout=dropout,
        )
        self.dropout = nn.Dropout(dropout)
        self.num_outputs = self.recurrent.num_outputs

    def pooled_frames(self, num_frames_B: Tensor) -> Tensor:
        """``ceil(T / time_pooling)``."""
        return halved(num_frames_B, times=self.subsampling.num_halvings)

    def forward(self, features_BTM: Tensor, num_frames_B: Tensor) -> Tensor:
        """Hidden vectors (B, T', H) of features (B, T, M)."""
        hidden_BTI = self.dropout(self.subsampling(features_BTM, num_frames_B))
        hidden_BTH: Tensor = self.dropout(self.recurrent(hidden_BTI, self.pooled_frames(num_frames_B)))
        return hidden_BTH


def demo_encoder(
    *, num_mels: int = 40, cell: Cell = "lstm", bidirectional: bool = True, dropout: float = 0.2
) -> SpeechEncoder:
    """For a table in minutes on two cores: conv / 4 of 24 channels, 2 layers of 144 units a direction."""
    return RecurrentEncoder(
        num_mels=num_mels,
        conv_channels=24,
        num_halvings=2,
        cell=cell,
        hidden_units=144,
        num_layers=2,
        bidirectional=bidirectional,
        dropout=dropout,
    )


def small_encoder(
    *, num_mels: int = 40, cell: Cell = "lstm", bidirectional: bool = True, dropout: float = 0.2
) -> SpeechEncoder:
    """Graves, Mohamed & Hinton 2013's CTC-3L-250H (arXiv 1303.5778, table 1), on conv / 2: 3 layers of 250 units."""
    return RecurrentEncoder(
        num_mels=num_mels,
        conv_channels=32,
        num_halvings=1,
        cell=cell,
        hidden_units=250,
        num_layers=3,
        bidirectional=bidirectional,
        dropout=dropout,
    )


def eesen_encoder(
    *, num_mels: int = 40, cell: Cell = "lstm", bidirectional: bool = True, dropout: float = 0.2
) -> SpeechEncoder:
    """Eesen's recurrent network (Miao et al. 2015, arXiv 1507.08240, section 4): 4 layers of 320 units, on conv / 4."""
    return RecurrentEncoder(
        num_mels=num_mels,
        conv_channels=32,
        num_halvings=2,
        cell=cell,
        hidden_units=320,
        num_layers=4,
        bidirectional=bidirectional,
        dropout=dropout,
    )


def deep_speech_encoder(
    *, num_mels: int = 80, cell: Cell = "gru", bidirectional: bool = True, dropout: float = 0.2
) -> SpeechEncoder:
    """In the manner of Deep Speech 2 (arXiv 1512.02595, table 1: 7 recurrent layers, of 800 units in the open copies).

    The paper's front end is 3 wide convolutions with stride 2 or 3 in time; here two of 3 x 3, / 4 in all.
    """
    return RecurrentEncoder(
        num_mels=num_mels,
        conv_channels=32,
        num_halvings=2,
        cell=cell,
        hidden_units=800,
        num_layers=7,
        bidirectional=bidirectional,
        dropout=dropout,
    )
