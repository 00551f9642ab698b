"""Limits that no utterance of the corpus keeps are refused of the table, by the rule of the run itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from datamodules.asr import SpeechDataModule
from experiments.configuration.check import Question, check
from experiments.configuration.training_lengths import check_training_lengths
from experiments.errors import UserError


def _data(**settings: Any) -> SpeechDataModule:
    return SpeechDataModule(**{"corpus": "spoken_tones/tiny", "batch_seconds": 60.0, **settings})


def test_a_limit_that_leaves_nothing_is_refused(tiny_speech: Path) -> None:
    check_training_lengths(_data(), {}, where="t.yaml: rows.a")
    count = len(_data().lengths("train"))
    with pytest.raises(
        UserError,
        match=rf"^t\.yaml: rows\.a: data\.max_seconds 0\.1: none of {count} training utterances is left; allowed: null",
    ):
        check_training_lengths(_data(max_seconds=0.1), {}, where="t.yaml: rows.a")
    with pytest.raises(UserError, match=r"data\.max_seconds 60 and data\.max_tokens_per_second 0\.001: none of"):
        check_training_lengths(_data(max_seconds=60, max_tokens_per_second=0.001), {}, where="t.yaml: rows.a")
    with pytest.raises(ValueError, match="no training utterance"):  # the run's own word
        _data(max_seconds=0.1).setup("fit")


@pytest.mark.parametrize("speeds", [(1.0,), (0.9, 1.0, 1.1)])
def test_what_is_allowed_is_what_the_run_takes(tiny_speech: Path, speeds: tuple[float, ...]) -> None:
    with pytest.raises(UserError, match=r"data\.batch_seconds: 0\.5, allowed: [\d.]+ or more: training") as refused:
        check_training_lengths(_data(batch_seconds=0.5, speed_factors=speeds), {}, where="t.yaml: rows.a")
    found = re.search(r"allowed: ([\d.]+) or", str(refused.value))
    assert found is not None
    enough = _data(batch_seconds=float(found[1]), speed_factors=speeds)
    check_training_lengths(enough, {}, where="t.yaml: rows.a")
    enough.train_dataloader()
    less = _data(batch_seconds=float(found[1]) - 0.02, speed_factors=speeds)
    with pytest.raises(UserError, match=r"data\.batch_seconds"):
        check_training_lengths(less, {}, where="t.yaml: rows.a")
    with pytest.raises(ValueError, match="too short for utterance"):
        less.train_dataloader()


def test_what_is_not_trained_needs_no_batch(tiny_speech: Path) -> None:
    check_training_lengths(_data(batch_seconds=0.5), {"max_epochs": 0}, where="t.yaml: rows.a")


def test_a_row_s_check_asks_it(tiny_speech: Path) -> None:
    config: dict[str, Any] = {
        "data": {
            "class_path": "datamodules.asr.SpeechDataModule",
            "init_args": {"corpus": "spoken_tones/tiny", "batch_seconds": 0.5},
        },
        "model": {
            "class_path": "lightning_modules.asr.ctc.ctc.CTC",
            "init_args": {"encoder": "lightning_modules.layers.tdnn.demo_tdnn"},
        },
        "trainer": {"max_epochs": 1},
        "checkpoint": {"monitor": "validation/loss", "mode": "min"},
        "scoring": {
            "class_path": "lightning_modules.asr.scoring.decoding_scoring.DecodingScoring",
            "init_args": {"decoder": "lightning_modules.asr.ctc.decoder.Greedy"},
        },
    }
    with pytest.raises(UserError, match=r"^t\.yaml: rows\.a: data\.batch_seconds: 0\.5, allowed"):
        check([Question("t.yaml: rows.a", "fit", 0, (), True, config)])
