"""An exported folder as a model: sound in, events or a text out. numpy and onnxruntime, nothing of earmark or torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datamodules.annotations import Event
from experiments.exporting.shipped.greedy_texts import attention_tokens, ctc_tokens, transducer_tokens
from experiments.exporting.shipped.numpy_log_mel import NumpyLogMel
from experiments.exporting.shipped.sound_file import read_sound
from lightning_modules.decoding.sound_events.events import PostProcessing
from lightning_modules.decoding.texts import spell
from lightning_modules.sed.fitting.fitted import FittedPostProcessing
from lightning_modules.sed.predictions import DetectionPredictions

POSTPROCESSING = Path("scores") / "postprocessing.json"
HALF = 0.5  # the threshold of a run without a fitted post-processing
CLIP = "clip"
MOST_TOKENS_PER_SECOND = 30.0  # of lightning_modules.asr.attention.attention_recogniser

Samples = NDArray[np.float32]
Arrays = Mapping[str, NDArray[Any]]


class ExportedModel:
    """Reads ``earmark.json`` of a folder and runs its graphs. Raises ``ValueError`` for a folder of another format."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.record: dict[str, Any] = json.loads((folder / "earmark.json").read_text(encoding="utf-8"))
        if self.record.get("format") != 1 or "onnx" not in self.record:
            raise ValueError(f"{folder / 'earmark.json'}: format {self.record.get('format')}, allowed: 1 with onnx")
        self.rate_hz: int = self.record["sample_rate_hz"]
        self.classes: tuple[str, ...] = tuple(self.record["classes"])
        self.symbols: tuple[str, ...] = tuple(self.record["symbols"])
        self.kind: str = self.record["onnx"]["kind"]
        self.hop_seconds: float = self.record["onnx"]["hop_seconds"]
        outside = self.record["onnx"]["input"] == "features"
        self._log_mel = NumpyLogMel(folder / "log_mel.npz") if outside else None
        self._run = cache(self._session)

    def read(self, source: Path | bytes) -> Samples:
        """Samples of a file, or of a file's bytes, at the model's rate. Raises ``ValueError`` in one line."""
        return read_sound(source, rate_hz=self.rate_hz)

    def answer(self, samples_S: Samples) -> dict[str, Any]:
        """What the model says, as plain values: ``events`` and ``tags``, or ``text``."""
        if self.kind != "sound events":
            return {"text": self.text(samples_S)}
        predictions = self.probabilities(samples_S)
        tags = dict(zip(self.classes, predictions.clip_probabilities_NC[0].tolist(), strict=True))
        seconds = len(samples_S) / self.rate_hz
        events = self.events(predictions, seconds) if predictions.frame_probabilities_NTC is not None else ()
        return {"events": [event._asdict() for event in events], "tags": tags}

    def probabilities(self, samples_S: Samples) -> DetectionPredictions:
        """Clip probabilities and, of a system that has them, frame curves of one clip."""
        said = self._said("model.onnx", self._heard(samples_S))
        curves_1TC = said.get("frame_probabilities")
        return DetectionPredictions(
            classes=self.classes, clip_ids=(CLIP,), clip_probabilities_NC=said["clip_probabilities"],
            frame_probabilities_NTC=curves_1TC,
            num_frames_N=np.array([0 if curves_1TC is None else curves_1TC.shape[1]]), hop_seconds=self.hop_seconds,
        )  # fmt: skip

    def events(self, predictions: DetectionPredictions, seconds: float) -> tuple[Event, ...]:
        """Events by the run's own post-processing; of a run without one where curves pass 0.5, in all classes."""
        duration = {CLIP: seconds}
        if (path := self.folder / POSTPROCESSING).is_file():
            fitted = FittedPostProcessing.load(path)
            tags = None if fitted.gate and fitted.fitted.get("tags") == "own" else {CLIP: frozenset(self.classes)}
            return fitted.events(predictions, duration_seconds=duration, tags=tags)[CLIP]
        plain = PostProcessing(
            median_seconds=0.0, window_seconds=0.0, high_threshold=HALF, low_threshold=HALF, rescaled=False,
            longest_gap_seconds=0.0, shortest_event_seconds=0.0, keeps_one=False,
        )  # fmt: skip
        everything = FittedPostProcessing(
            settings=dict.fromkeys(self.classes, plain), gate=dict.fromkeys(self.classes, 0.0), fitted={"tags": "own"}
        )
        return everything.events(predictions, duration_seconds=duration)[CLIP]

    def text(self, samples_S: Samples) -> str:
        """The text, greedily."""
        heard = self._heard(samples_S)
        if self.kind == "ctc":
            return spell(ctc_tokens(self._said("model.onnx", heard)["log_probs"][0]), self.symbols)
        memory = self._said("encoder.onnx", heard)
        if self.kind == "transducer":
            return spell(transducer_tokens(self._step, memory), self.symbols)
        most = max(1, ceil(memory["encoded"].shape[1] * self.hop_seconds * MOST_TOKENS_PER_SECOND))
        return spell(attention_tokens(self._step, memory, most_tokens=most), self.symbols)

    def _heard(self, samples_S: Samples) -> Arrays:
        if self._log_mel is not None:
            return {"features": self._log_mel(samples_S)[None]}
        return {"waveform": np.asarray(samples_S, dtype=np.float32)[None]}

    def _step(self, inputs: Arrays) -> Mapping[str, NDArray[Any]]:
        return self._said("step.onnx", inputs)

    def _said(self, file: str, inputs: Arrays) -> dict[str, NDArray[Any]]:
        session = self._run(file)
        taken = {given.name: inputs[given.name] for given in session.get_inputs()}
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(names, taken), strict=True))

    def _session(self, file: str) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(str(self.folder / file), options, providers=["CPUExecutionProvider"])
