"""N-grams as a row of a table: estimated from the training texts and scored in seconds, nothing is trained.

A ``stage: score`` row; its ``scores/`` folder holds ``language_model.arpa``, which rows downstream decode with.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from datamodules.annotations import TextReferences
from lightning_modules.decoding.language_models.language_model import BackoffNgrams
from lightning_modules.lm.ngram import estimate_ngrams, sentence_log_prob
from lightning_modules.lm.perplexity import SentenceCost, report_perplexity, sentence_costs
from lightning_modules.lm.stored import save_ngrams
from lightning_modules.lm.units import Pieces
from lightning_modules.scoring import Scoring


class NgramScoring(Scoring):
    """Modified Kneser-Ney n-grams up to ``order``. Raises ``ValueError`` for an order below 1."""

    def __init__(self, *, order: int) -> None:
        if order < 1:
            raise ValueError(f"order must be 1 or more, got {order}")
        self.order = order

    def score(
        self, *, predictions: Mapping[str, Path], references: Mapping[str, Any], output_dir: Path
    ) -> dict[str, float]:
        """See ``Scoring.score``; the metrics are ``PerplexityScoring``'s and the number of stored n-grams."""
        training: TextReferences = references["validation"]
        pieces = Pieces(training.symbols, unit=training.unit)
        ngrams = estimate_ngrams(
            (pieces.encode(text) for text in training.training_texts),
            symbols=training.symbols,
            unit=training.unit,
            order=self.order,
        )
        save_ngrams(output_dir, ngrams)
        metrics = report_perplexity(
            validation=costs_of(ngrams, training),
            test=costs_of(ngrams, references["test"]),
            references=references["test"],
            output_dir=output_dir,
        )
        return {**metrics, "model/parameters": float(sum(map(len, ngrams.tables)))}


def costs_of(ngrams: BackoffNgrams, references: TextReferences) -> list[SentenceCost]:
    """What an n-gram model says of every sentence of a split."""
    pieces = Pieces(references.symbols, unit=references.unit)
    log_probs = {text_id: sentence_log_prob(ngrams, pieces.encode(text)) for text_id, text in references.texts.items()}
    return sentence_costs(log_probs, references)
