"""What a system says of a batch of clips: the type between its ``detect`` and its ``loss``."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Detection(NamedTuple):
    """A batch's probabilities, in float32. ``mask_BT`` is False on frames that are padding."""

    clip_probabilities_BC: Tensor
    frame_probabilities_BTC: Tensor | None  # None for a many-to-one system
    mask_BT: Tensor
