"""The penalty that separates classes which multiple-instance learning confuses.

The MIL loss is ``BCE(y_c, max_t ŷ_tc)``: ``tagging_loss`` of the max-pooled curves. Where two classes always come
together nothing tells their curves apart, so Pellegrini & Cances (arXiv 1901.03146) add the cosine of
co-tagged curves: ``BCE(y_c, max_t ŷ_tc) + α y_c Σ_{l≠c} y_l max(0, cos(ŷ_:l, ŷ_:c))``, all averaged over clips and
classes, on sigmoid probabilities. α stands inside each class's term: a pair counts twice.
"""

from __future__ import annotations

import torch
from torch import Tensor

NORM_EPS = 1e-12  # added to the squared norm: a curve of zeros has cosine 0 and a finite gradient


def similarity_penalty(probabilities_BTC: Tensor, tags_BC: Tensor, mask_BT: Tensor) -> Tensor:
    """``y_c Σ_{l≠c} y_l max(0, cos(ŷ_:l, ŷ_:c))``, mean over clips and classes: (B, T, C), (B, C), (B, T) -> ().

    One clip, two identical co-tagged curves among C = 4 classes: 2 / C.

    >>> curves_BTC = torch.tensor([[[0.1, 0.1, 0.5, 0.5], [0.9, 0.9, 0.5, 0.5]]])
    >>> similarity_penalty(curves_BTC, torch.tensor([[1.0, 1.0, 0.0, 0.0]]), torch.ones(1, 2, dtype=torch.bool))
    tensor(0.5000)
    """
    with torch.autocast(probabilities_BTC.device.type, enabled=False):
        curves_BTC = probabilities_BTC.float() * mask_BT.unsqueeze(-1)
        norms_BC = (curves_BTC.square().sum(1) + NORM_EPS).sqrt()
        products_BCC = curves_BTC.transpose(1, 2) @ curves_BTC
        cosines_BCC = products_BCC / (norms_BC.unsqueeze(2) * norms_BC.unsqueeze(1))
        co_tagged_BCC = tags_BC.unsqueeze(2) * tags_BC.unsqueeze(1)
        pairs_BCC = co_tagged_BCC * (1.0 - torch.eye(tags_BC.shape[1], device=tags_BC.device))
        return (pairs_BCC * cosines_BCC.clamp_min(0.0)).sum(2).mean()
