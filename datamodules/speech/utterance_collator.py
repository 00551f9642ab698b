"""Puts a training or evaluation batch together: draws of one store in, an ``UtteranceBatch`` out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.utils.rnn import pad_sequence

from datamodules.annotations import BLANK
from datamodules.audio.room_and_noise import RoomAndNoise
from datamodules.batches import UtteranceBatch
from datamodules.speech.speed_perturbation import Draw, change_speed
from datamodules.speech.utterance_store import UtteranceStore
from datamodules.texts.tokenizer import Tokenizer


class UtteranceCollator:
    """A DataLoader's ``collate_fn``: waveforms at the drawn speed, then in a room and with noise, zero-padded."""

    def __init__(self, store: UtteranceStore, tokenizer: Tokenizer, augmentation: RoomAndNoise | None = None) -> None:
        self.store = store
        self.tokenizer = tokenizer
        self.augmentation = augmentation

    def __call__(self, draws: Sequence[Draw]) -> UtteranceBatch:
        """The batch of some draws, in their order."""
        waveforms = [torch.from_numpy(self._heard(draw)) for draw in draws]
        utterances = [self.store.utterances[draw.number] for draw in draws]
        tokens = [
            torch.tensor(self.tokenizer.encode_in(utterance.text, utterance.language), dtype=torch.int64)
            for utterance in utterances
        ]
        return UtteranceBatch(
            utterance_ids=tuple(utterance.utterance_id for utterance in utterances),
            waveforms_BS=pad_sequence(waveforms, batch_first=True),
            num_samples_B=torch.tensor([len(waveform_S) for waveform_S in waveforms]),
            tokens_BU=pad_sequence(tokens, batch_first=True, padding_value=BLANK),
            num_tokens_B=torch.tensor([len(tokens_U) for tokens_U in tokens]),
            texts=tuple(utterance.text for utterance in utterances),
        )

    def _heard(self, draw: Draw) -> NDArray[np.float32]:
        """The samples of a draw, (S,)."""
        waveform_S = change_speed(self.store.waveform(draw.number), draw.speed)
        if self.augmentation is None or not draw.name:
            return waveform_S
        rate_hz = self.store.sample_rate_hz
        return self.augmentation(waveform_S, name=draw.name, epoch=draw.epoch, sample_rate_hz=rate_hz)
