"""A pretrained encoder of sound as the frame encoder of a sound event system: frozen, or fine-tuned.

Any ``SpeechEncoder`` of a local folder serves (``pretrained_{ast,wav2vec2,whisper}.py``). Frozen, it is a part of the
features: each clip goes through it once, by itself, and what came out is kept in memory as long as that fits, so that
later epochs cost none of it and a resumed run computes the same numbers. Fine-tuned, it is an encoder like any other.
"""

from __future__ import annotations

import warnings
from hashlib import sha256
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from datamodules.run_warning import RunWarning
from lightning_modules.layers.crnn import FrameEncoder
from lightning_modules.layers.log_mel import LogMelSettings
from lightning_modules.layers.recurrent_encoder import SpeechEncoder
from lightning_modules.layers.speech_features import SPEECH_FEATURES, FrontEnd

BYTES_PER_MB = 1_000_000


class PretrainedFrames(FrameEncoder):
    """``model``'s hidden vectors as frames.

    ``frozen`` leaves its weights as they are, without dropout or masks, and keeps up to ``cache_mb`` of hidden vectors
    a process. Otherwise ``learning_rate`` is that of its weights, None the optimiser's own. Raises ``ValueError`` for a
    learning rate of frozen weights, and where a number is out of range.
    """

    def __init__(
        self, *, model: SpeechEncoder, frozen: bool = True, learning_rate: float | None = None, cache_mb: float = 2000.0
    ) -> None:
        super().__init__()
        if frozen and learning_rate is not None:
            raise ValueError(f"learning_rate {learning_rate} of an encoder that is frozen: unset it, or frozen: false")
        if learning_rate is not None and not learning_rate > 0:
            raise ValueError(f"learning_rate {learning_rate}, allowed: above 0 (unset: the optimiser's own)")
        if not cache_mb >= 0:
            raise ValueError(f"cache_mb {cache_mb}, allowed: 0 or more")
        self.model = model
        self.frozen = frozen
        self.learning_rate = learning_rate
        self.cache = Cache(max_bytes=int(cache_mb * BYTES_PER_MB))
        self.num_mels = model.num_outputs if frozen else model.num_mels
        self.num_outputs = model.num_outputs
        self.time_pooling = 1 if frozen else model.time_pooling
        if frozen:
            model.requires_grad_(False)
            model.eval()

    def front_end(self, *, sample_rate_hz: int, settings: LogMelSettings) -> FrontEnd:
        """Its own features, of frozen weights its hidden vectors. Raises ``ValueError`` for log-mel settings."""
        if settings != LogMelSettings():
            raise ValueError("features: a pretrained encoder brings its own; leave them out (unset: [model.features])")
        heard = self.model.front_end(sample_rate_hz=sample_rate_hz, settings=SPEECH_FEATURES, spec_augment=None)
        heard = ClipFrontEnd(heard, sample_rate_hz=sample_rate_hz)
        return FrozenFrames(heard, self.model, self.cache) if self.frozen else heard

    def pooled_frames(self, num_frames_B: Tensor) -> Tensor:
        """As the model's strides have it; frozen, the features are pooled already."""
        return num_frames_B if self.frozen else self.model.pooled_frames(num_frames_B)

    def curve_frames(self, features_BTM: Tensor, num_frames_B: Tensor) -> int:
        """Of the longest clip: some models hear a picture of fixed length."""
        return int(self.pooled_frames(num_frames_B).max())

    def forward(self, features_BTM: Tensor, num_frames_B: Tensor) -> Tensor:
        """Hidden vectors (B, T', H); T' is the longest clip's."""
        hidden_BTH: Tensor = features_BTM if self.frozen else self.model(features_BTM, num_frames_B)
        return hidden_BTH[:, : self.curve_frames(features_BTM, num_frames_B)]

    def _load_from_state_dict(self, *arguments: Any) -> None:
        """What is kept is of other weights than those that are loaded."""
        self.cache.clear()
        super()._load_from_state_dict(*arguments)

    def train(self, mode: bool = True) -> PretrainedFrames:
        """A frozen model stays in evaluation mode."""
        super().train(mode)
        if self.frozen:
            self.model.eval()
        return self


class ClipFrontEnd(FrontEnd):
    """A speech encoder's features of clips: one that is too long for it is named as a clip."""

    def __init__(self, heard: FrontEnd, *, sample_rate_hz: int) -> None:
        super().__init__(spec_augment=None)
        self.heard = heard
        self.sample_rate_hz = sample_rate_hz

    @property
    def hop_seconds(self) -> float:
        """The inner one's."""
        return self.heard.hop_seconds

    def num_frames(self, num_samples_B: Tensor) -> Tensor:
        """Of each clip. Raises ``ValueError`` where one is longer than the encoder's window."""
        longest, most = int(num_samples_B.max()), getattr(self.heard, "max_samples", None)
        if most is not None and longest > most:
            seconds, allowed = longest / self.sample_rate_hz, most / self.sample_rate_hz
            raise ValueError(f"a clip of {seconds:.2f} s, allowed: up to the {allowed:.2f} s that the encoder hears")
        return self.heard.num_frames(num_samples_B)

    def forward(self, waveforms_BS: Tensor, num_samples_B: Tensor) -> Tensor:
        """Features (B, T, M)."""
        self.num_frames(num_samples_B)
        features_BTM: Tensor = self.heard(waveforms_BS, num_samples_B)
        return features_BTM


class FrozenFrames(FrontEnd):
    """Waveforms (B, S) -> hidden vectors (B, T', H) of a frozen model, each clip encoded once and by itself.

    The model's weights belong to the encoder; here they are only used.
    """

    def __init__(self, heard: FrontEnd, model: SpeechEncoder, cache: Cache) -> None:
        super().__init__(spec_augment=None)
        self.heard = heard
        self._model = (model,)  # in a tuple, so that its weights are not registered twice
        self._cache = cache

    @property
    def hop_seconds(self) -> float:
        """Distance of two hidden vectors."""
        return self.heard.hop_seconds * self._model[0].time_pooling

    def num_frames(self, num_samples_B: Tensor) -> Tensor:
        """Hidden vectors of each clip."""
        return self._model[0].pooled_frames(self.heard.num_frames(num_samples_B))

    @torch.no_grad()
    def forward(self, waveforms_BS: Tensor, num_samples_B: Tensor) -> Tensor:
        """Hidden vectors in float32, zeros on padding."""
        hidden = [
            self._hidden(waveform_S[:length])
            for waveform_S, length in zip(waveforms_BS, num_samples_B.tolist(), strict=True)
        ]
        return pad_sequence(hidden, batch_first=True)

    def _hidden(self, waveform_S: Tensor) -> Tensor:
        key = sha256(waveform_S.float().cpu().numpy().tobytes()).digest()
        if (known := self._cache.get(key)) is not None:
            return known.to(waveform_S.device)
        length_1 = torch.tensor([len(waveform_S)], device=waveform_S.device)
        features_1TM = self.heard(waveform_S.unsqueeze(0), length_1)
        frames = int(self.num_frames(length_1))
        hidden_TH: Tensor = self._model[0](features_1TM, self.heard.num_frames(length_1))[0, :frames].float()
        self._cache.put(key, hidden_TH)
        return hidden_TH


class Cache:
    """Hidden vectors by what they are of, in memory, until that is full: what came first stays.

    Clips come once an epoch, in any order: to drop the oldest for the newest would find nothing again.
    """

    def __init__(self, *, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._kept: dict[bytes, Tensor] = {}
        self._bytes = 0
        self._said = False

    def get(self, key: bytes) -> Tensor | None:
        """What was put under a key."""
        return self._kept.get(key)

    def put(self, key: bytes, hidden_TH: Tensor) -> None:
        """Keep it, or say once that there is no room left."""
        size = hidden_TH.numel() * hidden_TH.element_size()
        if self._bytes + size <= self.max_bytes:
            self._kept[key] = hidden_TH.cpu()
            self._bytes += size
        elif not self._said and self.max_bytes > 0:
            self._said = True
            warnings.warn(
                f"cache_mb {self.max_bytes / BYTES_PER_MB:g} is full with the frames of {len(self._kept)} clips: the "
                "frozen encoder hears all others anew in every epoch",
                RunWarning, stacklevel=2,
            )  # fmt: skip

    def __len__(self) -> int:
        return len(self._kept)

    def __deepcopy__(self, memo: dict[int, Any]) -> Cache:
        """A copy of a system has the same frozen weights, and one memory."""
        return self
