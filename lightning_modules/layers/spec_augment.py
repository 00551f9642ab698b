"""SpecAugment: stretches of time and of bands are blanked while training (Park et al. 2019, arXiv 1904.08779).

Differs from the paper in three ways. No time warping (the paper's own table shows that it adds least). A mask is zero,
which is the mean of the features. And it draws nothing: the caller hands in uniform numbers, as many a clip as
``num_uniforms``, so the masks can be a pure function of (seed, epoch, utterance id), whatever the batch or the device.
Time masks lie within the clip's own frames, never on padding.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn


def drawn_uniforms(utterance_ids: Sequence[str], *, seed: int, epoch: int, count: int) -> Tensor:
    """``count`` numbers in [0, 1) an utterance, a pure function of (seed, epoch, id): (B, count), float32 on the CPU.

    >>> drawn_uniforms(["a", "b"], seed=0, epoch=3, count=2)[1] == drawn_uniforms(["b"], seed=0, epoch=3, count=2)[0]
    tensor([True, True])
    """
    keys = [(seed, epoch, zlib.crc32(utterance_id.encode())) for utterance_id in utterance_ids]
    return torch.from_numpy(np.stack([np.random.default_rng(key).random(count, dtype=np.float32) for key in keys]))


class SpecAugment(nn.Module):
    """Masks of a batch of features, all clips at once.

    Args:
        time_masks, time_mask_seconds: number and greatest length of the time masks (m_T and T of the paper, which
            counts frames of 10 ms).
        time_mask_share: a time mask covers at most this share of its clip (p of the paper).
        band_masks, band_mask_share: number and greatest width of the band masks, as a share of all bands (m_F and F;
            the paper's F = 27 of 80 is 0.34).

    Raises:
        ValueError: a number below 0, or a share above 1.

    """

    def __init__(
        self,
        *,
        time_masks: int = 2,
        time_mask_seconds: float = 0.4,
        time_mask_share: float = 0.2,
        band_masks: int = 2,
        band_mask_share: float = 0.2,
    ) -> None:
        super().__init__()
        if min(time_masks, band_masks) < 0 or not time_mask_seconds >= 0:
            raise ValueError("time_masks, band_masks and time_mask_seconds must be 0 or more")
        if not (0 <= time_mask_share <= 1 and 0 <= band_mask_share <= 1):
            raise ValueError(
                f"time_mask_share {time_mask_share} and band_mask_share {band_mask_share} must lie within 0 and 1"
            )
        self.time_masks = time_masks
        self.time_mask_seconds = time_mask_seconds
        self.time_mask_share = time_mask_share
        self.band_masks = band_masks
        self.band_mask_share = band_mask_share

    @property
    def num_uniforms(self) -> int:
        """Numbers that a clip's masks take: width and place of each."""
        return 2 * (self.time_masks + self.band_masks)

    def forward(self, features_BTM: Tensor, num_frames_B: Tensor, uniforms_BK: Tensor, *, hop_seconds: float) -> Tensor:
        """Features (B, T, M) with masks blanked; ``uniforms_BK`` (B, ``num_uniforms``) lie in [0, 1)."""
        _, frames, bands = features_BTM.shape
        uniforms_BK = uniforms_BK.to(features_BTM.device)
        time_BK, band_BK = uniforms_BK[:, : 2 * self.time_masks], uniforms_BK[:, 2 * self.time_masks :]
        lengths_B = num_frames_B.to(features_BTM.device)
        widest_B = (lengths_B * self.time_mask_share).clamp(max=self.time_mask_seconds / hop_seconds)
        masked_BT = _stretches(time_BK, extent_B=lengths_B, widest_B=widest_B, size=frames)
        extent_B = torch.full_like(lengths_B, bands)
        masked_BM = _stretches(band_BK, extent_B=extent_B, widest_B=extent_B * self.band_mask_share, size=bands)
        return features_BTM.masked_fill(masked_BT.unsqueeze(2) | masked_BM.unsqueeze(1), 0.0)


def _stretches(uniforms_BK: Tensor, *, extent_B: Tensor, widest_B: Tensor, size: int) -> Tensor:
    """True where one of K / 2 stretches lies: bool (B, size).

    Widths are whole, from 0 to ``widest_B``; a stretch lies within the first ``extent_B`` places.
    """
    width_BN, place_BN = uniforms_BK.chunk(2, dim=1)
    width_BN = (width_BN * (widest_B.floor().unsqueeze(1) + 1)).floor()
    start_BN = (place_BN * (extent_B.unsqueeze(1) - width_BN + 1)).floor()
    places_1N = torch.arange(size, device=uniforms_BK.device).view(1, 1, size)
    inside_BNS = (places_1N >= start_BN.unsqueeze(2)) & (places_1N < (start_BN + width_BN).unsqueeze(2))
    return inside_BNS.any(dim=1)
