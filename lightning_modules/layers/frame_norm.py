"""Batch normalisation over the real frames of the global batch.

Differs from ``nn.BatchNorm2d`` while training: padded frames do not enter the statistics, and the ranks of a
distributed run share them (on CPU too, where ``nn.SyncBatchNorm`` does not run), so that neither padding nor the
number of devices changes what is learnt. Evaluation is ``nn.BatchNorm2d``'s own. Ioffe & Szegedy 2015.
"""

from __future__ import annotations

import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.nn.functional import all_reduce


def _sum_over_ranks(values: Tensor) -> Tensor:
    """Sum over the ranks, differentiable; the same tensor where there is one process."""
    if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
        total: Tensor = all_reduce(values)  # type: ignore[no-untyped-call]
        return total
    return values


class FrameBatchNorm(nn.BatchNorm2d):
    """Normalises (B, C, T, F) by channel. ``mask_BT`` None means that no frame is padding."""

    def forward(self, input_BCTF: Tensor, mask_BT: Tensor | None = None) -> Tensor:
        """Normalised (B, C, T, F); the values on padding mean nothing."""
        alone = not (dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1)
        if not self.training or (mask_BT is None and alone):
            return super().forward(input_BCTF)
        return self._normalise(input_BCTF.float(), mask_BT).to(input_BCTF.dtype)

    def _normalise(self, input_BCTF: Tensor, mask_BT: Tensor | None) -> Tensor:
        batch, channels, frames, bands = input_BCTF.shape
        mask_BT = input_BCTF.new_ones(batch, frames) if mask_BT is None else mask_BT.to(input_BCTF.dtype)
        mask_B1T1 = mask_BT[:, None, :, None]
        count = _sum_over_ranks(mask_BT.sum() * bands)
        mean_C = _sum_over_ranks((input_BCTF * mask_B1T1).sum((0, 2, 3))) / count
        centred_BCTF = input_BCTF - mean_C.view(1, channels, 1, 1)
        variance_C = _sum_over_ranks((centred_BCTF.square() * mask_B1T1).sum((0, 2, 3))) / count
        self._track(mean_C.detach(), variance_C.detach() * count / (count - 1))
        scale_C = self.weight / (variance_C + self.eps).sqrt()
        return centred_BCTF * scale_C.view(1, channels, 1, 1) + self.bias.view(1, channels, 1, 1)

    def _track(self, mean_C: Tensor, unbiased_variance_C: Tensor) -> None:
        momentum = 0.1 if self.momentum is None else self.momentum
        if self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            self.running_mean.lerp_(mean_C, momentum)
            self.running_var.lerp_(unbiased_variance_C, momentum)
