"""Speed perturbation: the same utterance faster or slower, pitch and tempo together (Ko et al. 2015: .9, 1, 1.1).

Done by resampling with soxr, 0.2 ms a second of speech, when a batch is put together. Which factor an utterance gets is
a pure function of (seed, epoch, utterance id), so neither the order of batches nor the number of processes or loader
workers changes it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import soxr
from numpy.typing import NDArray


class Draw(NamedTuple):
    """One utterance of a batch: its number in the store, how fast it is played, and what is drawn for it by name.

    ``name`` is empty for an utterance that is heard as it was recorded, as all of validation and test are.
    """

    number: int
    speed: float
    name: str = ""
    epoch: int = 0


def drawn_speed(utterance_id: str, *, factors: Sequence[float], seed: int, epoch: int) -> float:
    """One of ``factors``, all equally likely.

    >>> [drawn_speed("a", factors=(0.9, 1.0, 1.1), seed=0, epoch=epoch) for epoch in range(4)]
    [1.0, 1.1, 1.1, 1.1]
    """
    digest = hashlib.blake2b(f"{seed} {epoch} {utterance_id}".encode(), digest_size=8).digest()
    return factors[int.from_bytes(digest, "big") % len(factors)]


def samples_at_speed(num_samples: int, speed: float) -> int:
    """Samples of an utterance of ``num_samples`` after ``change_speed``.

    >>> samples_at_speed(16000, 1.1), samples_at_speed(16000, 1.0)
    (14545, 16000)
    """
    return max(1, int(num_samples / speed))


def change_speed(waveform_S: NDArray[np.float32], speed: float) -> NDArray[np.float32]:
    """``waveform_S`` played ``speed`` times as fast at the same sample rate: (S,) -> (samples_at_speed(S, speed),)."""
    if speed == 1.0:
        return waveform_S
    length = samples_at_speed(len(waveform_S), speed)
    faster_S: NDArray[np.float32] = soxr.resample(waveform_S, speed, 1.0)[:length]
    return np.pad(faster_S, (0, length - len(faster_S)))  # soxr rounds to the nearest sample
