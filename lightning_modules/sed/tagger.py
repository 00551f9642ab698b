"""Tagger: a many-to-one recurrent network that says which classes occur, not when.

``ŷ_c = σ(w_c · relu(V [forward state after the last frame, backward state after the first]))``, cross-entropy on y
(Graves' sequence labelling in its simplest form, with the Dense + ReLU before the output that the CRNNs have too). Its
tags feed the table's trivial rows, where an event is the whole clip.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from lightning_modules.layers.crnn import FrameEncoder
from lightning_modules.layers.recurrent import Bidirectional, Cell
from lightning_modules.sed.detection import Detection
from lightning_modules.sed.weakly_supervised import WeaklySupervised


class Tagger(WeaklySupervised):
    """Encoder -> bidirectional cell's last states -> tags. It has no frame curves.

    Meant for an encoder without a recurrence of its own and with few frames (``tagging_cnn``, ``demo_tagging_cnn``):
    behind a CRNN of 125 frames it barely left the constant predictor in 15 epochs of 480 clips.
    """

    def __init__(self, *, encoder: FrameEncoder, cell: Cell = "gru", hidden_units: int = 64, **shared: Any) -> None:
        super().__init__(encoder=encoder, **shared)
        self.summary = Bidirectional(cell=cell, num_inputs=encoder.num_outputs, hidden_units=hidden_units)
        self.to_classifier = nn.Linear(self.summary.num_outputs, encoder.num_outputs)

    def detect(self, hidden_BTH: Tensor, mask_BT: Tensor) -> Detection:
        """Clip probabilities from the last states."""
        last_BH = self.summary.last_state(hidden_BTH, mask_BT.sum(1))
        tags_BC = self.frame_probabilities(torch.relu(self.to_classifier(last_BH)))
        return Detection(tags_BC, None, mask_BT)
