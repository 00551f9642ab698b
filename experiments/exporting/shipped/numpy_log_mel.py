"""Log-mel features in numpy, for a model that was exported with its features outside."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

POWER_FLOOR, DECIBELS_PER_UNIT = 1e-10, 20.0  # of lightning_modules.layers.log_mel
FRAMES_AT_ONCE = 2048


class NumpyLogMel:
    """Reads the filters and the window that the export wrote."""

    def __init__(self, path: Path) -> None:
        with np.load(path, allow_pickle=False) as file:
            self.filters_KM, self.window_N = file["filters_KM"], file["window_N"]
            self.hop_samples = int(file["hop_samples"])

    def __call__(self, samples_S: NDArray[np.float32]) -> NDArray[np.float32]:
        """Features (T, M), T = ceil(S / hop)."""
        window = len(self.window_N)
        frames = -(-len(samples_S) // self.hop_samples)
        padded_S = np.pad(samples_S, ((window - self.hop_samples) // 2, window))
        windows_TN = np.lib.stride_tricks.sliding_window_view(padded_S, window)[:: self.hop_samples][:frames]
        decibels_TM = np.concatenate(
            [self._decibels(windows_TN[start : start + FRAMES_AT_ONCE]) for start in range(0, frames, FRAMES_AT_ONCE)]
        )
        return ((decibels_TM - decibels_TM.mean()) / DECIBELS_PER_UNIT).astype(np.float32)

    def _decibels(self, windows_TN: NDArray[np.float32]) -> NDArray[np.float64]:
        power_TK = np.abs(np.fft.rfft(windows_TN * self.window_N)) ** 2
        decibels_TM: NDArray[np.float64] = 10.0 * np.log10(np.maximum(power_TK @ self.filters_KM, POWER_FLOOR))
        return decibels_TM
