"""The floor of "when": what anybody gets who hears that something is loud, and learns nothing.

Each mel band has a noise floor of its own, a low percentile of its level over the clip. How far the loudest bands stand
above their floors says when something sounds; which class it is, only the tags say. A trained row that finds times no
better than this has learnt no times.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from datamodules.annotations import ClipReferences
from lightning_modules.layers.log_mel import LogMel
from lightning_modules.sed.clip_tags import load_split
from lightning_modules.sed.curve_scores.report import clip_scores, tag_scores
from lightning_modules.sed.detection_scoring import DetectionScoring
from lightning_modules.sed.predictions import DetectionPredictions

Curve = NDArray[np.float32]  # (T,)


@dataclass(frozen=True, kw_only=True)
class EnergyDetector:
    """How loud a clip's loudest bands are above their floors, as a curve in [0, 1] that is .5 at a fixed rise.

    The defaults are from a coarse grid (percentiles 5 to 40, 1 to 10 bands, 6 to 20 dB) of event F1 with the true tags
    on *validation* clips, of the soundscapes before these; the percentile lies between two of its points.
    ``slope_decibels`` more take the curve from .5 to .73.
    """

    hop_seconds: float = 0.04
    window_seconds: float = 0.064
    num_mels: int = 40
    floor_percentile: float = 30.0
    num_bands: int = 3
    rise_decibels: float = 15.0
    slope_decibels: float = 3.0

    def curves(self, references: ClipReferences) -> tuple[dict[str, Curve], float]:
        """Each clip's curve (T,), and the exact length of their frames in seconds."""
        log_mel = LogMel(
            sample_rate_hz=references.sample_rate_hz, hop_seconds=self.hop_seconds,
            window_seconds=self.window_seconds, num_mels=self.num_mels,
        )  # fmt: skip
        curves = {}
        for clip in sorted(references.tags):
            waveform_1S = torch.from_numpy(references.load_waveform(clip))[None]
            curves[clip] = self.curve(log_mel.decibels(waveform_1S)[0].numpy())
        return curves, log_mel.hop_seconds

    def curve(self, decibels_TM: NDArray[np.float32]) -> Curve:
        """Levels by band -> (T,)."""
        above_TM = decibels_TM - np.percentile(decibels_TM, self.floor_percentile, axis=0)
        loudest_T = np.sort(above_TM, axis=1)[:, -self.num_bands :].mean(axis=1)
        logits_T = (loudest_T - self.rise_decibels) / self.slope_decibels
        curve_T: Curve = (1 / (1 + np.exp(-logits_T))).astype(np.float32)
        return curve_T


DETECTOR = EnergyDetector()


class EnergyScoring(DetectionScoring):
    """Scores the detector's curve, the same one for every class, given the tags of the tagger or the true ones.

    A class's curve is the detector's times the class's clip probability (1 and 0 of the true tags), which is what is
    known of it; once rescaled it is the detector's alone. Everything else is ``DetectionScoring``'s: the same
    post-processing, default and ``tuned``.
    """

    def __init__(
        self, *, tags: Literal["tagger", "oracle"], detector: EnergyDetector = DETECTOR, **post_processing: Any
    ) -> None:
        super().__init__(tags=tags, **post_processing)
        if tags not in ("tagger", "oracle"):
            raise ValueError(f"scoring.tags {tags!r}, allowed: tagger, oracle; an energy has no tags of its own")
        self.detector = detector

    def curves_of(
        self, predictions: Mapping[str, Path], split: str, references: ClipReferences
    ) -> DetectionPredictions:
        """See ``DetectionScoring.curves_of``; the audio of the split is heard."""
        if self.tags == "tagger":
            known = clip_scores(load_split(predictions, "tagger", split, references))
        else:
            known = tag_scores(references.tags, references.classes)
        curves, hop_seconds = self.detector.curves(references)
        clips = tuple(curves)
        scores_NC = np.stack([known[clip] for clip in clips]).astype(np.float32)
        num_frames_N = np.array([len(curves[clip]) for clip in clips])
        curves_NTC = np.zeros((len(clips), num_frames_N.max(), len(references.classes)), dtype=np.float32)
        for number, clip in enumerate(clips):
            curves_NTC[number, : num_frames_N[number]] = curves[clip][:, None] * scores_NC[number]
        scored = curves_NTC if split == "validation" or references.events is not None else None
        return DetectionPredictions(references.classes, clips, scores_NC, scored, num_frames_N, hop_seconds)
