from __future__ import annotations

import json
from pathlib import Path

import jiwer
import numpy as np
import pytest

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


def test_the_floor_has_the_figures_of_parts_that_recognisers_have(tmp_path: Path) -> None:
    texts = {"a": "press one", "b": "press two", "c": "goodbye to you and you and you"}
    references = UtteranceReferences(
        symbols=("<blank>", "a"),
        sample_rate_hz=16_000,
        texts=texts,
        languages={"a": "en", "b": "en", "c": "de"},
        speakers=dict.fromkeys(texts, "x"),
        duration_seconds=dict.fromkeys(texts, 1.0),
        training_texts=("press one",),
        load_waveform=lambda _: np.zeros(16, np.float32),
    )
    metrics = ConstantScoring().score(predictions={}, references={"test": references}, output_dir=tmp_path)
    kept = json.loads((tmp_path / "constants.json").read_text())
    assert metrics["test/wer"] == pytest.approx(kept["wer"]["rate"])
    assert metrics["test/cer"] == pytest.approx(kept["cer"]["rate"])
    for unit, rate in (("wer", jiwer.wer), ("cer", jiwer.cer)):
        for part, ids in (("en", "ab"), ("de", "c"), ("far_from_training", "bc"), ("near_training", "a")):
            expected = rate([texts[name] for name in ids], [kept[unit]["text"]] * len(ids))
            assert metrics[f"test/{unit}_{part}"] == pytest.approx(expected), (unit, part)
            assert metrics[f"test/{unit}_{part}_n"] == len(ids)
    assert metrics["test/wer_up_to_5_words"] == metrics["test/wer_en"]
