"""Features with the labels that training learns from: what augmentation changes together."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class LabelledFeatures(NamedTuple):
    """A batch of clips. Labels are in [0, 1]: a mixture of two clips has a share of each one's.

    ``activity_BTC`` are the strong labels on the grid of the curves, which has one frame for ``time_pooling`` of the
    features'; None where training may not see them. Tags and activity of a clip mean nothing where ``has_tags_B`` and
    ``has_events_B`` are False.
    """

    clip_ids: tuple[str, ...]
    features_BTM: Tensor  # zeros on padding
    num_frames_B: Tensor  # int64
    tags_BC: Tensor
    activity_BTC: Tensor | None
    has_tags_B: Tensor  # bool
    has_events_B: Tensor  # bool
