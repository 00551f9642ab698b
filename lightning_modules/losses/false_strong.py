"""False strong labelling: every frame inherits the clip's label, ``Y_tc := y_c`` (SYSTEMS: "FSL").

``loss = mean over t, c of BCE(y_c, ŷ_tc)``. The labels are false wherever an event is shorter than its clip, which is
what the other systems of the table mend. Baseline of Pellegrini & Cances, arXiv 1901.03146.
"""

from __future__ import annotations

from torch import Tensor

from lightning_modules.losses.strong import frame_loss


def false_strong_loss(probabilities_BTC: Tensor, tags_BC: Tensor, mask_BT: Tensor) -> Tensor:
    """Frame loss against the clip's tags repeated over time: (B, T, C), (B, C), (B, T) -> ()."""
    return frame_loss(probabilities_BTC, tags_BC.unsqueeze(1).expand_as(probabilities_BTC), mask_BT)
