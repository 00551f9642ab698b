"""A learned mean of an encoder's hidden layers (SUPERB: Yang et al. 2021, arXiv 2105.01051, section 3.2).

``h = Σ_l w_l h_l`` with ``w = softmax(a)``, one weight a layer for all frames and units; the weights begin equal.
Layers of a model that learnt from speech hold sound, phones and words at different depths; which of them a task wants
is learnt.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class LayerMix(nn.Module):
    """Layers side by side (B, T, L·H) -> their weighted mean (B, T, H).

    >>> mix = LayerMix(num_layers=2)
    >>> mix(torch.tensor([[[1.0, 2.0, 3.0, 6.0]]]))  # the layers are (1, 2) and (3, 6)
    tensor([[[2., 4.]]], grad_fn=<SumBackward1>)
    """

    def __init__(self, *, num_layers: int) -> None:
        super().__init__()
        self.scores_L = nn.Parameter(torch.zeros(num_layers))

    def weights(self) -> Tensor:
        """The weight of each layer, from the input on: (L,), of sum 1."""
        return self.scores_L.softmax(0)

    def forward(self, layers_BTK: Tensor) -> Tensor:
        """The mean (B, T, H)."""
        layers_BTLH = layers_BTK.reshape(*layers_BTK.shape[:2], len(self.scores_L), -1)
        mean_BTH: Tensor = (layers_BTLH * self.weights().unsqueeze(1)).sum(2)
        return mean_BTH
