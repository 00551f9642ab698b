"""Labels of frames out of tags and a network's curves: "FSL + refinement".

False strong labels say of every frame of a tagged clip that the class sounds. A network that learnt from them is surer
where it does, and its curves take the others back.
"""

from __future__ import annotations

from torch import Tensor


def refined_labels(probabilities_BTC: Tensor, tags_BC: Tensor, mask_BT: Tensor, *, share: float) -> Tensor:
    """``Y_tc = y_c [ŷ_tc ≥ share · max_t ŷ_tc]``: (B, T, C), (B, C), (B, T) -> (B, T, C).

    The loudest frame of a tagged class always stays, so that no tag is lost; 0 is false strong labelling.

    >>> curve_BTC = torch.tensor([[[0.1], [0.3], [0.2]]])
    >>> refined_labels(curve_BTC, torch.ones(1, 1), torch.ones(1, 3, dtype=torch.bool), share=0.5).flatten()
    tensor([0., 1., 1.])
    """
    heard_BTC = probabilities_BTC * mask_BT.unsqueeze(-1)
    stays_BTC = heard_BTC >= share * heard_BTC.amax(1, keepdim=True)
    return tags_BC.unsqueeze(1) * stays_BTC * mask_BT.unsqueeze(-1)
