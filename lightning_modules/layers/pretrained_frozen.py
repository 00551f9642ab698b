"""A pretrained encoder of a recogniser whose weights stay as they are: each utterance goes through it once.

What came out is kept in memory by the content of the samples, so that later epochs cost the layers on top alone. Speed
perturbation makes other samples, and as many more passes.
"""

from __future__ import annotations

from torch import Tensor

from lightning_modules.layers.log_mel import LogMelSettings
from lightning_modules.layers.pretrained_frames import FrozenFrames, PretrainedFrames
from lightning_modules.layers.recurrent import Cell
from lightning_modules.layers.recurrent_encoder import SpeechEncoder
from lightning_modules.layers.spec_augment import SpecAugment
from lightning_modules.layers.speech_features import FrontEnd


class FrozenEncoder(SpeechEncoder):
    """``model``'s hidden vectors; with ``recurrent_units`` through a bidirectional cell of so many, which trains.

    Up to ``cache_mb`` of them are kept a process. Raises ``ValueError`` where a number is out of range.
    """

    time_pooling = 1  # its features are pooled already

    def __init__(
        self, *, model: SpeechEncoder, cache_mb: float = 2000.0, recurrent_units: int = 0, cell: Cell = "gru"
    ) -> None:
        super().__init__()
        self.frames = PretrainedFrames(model=model, cache_mb=cache_mb, recurrent_units=recurrent_units, cell=cell)
        self.num_mels, self.num_outputs = self.frames.num_mels, self.frames.num_outputs

    def front_end(self, *, sample_rate_hz: int, settings: LogMelSettings, spec_augment: SpecAugment | None) -> FrontEnd:
        """Its hidden vectors. Raises ``ValueError`` for masks, and as the model does."""
        if spec_augment is not None:
            raise ValueError("spec_augment: a frozen encoder hears each utterance once, without masks; set null")
        model = self.frames.model
        heard = model.front_end(sample_rate_hz=sample_rate_hz, settings=settings, spec_augment=None)
        return FrozenFrames(heard, model, self.frames.cache)

    def pooled_frames(self, num_frames_B: Tensor) -> Tensor:
        """As they are."""
        return num_frames_B

    def forward(self, features_BTM: Tensor, num_frames_B: Tensor) -> Tensor:
        """Hidden vectors (B, T', H)."""
        hidden_BTH: Tensor = self.frames(features_BTM, num_frames_B)
        return hidden_BTH
