"""The log-mel of ``lightning_modules.layers.log_mel`` as convolutions and products that ONNX has on every runtime.

A windowed DFT is a convolution: ``X_k(t) = Σ_n w_n x_{t·hop + n} e^{−2πikn/N}``, cosines and sines as its kernels. One
clip at a time and no padding, so the mean over a clip is the mean over its frames. The angles are of whole numbers
``k·n mod N`` in double precision: their float32 sines would be off by more than the transform's own rounding.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lightning_modules.layers.log_mel import DECIBELS_PER_UNIT, POWER_FLOOR, LogMel


class ExportableLogMel(nn.Module):
    """Twin of a ``LogMel``: (1, S) -> (1, T, M), T = ceil(S / hop), equal but for rounding."""

    def __init__(self, log_mel: LogMel) -> None:
        super().__init__()
        self.hop_samples, self.window_samples = log_mel.hop_samples, log_mel.window_samples
        self.num_bins = log_mel.window_samples // 2 + 1
        self.register_buffer("basis_C1N", dft_basis(log_mel.get_buffer("window")).unsqueeze(1))
        self.register_buffer("filters_KM", log_mel.get_buffer("filters_KM").clone())

    def forward(self, waveform_1S: Tensor) -> Tensor:
        """Features of one clip."""
        num_frames = -(-waveform_1S.shape[1] // self.hop_samples)
        left = (self.window_samples - self.hop_samples) // 2
        # A window behind the end serves any length; the frames that begin there are cut off again.
        padded_11S = F.pad(waveform_1S, (left, self.window_samples)).unsqueeze(1)
        spectrum_1CT = F.conv1d(padded_11S, self.get_buffer("basis_C1N"), stride=self.hop_samples)[:, :, :num_frames]
        real_1KT, imaginary_1KT = spectrum_1CT.split(self.num_bins, dim=1)
        power_1TK = (real_1KT * real_1KT + imaginary_1KT * imaginary_1KT).transpose(1, 2)
        decibels_1TM = 10.0 * torch.log10((power_1TK @ self.get_buffer("filters_KM")).clamp_min(POWER_FLOOR))
        return (decibels_1TM - decibels_1TM.mean((1, 2), keepdim=True)) / DECIBELS_PER_UNIT


def dft_basis(window_N: Tensor) -> Tensor:
    """Cosines of the bins 0 … N/2, then their sines, each times the window: float32 (2K, N).

    >>> dft_basis(torch.ones(4)).round().int().tolist()
    [[1, 1, 1, 1], [1, 0, -1, 0], [1, -1, 1, -1], [0, 0, 0, 0], [0, 1, 0, -1], [0, 0, 0, 0]]
    """
    samples = len(window_N)
    turns_KN = torch.outer(torch.arange(samples // 2 + 1), torch.arange(samples)) % samples
    angles_KN = turns_KN.double() * (2 * math.pi / samples)
    return (torch.cat([angles_KN.cos(), angles_KN.sin()]) * window_N.double()).float()
