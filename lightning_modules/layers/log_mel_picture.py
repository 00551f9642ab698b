"""A log-mel spectrogram on matplotlib axes, as the layer computes it: shared by the pictures of every family.

Draws on axes that it is given, so that this file needs no matplotlib.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lightning_modules.layers.log_mel import LogMel, LogMelSettings

FREQUENCY_TICKS_HZ = (250, 500, 1000, 2000, 4000, 8000)
RANGE_DECIBELS = 70


def draw_log_mel(
    ax: Any,
    waveform_S: NDArray[np.float32],
    *,
    sample_rate_hz: int,
    settings: LogMelSettings = LogMelSettings(),  # noqa: B008 - frozen
) -> None:
    """Mel bands over seconds, the loudest 70 dB; ticks say the bands' centres in Hz."""
    log_mel = LogMel(sample_rate_hz=sample_rate_hz, **asdict(settings))
    waveform = torch.from_numpy(np.ascontiguousarray(waveform_S, dtype=np.float32))
    decibels_TM = log_mel.decibels(waveform.unsqueeze(0))[0].numpy()
    top = float(decibels_TM.max())
    ax.imshow(
        decibels_TM.T,
        origin="lower",
        aspect="auto",
        cmap="magma",
        vmin=top - RANGE_DECIBELS,
        vmax=top,
        extent=(0, len(decibels_TM) * log_mel.hop_seconds, -0.5, log_mel.num_mels - 0.5),
    )
    filters_KM = log_mel.get_buffer("filters_KM").numpy()
    centres_M = filters_KM.argmax(axis=0) * sample_rate_hz / log_mel.window_samples
    ticks = [hertz for hertz in FREQUENCY_TICKS_HZ if hertz <= centres_M[-1]]
    ax.set_yticks(np.interp(ticks, centres_M, np.arange(log_mel.num_mels)), [f"{hertz}" for hertz in ticks])
    ax.set_ylabel("mel bands (Hz)", fontsize=11)
