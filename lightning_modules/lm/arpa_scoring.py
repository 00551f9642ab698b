"""An ARPA file of another toolkit (KenLM's lmplz, SRILM's ngram-count; plain or gzipped) as a row of a table.

A ``stage: score`` row like ``NgramScoring``'s: its ``scores/`` folder holds the same n-grams, in the form that rows
downstream decode with. Words come with the file's own vocabulary; characters and subwords must be the corpus' symbols.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from datamodules.annotations import TextReferences
from datamodules.run_warning import RunWarning
from lightning_modules.decoding.language_models.language_model import BOUNDARY, BackoffNgrams, Ngram
from lightning_modules.decoding.language_models.word_ngram import UNKNOWN, UNKNOWN_LOG_PROB
from lightning_modules.lm.arpa import read_arpa
from lightning_modules.lm.ngram_scoring import costs_of
from lightning_modules.lm.perplexity import report_perplexity
from lightning_modules.lm.stored import save_ngrams
from lightning_modules.scoring import Scoring


class ArpaNgrams(Scoring):
    """The n-grams of ``file``. Raises ``ValueError`` for one that is not there, ``ArpaError`` as ``read_arpa``."""

    def __init__(self, *, file: Path) -> None:
        if not file.is_file():
            raise ValueError(f"file {file}: no such file; expected an ARPA file, plain or gzipped")
        self.file = file

    def score(
        self, *, predictions: Mapping[str, Path], references: Mapping[str, Any], output_dir: Path
    ) -> dict[str, float]:
        """See ``Scoring.score``; the metrics are ``NgramScoring``'s."""
        validation: TextReferences = references["validation"]
        if validation.unit == "word":
            ngrams = _unknown_first(read_arpa(self.file, unit="word"), self.file)
        else:
            ngrams = read_arpa(self.file, unit=validation.unit, symbols=validation.symbols)
        save_ngrams(output_dir, ngrams)
        on_validation, on_test = (replace(references[one], symbols=ngrams.symbols) for one in ("validation", "test"))
        metrics = report_perplexity(
            validation=costs_of(ngrams, on_validation),
            test=costs_of(ngrams, on_test),
            references=on_test,
            output_dir=output_dir,
        )
        return {**metrics, "model/parameters": float(sum(map(len, ngrams.tables)))}


def _unknown_first(ngrams: BackoffNgrams, file: Path) -> BackoffNgrams:
    """``<unk>`` as token 1, as our vocabularies of words have it; a file without gets one, with a warning."""
    symbols = (*ngrams.symbols[:1], UNKNOWN, *(word for word in ngrams.symbols[1:] if word != UNKNOWN))
    token_of = {word: token for token, word in enumerate(symbols)}
    tokens = [BOUNDARY, *(token_of[word] for word in ngrams.symbols[1:])]
    tables = [{tuple(tokens[one] for one in gram): entry for gram, entry in table.items()} for table in ngrams.tables]
    if UNKNOWN not in ngrams.symbols:
        tables[0][token_of[UNKNOWN],] = Ngram(UNKNOWN_LOG_PROB)
        warnings.warn(
            f"{file}: no {UNKNOWN}; unknown words get the natural log probability {UNKNOWN_LOG_PROB:g}",
            RunWarning,
            stacklevel=3,
        )
    return BackoffNgrams(symbols, ngrams.unit, tuple(tables))
