"""Scores a trained language model from its stored log probabilities; ``perplexity.py`` has the definitions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from datamodules.annotations import TextReferences
from lightning_modules.lm.perplexity import report_perplexity, sentence_costs
from lightning_modules.lm.predictions import TextPredictions
from lightning_modules.scoring import Scoring


class PerplexityScoring(Scoring):
    """``test/perplexity_per_{character,word,token}``, by language, and the share of unknown pieces."""

    def score(
        self, *, predictions: Mapping[str, Path], references: Mapping[str, Any], output_dir: Path
    ) -> dict[str, float]:
        """See ``Scoring.score``. Raises ``ValueError`` for predictions that are not of the split's sentences."""
        costs = {}
        for split, of_split in references.items():
            path = predictions["own"] / f"{split}.npz"
            log_probs = TextPredictions.load(path).log_probs()
            if log_probs.keys() != of_split.texts.keys():
                raise ValueError(f"{path}: its sentences are not those of the split {split!r}; fit the run again")
            costs[split] = sentence_costs(log_probs, of_split)
        test: TextReferences = references["test"]
        return report_perplexity(
            validation=costs["validation"], test=costs["test"], references=test, output_dir=output_dir
        )
