"""A pretrained encoder of a recogniser that is not only its last layer, and not trained alike everywhere.

``mix: weighted`` hands on a learned mean of all hidden layers (``layer_mix.py``): frozen, that is SUPERB's way of
asking what a model knows (Yang et al. 2021), where the mean, the layers on top and the outputs train alone. Not frozen,
its layers can train at rates of their own: ``model.optimizer`` is then ``LayerwiseAdamW`` (``layer_rates.py``). It
starts from the folder's weights; no run of ours is needed before.
"""

from __future__ import annotations

from typing import Any, Literal

from torch import Tensor

from lightning_modules.layers.hidden_layers import HiddenLayers
from lightning_modules.layers.layer_mix import LayerMix
from lightning_modules.layers.log_mel import LogMelSettings
from lightning_modules.layers.pretrained_frames import BYTES_PER_MB, Cache, FrozenFrames
from lightning_modules.layers.recurrent import Bidirectional, Cell
from lightning_modules.layers.recurrent_encoder import SpeechEncoder
from lightning_modules.layers.spec_augment import SpecAugment
from lightning_modules.layers.speech_features import FrontEnd


class PretrainedLayers(SpeechEncoder):
    """The mean of ``model``'s layers, or the ``last``; with ``recurrent_units`` through a bidirectional cell.

    ``frozen`` leaves the model's weights as they are, without dropout or masks, and keeps up to ``cache_mb`` of hidden
    vectors a process: of ``weighted`` all layers, so many times as much. Raises ``ValueError`` where a number is out of
    range.
    """

    def __init__(
        self,
        *,
        model: HiddenLayers,
        mix: Literal["weighted", "last"] = "weighted",
        frozen: bool = False,
        cache_mb: float = 2000.0,
        recurrent_units: int = 0,
        cell: Cell = "gru",
    ) -> None:
        super().__init__()
        if not cache_mb >= 0:
            raise ValueError(f"cache_mb {cache_mb}, allowed: 0 or more")
        if recurrent_units < 0:
            raise ValueError(f"recurrent_units {recurrent_units}, allowed: 1 or more (0: none)")
        self.model = model
        self.frozen = frozen
        self.cache = Cache(max_bytes=int(cache_mb * BYTES_PER_MB))
        self.mix = LayerMix(num_layers=model.num_layers) if mix == "weighted" else None
        self.num_mels = model.num_outputs if frozen else model.num_mels
        self.time_pooling = 1 if frozen else model.time_pooling
        self.recurrent = None
        if recurrent_units:
            self.recurrent = Bidirectional(cell=cell, num_inputs=model.layer_units, hidden_units=recurrent_units)
        self.num_outputs = model.layer_units if self.recurrent is None else self.recurrent.num_outputs
        if frozen:
            model.requires_grad_(False)
            model.eval()

    def front_end(self, *, sample_rate_hz: int, settings: LogMelSettings, spec_augment: SpecAugment | None) -> FrontEnd:
        """The model's own, frozen its hidden layers. Raises ``ValueError`` for masks of those, as the model does."""
        if self.frozen and spec_augment is not None:
            raise ValueError("spec_augment: a frozen encoder hears each utterance once, without masks; set null")
        heard = self.model.front_end(sample_rate_hz=sample_rate_hz, settings=settings, spec_augment=spec_augment)
        return FrozenFrames(heard, self.model, self.cache) if self.frozen else heard

    def pooled_frames(self, num_frames_B: Tensor) -> Tensor:
        """As the model's strides have it; frozen, the features are pooled already."""
        return num_frames_B if self.frozen else self.model.pooled_frames(num_frames_B)

    def forward(self, features_BTM: Tensor, num_frames_B: Tensor) -> Tensor:
        """Hidden vectors (B, T', H)."""
        layers_BTK: Tensor = features_BTM if self.frozen else self.model(features_BTM, num_frames_B)
        hidden_BTH: Tensor = layers_BTK[..., -self.model.layer_units :] if self.mix is None else self.mix(layers_BTK)
        if self.recurrent is None:
            return hidden_BTH
        recurrent_BTH: Tensor = self.recurrent(hidden_BTH, self.pooled_frames(num_frames_B))
        return recurrent_BTH

    def _load_from_state_dict(self, *arguments: Any) -> None:
        """What is kept is of other weights than those that are loaded."""
        self.cache.clear()
        super()._load_from_state_dict(*arguments)

    def train(self, mode: bool = True) -> PretrainedLayers:
        """A frozen model stays in evaluation mode."""
        super().train(mode)
        if self.frozen:
            self.model.eval()
        return self
