"""The training batch of sound event clips that takes most memory, read as training would read it.

Batches of clips are drawn at random, so the largest that can come is that of the longest clips.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from torch.nn.utils.rnn import pad_sequence

from datamodules.audio.audio_reader import read_audio
from datamodules.batches import ClipBatch
from datamodules.checks.checked_clips import CheckedClip


def longest_clips(clips: Sequence[CheckedClip], *, batch_size: int) -> list[CheckedClip]:
    """The ``batch_size`` longest clips, or all where there are fewer."""
    return sorted(clips, key=lambda one: one.duration_seconds, reverse=True)[:batch_size]


def load_clips(clips: Sequence[CheckedClip], *, classes: Sequence[str], sample_rate_hz: int) -> ClipBatch:
    """Decode, mix the channels, resample, pad; tags are those of events where there are any. Raises ``ValueError``."""
    waveforms = [torch.from_numpy(_waveform(one, sample_rate_hz)) for one in clips]
    return ClipBatch(
        clip_ids=tuple(one.name for one in clips),
        waveforms_BS=pad_sequence(waveforms, batch_first=True),
        num_samples_B=torch.tensor([len(waveform_S) for waveform_S in waveforms]),
        tags_BC=torch.tensor([[float(label in one.entry.labels) for label in classes] for one in clips]),
    )


def _waveform(one: CheckedClip, sample_rate_hz: int) -> NDArray[np.float32]:
    """The clip's channel, or the mean of all, (S,)."""
    entry = one.entry
    samples_S, rate_hz = read_audio(
        entry.audio,
        start_seconds=entry.start_seconds,
        duration_seconds=entry.duration_seconds,
        channel=entry.channel,
    )
    return np.asarray(soxr.resample(samples_S, rate_hz, sample_rate_hz), dtype=np.float32)
