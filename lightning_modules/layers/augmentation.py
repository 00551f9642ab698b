"""Augmentation of training clips, on the device: features and the labels that go with them, together.

What a clip becomes is a function of (seed, epoch, clip id) and, for mixup, of the clips of its batch (of a process's
share of it): a resumed training draws as an uninterrupted one would, without a state to keep. Nothing is drawn from
torch's generator.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from lightning_modules.layers.filter_augment import FilterAugment
from lightning_modules.layers.labelled_features import LabelledFeatures
from lightning_modules.layers.log_mel import DECIBELS_PER_UNIT, frame_mask
from lightning_modules.layers.mixup import mixed, partners
from lightning_modules.layers.spec_augment import SpecAugment
from lightning_modules.layers.time_shift import turned

SHIFT, MIXUP, FILTER, MASKS = range(4)  # each draws from a generator of its own: to switch one on changes no other


class Augmentation(nn.Module):
    """What is done, in this order; what is not named is not done.

    Args:
        time_shift_seconds: clips are turned by up to this much, to either side, and their events with them.
        mixup_alpha: α of mixup's Beta distribution; 0 mixes nothing. The DCASE baselines' is 0.2.
        mixup_share: share of the clips that are mixed.
        filtering: FilterAugment's settings.
        masks: time and band masks; labels stay as they are.

    Raises:
        ValueError: a setting that is out of range, or nothing to do.

    """

    def __init__(
        self,
        *,
        time_shift_seconds: float = 0.0,
        mixup_alpha: float = 0.0,
        mixup_share: float = 1.0,
        filtering: FilterAugment | None = None,
        masks: SpecAugment | None = None,
    ) -> None:
        super().__init__()
        if not (time_shift_seconds >= 0 and mixup_alpha >= 0 and 0 <= mixup_share <= 1):
            raise ValueError(
                f"time_shift_seconds {time_shift_seconds} and mixup_alpha {mixup_alpha} must be 0 or more, mixup_share "
                f"{mixup_share} within 0 and 1"
            )
        if not (time_shift_seconds or mixup_alpha * mixup_share or filtering or masks):
            raise ValueError("augmentation has nothing to do: set time_shift_seconds, mixup_alpha, filtering or masks")
        self.time_shift_seconds = time_shift_seconds
        self.mixup_alpha, self.mixup_share = mixup_alpha, mixup_share
        self.filtering, self.masks = filtering, masks

    def check(self, *, num_mels: int, frame_seconds: float) -> None:
        """Raises ``ValueError`` where the settings do not fit features and curves, whose frames are so long."""
        if 0 < self.time_shift_seconds < frame_seconds:
            raise ValueError(
                f"time_shift_seconds {self.time_shift_seconds} is below a frame of the curves, {frame_seconds:.3f} s: "
                "no clip would move"
            )
        if self.filtering is not None:
            self.filtering.check(num_mels=num_mels)

    def forward(
        self, labelled: LabelledFeatures, *, seed: int, epoch: int, hop_seconds: float, time_pooling: int
    ) -> LabelledFeatures:
        """The clips as an epoch hears them. ``hop_seconds`` is of the features, ``time_pooling`` of the curves."""

        def generators(purpose: int) -> list[np.random.Generator]:
            keys = [(seed, epoch, zlib.crc32(clip_id.encode()), purpose) for clip_id in labelled.clip_ids]
            return [np.random.default_rng(key) for key in keys]

        if self.time_shift_seconds:
            most = int(self.time_shift_seconds / (hop_seconds * time_pooling))
            shifts = [int(of_clip.integers(-most, most + 1)) for of_clip in generators(SHIFT)]
            labelled = _shifted(labelled, torch.tensor(shifts), time_pooling=time_pooling)
        if self.mixup_alpha * self.mixup_share:
            labelled = self._mixed(labelled, generators(MIXUP))
        if self.filtering is not None:
            num_mels = labelled.features_BTM.shape[2]
            gains_BM = np.stack([self.filtering.gains(of_clip, num_mels=num_mels) for of_clip in generators(FILTER)])
            labelled = _amplified(labelled, torch.from_numpy(gains_BM))
        if self.masks is not None:
            count = self.masks.num_uniforms
            uniforms_BK = np.stack([of_clip.random(count, dtype=np.float32) for of_clip in generators(MASKS)])
            masked_BTM = self.masks(
                labelled.features_BTM, labelled.num_frames_B, torch.from_numpy(uniforms_BK), hop_seconds=hop_seconds
            )
            labelled = labelled._replace(features_BTM=masked_BTM)
        return labelled

    def _mixed(self, labelled: LabelledFeatures, generators: Sequence[np.random.Generator]) -> LabelledFeatures:
        order, chosen = ([of_clip.random() for of_clip in generators] for _ in range(2))
        weights = [
            float(of_clip.beta(self.mixup_alpha, self.mixup_alpha)) if draw < self.mixup_share else 1.0
            for of_clip, draw in zip(generators, chosen, strict=True)
        ]
        kinds = (labelled.has_tags_B.long() + labelled.has_events_B.long()).tolist()
        return mixed(labelled, torch.tensor(partners(kinds, order)), torch.tensor(weights))


def _shifted(labelled: LabelledFeatures, shift_B: Tensor, *, time_pooling: int) -> LabelledFeatures:
    """``shift_B`` counts frames of the curves."""
    curve_frames_B = -(-labelled.num_frames_B // time_pooling)
    activity_BTC = labelled.activity_BTC
    return labelled._replace(
        features_BTM=turned(labelled.features_BTM, labelled.num_frames_B, shift_B * time_pooling),
        activity_BTC=None if activity_BTC is None else turned(activity_BTC, curve_frames_B, shift_B),
    )


def _amplified(labelled: LabelledFeatures, gains_BM: Tensor) -> LabelledFeatures:
    """Gains in decibels by band, on every frame that is no padding."""
    features_BTM = labelled.features_BTM
    mask_BT1 = frame_mask(labelled.num_frames_B.to(features_BTM.device), num_frames=features_BTM.shape[1]).unsqueeze(-1)
    gains_B1M = (gains_BM / DECIBELS_PER_UNIT).to(features_BTM).unsqueeze(1)
    return labelled._replace(features_BTM=features_BTM + gains_B1M * mask_BT1)
