"""Convolutions that shorten time before the recurrent layers: (B, T, M) -> (B, ceil(T / 2^n), channels * bands).

Each of n layers is Conv 3x3 with stride 2 in time and bands -> batch norm -> ReLU (the front end of Deep Speech 2,
Amodei et al. 2015, section 3.5, in the form that ESPnet and wav2letter use). Differs from the usual form in exactness:
every layer keeps ceil(T / 2) frames, and what lies past an utterance's end is set to zero before it is convolved, so
an utterance gets the same frames alone and padded in a batch; batch statistics leave padding out.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lightning_modules.layers.frame_norm import FrameBatchNorm
from lightning_modules.layers.log_mel import frame_mask


def halved(num_frames_B: Tensor, *, times: int) -> Tensor:
    """Frames that are left of each utterance, rounded up at every halving.

    >>> halved(torch.tensor([1, 4, 5, 8, 9]), times=2)
    tensor([1, 1, 2, 2, 3])
    """
    left_B: Tensor = -(-num_frames_B // 2**times)
    return left_B


class ConvSubsampling(nn.Module):
    """``num_halvings`` strided layers of ``channels`` each.

    Raises ``ValueError`` where a number is below 1 or the bands do not last.
    """

    def __init__(self, *, num_mels: int, channels: int, num_halvings: int = 2) -> None:
        super().__init__()
        if channels < 1 or num_halvings < 1 or num_mels < 2**num_halvings:
            raise ValueError(
                f"channels {channels} and num_halvings {num_halvings} must be 1 or more, "
                f"and num_mels {num_mels} at least 2 ** num_halvings"
            )
        self.num_mels = num_mels
        self.num_halvings = num_halvings
        self.time_pooling = 2**num_halvings
        self.num_outputs = channels * -(-num_mels // 2**num_halvings)
        self.convs = nn.ModuleList(
            # The norm that follows has a bias of its own.
            nn.Conv2d(1 if layer == 0 else channels, channels, kernel_size=3, stride=2, padding=1, bias=False)
            for layer in range(num_halvings)
        )
        self.norms = nn.ModuleList(FrameBatchNorm(channels) for _ in range(num_halvings))
        # Channels last: batch norm runs 2 x faster on a CPU, and convolutions in half precision on a GPU.
        self.convs.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub forgets it

    def forward(self, features_BTM: Tensor, num_frames_B: Tensor) -> Tensor:
        """Hidden vectors (B, T', channels * bands); zeros on padding. ``features_BTM`` is zero on padding too."""
        image_BCTF = features_BTM.unsqueeze(1).to(memory_format=torch.channels_last)
        for layer, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            image_BCTF = conv(image_BCTF)
            frames_B = halved(num_frames_B, times=layer + 1)
            mask_BT = frame_mask(frames_B, num_frames=image_BCTF.shape[2])
            image_BCTF = torch.relu(norm(image_BCTF, mask_BT)) * mask_BT[:, None, :, None]
        return image_BCTF.transpose(1, 2).flatten(2)
