"""Encoders of the `study` scale: an hour of speech, heard a hundred times on two cores in an hour or two a training."""

from __future__ import annotations

from lightning_modules.layers.listener import PyramidalListener
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


def study_listener(
    *, num_mels: int = 40, num_halvings: int = 2, cell: Cell = "gru", dropout: float = 0.3
) -> SpeechEncoder:
    """A pyramid of as many layers and units: 192 a direction, 2 of the 3 layers pyramidal."""
    return PyramidalListener(num_mels=num_mels, hidden_units=192, num_halvings=num_halvings, cell=cell, dropout=dropout)
