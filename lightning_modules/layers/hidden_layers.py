"""All hidden layers of a pretrained encoder, side by side: what a learned mean of layers is made of.

Layer 0 is what the first transformer layer hears, layer l what the l-th one says, the last what the encoder itself
hands on, after its closing norm: transformers' ``hidden_states`` and ``last_hidden_state``. Each parameter is told how
many layers lie above its own (``layer_rates.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from lightning_modules.layers.layer_rates import say_layers_above
from lightning_modules.layers.log_mel import LogMelSettings
from lightning_modules.layers.pretrained_wav2vec2 import Wav2Vec2Encoder
from lightning_modules.layers.pretrained_whisper import WhisperEncoder
from lightning_modules.layers.recurrent_encoder import SpeechEncoder
from lightning_modules.layers.spec_augment import SpecAugment
from lightning_modules.layers.speech_features import FrontEnd


class HiddenLayers(SpeechEncoder):
    """Base: ``num_layers`` layers of ``layer_units`` each, (B, T, M) -> (B, T', ``num_layers`` · ``layer_units``)."""

    def __init__(self, encoder: SpeechEncoder, *, num_layers: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.num_layers = num_layers
        self.layer_units = encoder.num_outputs
        self.num_mels, self.time_pooling = encoder.num_mels, encoder.time_pooling
        self.num_outputs = num_layers * encoder.num_outputs

    def front_end(self, *, sample_rate_hz: int, settings: LogMelSettings, spec_augment: SpecAugment | None) -> FrontEnd:
        """The encoder's own."""
        return self.encoder.front_end(sample_rate_hz=sample_rate_hz, settings=settings, spec_augment=spec_augment)

    def pooled_frames(self, num_frames_B: Tensor) -> Tensor:
        """As the encoder's strides have it."""
        return self.encoder.pooled_frames(num_frames_B)

    def forward(self, features_BTM: Tensor, num_frames_B: Tensor) -> Tensor:
        """All layers of each frame, the input's first."""
        hidden_BTK: Tensor = self.encoder(features_BTM, num_frames_B)
        return hidden_BTK


class WhisperLayers(HiddenLayers):
    """Those of Whisper's encoder; arguments are ``WhisperEncoder``'s, and so are its errors."""

    def __init__(self, *, folder: str, silence_seconds: float | None = None) -> None:
        encoder = _Whisper(folder=folder, silence_seconds=silence_seconds)
        super().__init__(encoder, num_layers=len(encoder.model.layers) + 1)
        say_layers_above(encoder.model, encoder.model.layers, closing=[encoder.model.layer_norm])


class Wav2Vec2Layers(HiddenLayers):
    """Those of wav2vec 2.0's transformer; arguments are ``Wav2Vec2Encoder``'s, and so are its errors."""

    def __init__(self, *, folder: str, freeze_features: bool = True) -> None:
        encoder = _Wav2Vec2(folder=folder, freeze_features=freeze_features)
        transformer, config = encoder.model.encoder, encoder.model.config
        super().__init__(encoder, num_layers=len(transformer.layers) + 1)
        closing = [transformer.layer_norm] if config.do_stable_layer_norm else []  # else it stands before the layers
        say_layers_above(encoder.model, transformer.layers, closing=closing)


class _Whisper(WhisperEncoder):
    def _encoded(self, features_bTM: Tensor) -> Tensor:
        return _with_inputs(self.model.layers, lambda: super(_Whisper, self)._encoded(features_bTM))


class _Wav2Vec2(Wav2Vec2Encoder):
    def forward(self, features_BTM: Tensor, num_frames_B: Tensor) -> Tensor:
        layers = self.model.encoder.layers
        return _with_inputs(layers, lambda: super(_Wav2Vec2, self).forward(features_BTM, num_frames_B))


def _with_inputs(layers: nn.ModuleList, encode: Callable[[], Tensor]) -> Tensor:
    """What each layer heard while ``encode`` ran, then its own value, side by side."""
    heard: list[Tensor] = []

    def keep(_: nn.Module, arguments: tuple[Any, ...]) -> None:
        heard.append(arguments[0])

    hooks = [layer.register_forward_pre_hook(keep) for layer in layers]
    try:
        last_BTH = encode()
    finally:
        for hook in hooks:
            hook.remove()
    return torch.cat([*heard, last_BTH], dim=2)
