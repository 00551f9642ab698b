"""Mixup: a clip becomes a mixture with another of its batch, features and labels alike.

``x = λ x_i + (1 - λ) x_j``, ``y = λ y_i + (1 - λ) y_j`` with λ ~ Beta(α, α) (Zhang et al., arXiv 1710.09412), on
log-mel features; the DCASE baselines mix mel energies before the logarithm.
A clip is mixed with one of its own kind of label, so that every mixture has labels of one kind. Its partner is the next
in an order that is drawn by clip, not by place: the mixtures are the same however a batch is ordered.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lightning_modules.layers.labelled_features import LabelledFeatures


def partners(kinds: Sequence[int], draws: Sequence[float]) -> list[int]:
    """The place of each clip's partner: the next in the order of ``draws`` among those of its kind, round.

    >>> partners([0, 0, 1, 0], [0.3, 0.1, 0.5, 0.2])
    [1, 3, 2, 0]
    """
    places = list(range(len(kinds)))
    for kind in set(kinds):
        order = sorted((draw, place) for place, draw in enumerate(draws) if kinds[place] == kind)
        for (_, place), (_, after) in zip(order, [*order[1:], order[0]], strict=True):
            places[place] = after
    return places


def mixed(labelled: LabelledFeatures, partner_B: Tensor, weight_B: Tensor) -> LabelledFeatures:
    """Each clip with ``weight_B`` (λ) and its partner with the rest; as long as the longer of the two."""
    device = labelled.features_BTM.device
    partner_B, weight_B = partner_B.to(device), weight_B.to(device)

    def mix(values: Tensor) -> Tensor:
        weight = weight_B.view(-1, *[1] * (values.ndim - 1)).to(values.dtype)
        return weight * values + (1 - weight) * values[partner_B]

    frames_B = labelled.num_frames_B
    alone_B = (weight_B == 1).to(frames_B.device)
    both_B = torch.maximum(frames_B, frames_B[partner_B.to(frames_B.device)])
    return labelled._replace(
        features_BTM=mix(labelled.features_BTM),
        num_frames_B=torch.where(alone_B, frames_B, both_B),
        tags_BC=mix(labelled.tags_BC),
        activity_BTC=None if labelled.activity_BTC is None else mix(labelled.activity_BTC),
    )
