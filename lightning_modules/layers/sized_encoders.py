"""Encoders of speech in two sizes, with what a search may change of them: how many layers, and how wide the front end.

With ``depth`` 1 and the front end's own width each is the named encoder of its size (``demo_encoder``,
``eesen_encoder``, ``demo_tdnn`` …). ``depth`` says layers as a share of those, since two recurrent layers, three blocks
of a Conformer and five convolutions are of one size: one number means the same for all, and one search may draw it.
"""

from __future__ import annotations

import math
from typing import Literal

from lightning_modules.layers.conformer import ConformerEncoder
from lightning_modules.layers.recurrent import Cell
from lightning_modules.layers.recurrent_encoder import RecurrentEncoder, SpeechEncoder
from lightning_modules.layers.tdnn import TimeDelayEncoder, TimeLayers

Size = Literal["demo", "study"]

CHANNELS: dict[Size, int] = {"demo": 24, "study": 32}  # of the strided front end
TIME_LAYERS: dict[Size, TimeLayers] = {
    "demo": ((5, 1), (3, 1), (3, 2), (3, 3), (3, 3)),
    "study": ((5, 1), (3, 1), (3, 2), (3, 3), (3, 3), (3, 4), (3, 4), (3, 6)),
}


def num_layers(own: int, *, depth: float) -> int:
    """``depth`` times as many as the size's ``own``, a half rounded up, at least one.

    Raises ``ValueError`` for a depth that is no number above 0.

    >>> [num_layers(5, depth=depth) for depth in (0.1, 0.5, 1.0, 1.5)]
    [1, 3, 5, 8]
    """
    if not 0 < depth < math.inf:
        raise ValueError(f"depth must be above 0, 1 for the size's own layers, got {depth}")
    return max(1, math.floor(own * depth + 0.5))


def sized_recurrent(
    *,
    size: Size,
    num_mels: int = 40,
    cell: Cell = "gru",
    depth: float = 1.0,
    conv_channels: int | None = None,
    dropout: float = 0.2,
) -> SpeechEncoder:
    """``demo_encoder`` (2 layers of 144 units a direction) or ``eesen_encoder`` (4 of 320), both directions."""
    layers, units = {"demo": (2, 144), "study": (4, 320)}[size]
    return RecurrentEncoder(
        num_mels=num_mels,
        conv_channels=CHANNELS[size] if conv_channels is None else conv_channels,
        num_halvings=2,
        cell=cell,
        hidden_units=units,
        num_layers=num_layers(layers, depth=depth),
        bidirectional=True,
        dropout=dropout,
    )


def sized_tdnn(
    *, size: Size, num_mels: int = 40, depth: float = 1.0, conv_channels: int | None = None, dropout: float = 0.2
) -> SpeechEncoder:
    """``demo_tdnn`` (5 layers of 200 units) or ``study_tdnn`` (8 of 544).

    Its last layers are left out, or its last one is repeated: a deeper network hears further to either side.
    """
    own = TIME_LAYERS[size]
    wanted = num_layers(len(own), depth=depth)
    return TimeDelayEncoder(
        num_mels=num_mels,
        conv_channels=CHANNELS[size] if conv_channels is None else conv_channels,
        num_halvings=2,
        units={"demo": 200, "study": 544}[size],
        layers=(*own[:wanted], *[own[-1]] * (wanted - len(own))),
        dropout=dropout,
    )


def sized_conformer(
    *, size: Size, num_mels: int = 40, depth: float = 1.0, conv_channels: int | None = None, dropout: float = 0.1
) -> SpeechEncoder:
    """``demo_conformer`` (3 blocks of 96 units) or ``study_conformer`` (8 of 192)."""
    blocks, units, kernel = {"demo": (3, 96, 15), "study": (8, 192, 31)}[size]
    return ConformerEncoder(
        num_mels=num_mels,
        conv_channels=CHANNELS[size] if conv_channels is None else conv_channels,
        num_halvings=2,
        units=units,
        num_blocks=num_layers(blocks, depth=depth),
        num_heads=4,
        kernel=kernel,
        dropout=dropout,
    )
