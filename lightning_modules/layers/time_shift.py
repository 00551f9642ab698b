"""Time shift: a clip is turned round on itself, and its strong labels with it (the DCASE baselines' "frame shift").

Shifts are whole frames of the curves, so that labels move as exactly as the audio does. Where a clip is no whole number
of them long, what comes back at its other end is off by less than one.
"""

from __future__ import annotations

import torch
from torch import Tensor


def turned(values_BTX: Tensor, length_B: Tensor, shift_B: Tensor) -> Tensor:
    """``shift_B`` frames later, within the first ``length_B`` of each clip; padding stays: (B, T, X) -> (B, T, X).

    >>> turned(torch.tensor([[[1.0], [2.0], [3.0], [0.0]]]), torch.tensor([3]), torch.tensor([1])).flatten()
    tensor([3., 1., 2., 0.])
    """
    places_1T = torch.arange(values_BTX.shape[1], device=values_BTX.device).unsqueeze(0)
    length_B1 = length_B.to(values_BTX.device).unsqueeze(1)
    from_BT = (places_1T - shift_B.to(values_BTX.device).unsqueeze(1)) % length_B1.clamp_min(1)
    from_BT = torch.where(places_1T < length_B1, from_BT, places_1T)
    return values_BTX.gather(1, from_BT.unsqueeze(-1).expand_as(values_BTX))
