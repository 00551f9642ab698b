"""A row that learns from another run's network names it, and no other row does: said before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from experiments.configuration.check import Question, check
from experiments.errors import UserError


def _question(system: str, *sources: str) -> Question:
    config: dict[str, Any] = {
        "data": {
            "class_path": "datamodules.sed.SoundEventClips", "init_args": {"corpus": "tones/tiny", "batch_size": 4},
        },
        "model": {
            "class_path": f"lightning_modules.sed.{system}",
            "init_args": {"encoder": "lightning_modules.layers.crnn.demo_crnn", "features": {"num_mels": 40}},
        },
        "trainer": {"max_epochs": 1},
        "checkpoint": {"monitor": "validation/loss", "mode": "min"},
        "scoring": "lightning_modules.sed.detection_scoring.DetectionScoring",
    }  # fmt: skip
    return Question("t.yaml: rows.a", "fit", 0, (), True, config, sources)


def test_the_two_need_each_other(tiny_tones: Path) -> None:
    check([_question("teachers.refined_labels.RefinedLabels", "labels"), _question("mil.MIL")])
    with pytest.raises(UserError, match=r"^t\.yaml: rows\.a: model: RefinedLabels needs the run whose network labels"):
        check([_question("teachers.refined_labels.RefinedLabels")])
    with pytest.raises(UserError, match=r"^t\.yaml: rows\.a: from\.labels: MIL learns from no other run's labels"):
        check([_question("mil.MIL", "labels")])
