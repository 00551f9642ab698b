"""Scores texts that a recogniser of its own tokens wrote, normalised as the corpus' texts are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning.utilities import rank_zero_warn

from datamodules.annotations import UtteranceReferences
from datamodules.run_warning import RunWarning
from datamodules.texts.written_words import written_words
from lightning_modules.asr.scoring.text_report import report_texts
from lightning_modules.asr.whisper.whisper_recogniser import WhisperRecogniser
from lightning_modules.asr.whisper.written_texts import SUFFIX, WrittenTexts
from lightning_modules.metrics.text_scores import named
from lightning_modules.metrics.word_error import WordError
from lightning_modules.scoring import Scoring


class TextScoring(Scoring):
    """Word and character error of texts as they were written; ``word_list`` is as ``DecodingScoring`` has it.

    Texts are normalised as references that an import keeps as written: digits, signs and letters of another script
    stay. Corpora without such references have none, and there they count as errors; such texts are counted and named.
    """

    def __init__(self, *, word_list: Path | None = None) -> None:
        if word_list is not None and not word_list.is_file():
            raise ValueError(f"word_list {word_list}: no such file; expected a text file of words")
        self.word_list = word_list

    def check(self, system: object) -> None:
        """The system must write texts."""
        if not isinstance(system, WhisperRecogniser):
            raise ValueError(f"scoring: TextScoring reads texts, which a {type(system).__name__} does not write")

    def score(
        self, *, predictions: Mapping[str, Path], references: Mapping[str, Any], output_dir: Path
    ) -> dict[str, float]:
        """See ``Scoring.score``."""
        metrics: dict[str, float] = {}
        texts: dict[str, str] = {}
        for split in ("validation", "test"):
            of: UtteranceReferences = references[split]
            written = WrittenTexts.load(predictions["own"] / f"{split}{SUFFIX}")
            texts = _normalised(written, of, split=split)
            error = WordError()
            error.update([of.texts[utterance] for utterance in texts], list(texts.values()))
            metrics |= {f"{split}/{name}": value for name, value in error.compute().items()}
            metrics[f"{split}/real_time_factor"] = written.seconds / sum(of.duration_seconds.values())
        return report_texts(
            texts, references["test"], output_dir=output_dir, more=metrics, word_list_file=self.word_list
        )


def _normalised(written: WrittenTexts, references: UtteranceReferences, *, split: str) -> dict[str, str]:
    words = {
        utterance: written_words(text, language=references.languages[utterance])
        for utterance, text in written.texts.items()
    }
    if kept := [utterance for utterance, of in words.items() if of.unspeakable]:
        rank_zero_warn(
            f"{split}: {len(kept)} of {len(words)} texts have words with digits, signs or letters of another script, "
            f"scored as they stand: {named(kept)}",
            category=RunWarning,
        )
    return {utterance: of.text for utterance, of in words.items()}
