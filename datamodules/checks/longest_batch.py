"""The training batch that takes most memory, read as training would read it.

Batches are formed by the sampler of training (``duration_buckets.py``) from the utterances' durations, so that only the
files of one batch are decoded, whatever the size of the corpus.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from torch.nn.utils.rnn import pad_sequence

from datamodules.annotations import BLANK
from datamodules.audio.audio_reader import read_audio
from datamodules.batches import UtteranceBatch
from datamodules.checks.speech_checks import CheckedUtterance
from datamodules.corpora.sound_files import SAMPLE_RATE_HZ
from datamodules.importers.entry import ManifestEntry
from datamodules.speech.duration_buckets import DurationBuckets
from datamodules.speech.speed_perturbation import Draw, change_speed, samples_at_speed
from datamodules.texts.tokenizer import Tokenizer


def longest_batch(
    utterances: Sequence[CheckedUtterance], *, batch_seconds: float, speed_factors: Sequence[float]
) -> list[tuple[CheckedUtterance, float]]:
    """Utterances and speeds of the first epoch's batch with most padded samples.

    Raises ``ValueError`` naming an utterance that does not fit a batch.
    """
    num_samples = [max(1, round(one.duration_seconds * SAMPLE_RATE_HZ)) for one in utterances]
    buckets = DurationBuckets(
        indices=range(len(utterances)),
        utterance_ids=[one.entry.utterance_id for one in utterances],
        num_samples=num_samples,
        batch_samples=int(batch_seconds * SAMPLE_RATE_HZ),
        speed_factors=speed_factors,
    )

    def padded_samples(batch: Sequence[Draw]) -> int:
        return len(batch) * max(samples_at_speed(num_samples[draw.number], draw.speed) for draw in batch)

    return [(utterances[draw.number], draw.speed) for draw in max(buckets.global_batches(), key=padded_samples)]


def load_batch(batch: Sequence[tuple[CheckedUtterance, float]], *, tokenizer: Tokenizer) -> UtteranceBatch:
    """Decode, resample to 16 kHz, change speed, pad. Raises ``ValueError``."""
    waveforms = [torch.from_numpy(change_speed(_waveform(one.entry), speed)) for one, speed in batch]
    tokens = [torch.tensor(tokenizer.encode(one.entry.text), dtype=torch.int64) for one, _ in batch]
    return UtteranceBatch(
        utterance_ids=tuple(one.entry.utterance_id for one, _ in batch),
        waveforms_BS=pad_sequence(waveforms, batch_first=True),
        num_samples_B=torch.tensor([len(waveform_S) for waveform_S in waveforms]),
        tokens_BU=pad_sequence(tokens, batch_first=True, padding_value=BLANK),
        num_tokens_B=torch.tensor([len(tokens_U) for tokens_U in tokens]),
        texts=tuple(one.entry.text for one, _ in batch),
    )


def _waveform(entry: ManifestEntry) -> NDArray[np.float32]:
    """The utterance's channel at 16 kHz, (S,)."""
    samples_S, rate_hz = read_audio(
        entry.audio,
        start_seconds=entry.start_seconds,
        duration_seconds=entry.duration_seconds,
        channel=entry.channel,
    )
    return np.asarray(soxr.resample(samples_S, rate_hz, SAMPLE_RATE_HZ), dtype=np.float32)
