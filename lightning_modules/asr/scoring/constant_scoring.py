"""The floor of a recognition table: the best text that hears nothing, one for WER and one for CER."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from datamodules.annotations import UtteranceReferences
from lightning_modules.asr.scoring.text_report import report_texts
from lightning_modules.metrics.constant_text import best_constant_cer, best_constant_wer
from lightning_modules.scoring import Scoring


class ConstantScoring(Scoring):
    """Scores one and the same text for every test utterance; it reads no predictions.

    The text is searched on the test references themselves, which favours it: what ends below has heard something.
    """

    def score(
        self, *, predictions: Mapping[str, Path], references: Mapping[str, Any], output_dir: Path
    ) -> dict[str, float]:
        """See ``Scoring.score``. Writes the two texts to ``constants.json``, and a recogniser's files of each of them.

        Rates by language, length and distance from training texts are those of the text that is best over all of them.
        """
        test: UtteranceReferences = references["test"]
        texts = list(test.texts.values())
        found = {
            "wer": best_constant_wer(texts, training_texts=test.training_texts),
            "cer": best_constant_cer(texts, training_texts=test.training_texts),
        }
        content = {name: constant._asdict() for name, constant in found.items()}
        (output_dir / "constants.json").write_text(
            json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        metrics: dict[str, float] = {}
        for name, constant in found.items():
            written = dict.fromkeys(test.texts, constant.text)
            of_text = report_texts(written, test, output_dir=output_dir / f"constant_{name}")
            metrics |= {key: value for key, value in of_text.items() if key.startswith(f"test/{name}")}
        return metrics
