from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from datamodules.annotations import UtteranceReferences
from lightning_modules.asr.scoring.constant_scoring import ConstantScoring


def test_the_best_constant_texts_are_scored_and_kept(tmp_path: Path) -> None:
    texts = {"a": "press one", "b": "press two", "c": "goodbye"}
    references = UtteranceReferences(
        symbols=("<blank>", "a"),
        sample_rate_hz=16_000,
        texts=texts,
        languages=dict.fromkeys(texts, "en"),
        speakers=dict.fromkeys(texts, "x"),
        duration_seconds=dict.fromkeys(texts, 1.0),
        training_texts=("press one", "hello"),
        load_waveform=lambda _: np.zeros(16, np.float32),
    )
    metrics = ConstantScoring().score(predictions={}, references={"test": references}, output_dir=tmp_path)
    kept = json.loads((tmp_path / "constants.json").read_text())
    assert metrics["test/wer"] == 0.6  # "press": two of five words right
    assert kept["wer"] == {"text": "press", "rate": 0.6}
    assert metrics["test/cer"] == kept["cer"]["rate"] < 1
