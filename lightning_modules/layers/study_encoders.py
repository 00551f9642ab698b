"""A larger encoder for an hour of speech, an hour or two of two cores: ``regularisation`` asks what it gains."""

from __future__ import annotations

from lightning_modules.layers.recurrent import Cell
from lightning_modules.layers.recurrent_encoder import RecurrentEncoder, SpeechEncoder


def study_encoder(
    *, num_mels: int = 40, cell: Cell = "gru", bidirectional: bool = True, dropout: float = 0.3
) -> SpeechEncoder:
    """A layer and a third more units than ``demo_encoder``: conv / 4 of 24 channels, 3 layers of 192 a direction."""
    return RecurrentEncoder(
        num_mels=num_mels,
        conv_channels=24,
        num_halvings=2,
        cell=cell,
        hidden_units=192,
        num_layers=3,
        bidirectional=bidirectional,
        dropout=dropout,
    )
