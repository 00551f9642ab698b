"""What of a system becomes an ONNX graph: one clip at a time, of any length, its inputs and outputs by name.

A graph is a module without choices that hang on numbers: one clip has no padding, so the branches that a batch needs
are taken the same way at every length. ``front_of`` says what a graph hears, samples or features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import torch
from torch import Tensor, nn

from experiments.exporting.exportable_log_mel import ExportableLogMel
from lightning_modules.asr.ctc.ctc_output import CtcOutput
from lightning_modules.asr.recogniser import Encoded, Recogniser
from lightning_modules.layers.kept_features import KeptFeatures
from lightning_modules.layers.log_mel import LogMel
from lightning_modules.layers.speech_features import SpeechFeatures
from lightning_modules.sed.detector import SoundEventDetector

WAVEFORM, FEATURES = "waveform", "features"


@dataclass(frozen=True, kw_only=True)
class Graph:
    """A module with an example of its inputs; ``growing`` are the axes whose length may change, by input and output.

    ``reference`` computes the same with the system's own layers throughout: what a file is held against.
    """

    module: nn.Module
    reference: nn.Module
    inputs: Mapping[str, Tensor]
    outputs: Sequence[str]
    growing: Mapping[str, Mapping[int, str]] = field(default_factory=dict)


class LogMelFront(nn.Module):
    """What a system hears, of log-mel features or of samples (1, S); ``band_norm`` is speech's."""

    def __init__(self, log_mel: LogMel, *, band_norm: nn.Module | None, inside: bool) -> None:
        super().__init__()
        self.log_mel = ExportableLogMel(log_mel) if inside else None
        self.band_norm = band_norm

    def forward(self, heard: Tensor) -> Tensor:
        """Features (1, T, M) of (1, S) or, with log-mel outside, of (1, T, M)."""
        features_1TM = heard if self.log_mel is None else self.log_mel(heard)
        if self.band_norm is None:
            return features_1TM
        bands_1MT1 = self.band_norm(features_1TM.transpose(1, 2).unsqueeze(-1))
        return cast(Tensor, bands_1MT1.squeeze(-1).transpose(1, 2))


class OwnFront(nn.Module):
    """A system's front end as it is."""

    def __init__(self, system: SoundEventDetector | Recogniser) -> None:
        super().__init__()
        self.front_end: nn.Module = system.log_mel if isinstance(system, SoundEventDetector) else system.features

    def forward(self, waveform_1S: Tensor) -> Tensor:
        """Features of one clip."""
        return cast(Tensor, self.front_end(waveform_1S, length_of(waveform_1S)))


def length_of(values_1T: Tensor) -> Tensor:
    """The length along dimension 1 as a tensor (1,), in a graph too: (1, T, …) -> (1,)."""
    return torch.zeros(1, dtype=torch.int64) + values_1T.shape[1]


def log_mel_of(system: nn.Module) -> LogMel | None:
    """The log-mel that a system hears through; None for a front end of another kind."""
    front = getattr(system, "log_mel", None) or getattr(system, "features", None)
    if isinstance(front, KeptFeatures | SpeechFeatures):
        front = front.log_mel
    return front if isinstance(front, LogMel) else None


def front_of(system: SoundEventDetector | Recogniser, *, inside: bool) -> nn.Module:
    """The system's features as part of a graph. Raises ``ValueError`` where they are to stay outside and can't."""
    log_mel = log_mel_of(system)
    if log_mel is None:
        if not inside:
            raise ValueError("its encoder brings features of its own: they can't stay outside")
        return OwnFront(system)
    speech = system.features if isinstance(system, Recogniser) else None
    band_norm = speech.band_norm if isinstance(speech, SpeechFeatures) else None
    return LogMelFront(log_mel, band_norm=band_norm, inside=inside)


class DetectorGraph(nn.Module):
    """A sound event system: (1, S) -> clip probabilities (1, C) and, where it has curves, (1, T, C)."""

    def __init__(self, system: SoundEventDetector, front: nn.Module) -> None:
        super().__init__()
        self.front, self.system = front, system

    def forward(self, heard: Tensor) -> tuple[Tensor, ...]:
        """Probabilities of one clip."""
        features_1TM = self.front(heard)
        detection = self.system.detect_in(features_1TM, length_of(features_1TM))
        curves_1TC = detection.frame_probabilities_BTC
        return (detection.clip_probabilities_BC, *(() if curves_1TC is None else (curves_1TC,)))


class EncoderGraph(nn.Module):
    """A recogniser's encoder: (1, S) -> hidden vectors (1, T, H)."""

    def __init__(self, system: Recogniser, front: nn.Module) -> None:
        super().__init__()
        self.front, self.encoder = front, system.encoder

    def forward(self, heard: Tensor) -> Tensor:
        """Hidden vectors of one utterance."""
        features_1TM = self.front(heard)
        return cast(Tensor, self.encoder(features_1TM, length_of(features_1TM)))


class CtcGraph(nn.Module):
    """A recogniser with a CTC output: (1, S) -> natural-log posteriors (1, T, V)."""

    def __init__(self, system: CtcOutput, front: nn.Module) -> None:
        super().__init__()
        self.encode, self.system = EncoderGraph(system, front), system

    def forward(self, heard: Tensor) -> Tensor:
        """Posteriors of one utterance."""
        hidden_1TH = self.encode(heard)
        return self.system.posteriors(Encoded(hidden_1TH, length_of(hidden_1TH))).log_probs_BTV
