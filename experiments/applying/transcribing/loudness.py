"""Where a recording is not silent, by its power alone: what ``--cut quiet`` has instead of a network that hears speech.

A hop is silent where its mean power is ``SILENT_DECIBELS`` below the loudest hop so far, whose power fades by half each
``HALF_LIFE_SECONDS``, so that a quiet speaker after a loud one is heard. Noise above that is taken for speech: then
parts are cut only where they get too long.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from experiments.applying.transcribing.parts import HOP_SECONDS

SILENT_DECIBELS = 35.0
HALF_LIFE_SECONDS = 10.0
LOWEST_POWER = 1e-9  # -90 dB of full scale: digital silence and dither


class Loudness:
    """Hears one recording, hop by hop."""

    def __init__(self) -> None:
        self._loudest = 0.0

    def start(self) -> None:
        """Forget what was heard: another recording begins."""
        self._loudest = 0.0

    def __call__(self, hop_S: NDArray[np.float32]) -> bool:
        """Whether the next hop is anything but silence."""
        power = float(np.mean(np.square(hop_S, dtype=np.float64)))
        self._loudest = max(power, self._loudest * 0.5 ** (HOP_SECONDS / HALF_LIFE_SECONDS))
        return power > max(LOWEST_POWER, self._loudest * 10 ** (-SILENT_DECIBELS / 10))
