"""The listener of Listen, Attend and Spell: a pyramid of bidirectional recurrent layers (Chan et al. 2015, 3.1).

Every layer but the lowest reads pairs of the frames below, ``h_i^j = f(h_{i-1}^j, [h_2i^{j-1}; h_{2i+1}^{j-1}])``, so
time halves ``num_halvings`` times (theirs: 3, i.e. ÷ 8) and attention has fewer frames to choose from. An utterance
with an odd number of frames is completed by one of zeros, whatever the batch.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from lightning_modules.layers.conv_subsampling import halved
from lightning_modules.layers.directed_layers import DirectedLayer, reversed_frames
from lightning_modules.layers.log_mel import frame_mask
from lightning_modules.layers.recurrent import Cell
from lightning_modules.layers.recurrent_encoder import SpeechEncoder


def paired(hidden_BTH: Tensor) -> Tensor:
    """Neighbours side by side: (B, T, H) -> (B, ceil(T / 2), 2H)."""
    even_BTH = F.pad(hidden_BTH, (0, 0, 0, hidden_BTH.shape[1] % 2))
    clips, frames, units = even_BTH.shape
    return even_BTH.reshape(clips, frames // 2, 2 * units)


class PyramidalListener(SpeechEncoder):
    """A bidirectional layer and ``num_halvings`` pyramidal ones, of ``hidden_units`` a direction; dropout between.

    Raises ``ValueError`` for fewer than one halving.
    """

    def __init__(
        self, *, num_mels: int, hidden_units: int, num_halvings: int = 3, cell: Cell = "lstm", dropout: float = 0.2
    ) -> None:
        super().__init__()
        if num_halvings < 1:
            raise ValueError(f"num_halvings must be 1 or more, got {num_halvings}")
        self.num_mels = num_mels
        self.num_outputs = 2 * hidden_units
        self.time_pooling = 2**num_halvings
        self.layers = nn.ModuleList(
            DirectedLayer(cell=cell, num_inputs=width, hidden_units=hidden_units, bidirectional=True)
            for width in (num_mels, *[4 * hidden_units] * num_halvings)
        )
        self.dropout = nn.Dropout(dropout)

    def pooled_frames(self, num_frames_B: Tensor) -> Tensor:
        """``ceil(T / time_pooling)``."""
        return halved(num_frames_B, times=len(self.layers) - 1)

    def forward(self, features_BTM: Tensor, num_frames_B: Tensor) -> Tensor:
        """Hidden vectors (B, T', 2H) of features (B, T, M); zeros on padding."""
        hidden_BTH = features_BTM
        for number, layer in enumerate(self.layers):
            hidden_BTH = paired(hidden_BTH) if number else hidden_BTH
            frames, left_B = hidden_BTH.shape[1], halved(num_frames_B, times=number)
            heard_BTH = layer(hidden_BTH, reversed_frames(left_B, num_frames=frames))
            hidden_BTH = self.dropout(heard_BTH * frame_mask(left_B, num_frames=frames).unsqueeze(-1))
        return hidden_BTH


def las_listener(
    *, num_mels: int = 40, num_halvings: int = 3, cell: Cell = "lstm", dropout: float = 0.2
) -> SpeechEncoder:
    """The paper's (arXiv 1508.01211, section 4): 3 pyramidal layers of 256 units a direction on one BLSTM layer."""
    return PyramidalListener(num_mels=num_mels, hidden_units=256, num_halvings=num_halvings, cell=cell, dropout=dropout)


def demo_listener(
    *, num_mels: int = 40, num_halvings: int = 2, cell: Cell = "gru", dropout: float = 0.2
) -> SpeechEncoder:
    """For a table in minutes on two cores: 128 units a direction."""
    return PyramidalListener(num_mels=num_mels, hidden_units=128, num_halvings=num_halvings, cell=cell, dropout=dropout)
