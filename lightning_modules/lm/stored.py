"""Stored language models: what a run of a language model leaves in a folder, read back for decoding.

A trained model is ``language_model.pt``; n-grams are ``language_model.arpa``, and beside it ``language_model.json``
with the unit and the symbols in the order of the token ids, which ARPA has no place for.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

from datamodules.annotations import Unit
from lightning_modules.decoding.language_models.language_model import BackoffNgrams, LanguageModel
from lightning_modules.decoding.language_models.ngram_language_model import NgramLanguageModel
from lightning_modules.lm.arpa import read_arpa, write_arpa
from lightning_modules.lm.neural_file import load_token_model
from lightning_modules.lm.neural_language_model import NeuralLanguageModel
from lightning_modules.lm.units import unit_of

NEURAL, ARPA, VOCABULARY = "language_model.pt", "language_model.arpa", "language_model.json"


def load_language_model(folder: Path) -> LanguageModel:
    """The language model of a folder; ``.unit`` (n-grams: ``.ngrams.unit``) says what its tokens are.

    Raises ``FileNotFoundError`` for a folder with none, ``ValueError`` for one with two and for damaged files.
    """
    found = [name for name in (NEURAL, ARPA) if (folder / name).is_file()]
    if not found:
        raise FileNotFoundError(f"{folder}: no language model, neither {NEURAL} nor {ARPA}")
    if len(found) > 1:
        raise ValueError(f"{folder}: two language models ({' and '.join(found)}), allowed: one")
    if found == [NEURAL]:
        model, symbols = load_token_model(folder / NEURAL)
        return NeuralLanguageModel(model, symbols=symbols, unit=unit_of(symbols))
    return NgramLanguageModel(load_ngrams(folder))


def save_ngrams(folder: Path, ngrams: BackoffNgrams) -> None:
    """Write the two files of an n-gram model, the ARPA file last."""
    vocabulary = json.dumps({"unit": ngrams.unit, "symbols": ngrams.symbols}, ensure_ascii=False, indent=1)
    (folder / VOCABULARY).write_text(vocabulary + "\n", encoding="utf-8")
    write_arpa(folder / ARPA, ngrams)


def load_ngrams(folder: Path) -> BackoffNgrams:
    """What ``save_ngrams`` wrote. Raises ``ValueError`` for a damaged file."""
    path = folder / VOCABULARY
    try:
        vocabulary = json.loads(path.read_text(encoding="utf-8"))
        unit, symbols = vocabulary["unit"], tuple(vocabulary["symbols"])
    except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: expected an object with unit and symbols ({type(error).__name__})") from error
    if unit not in get_args(Unit):
        raise ValueError(f"{path}: unit {unit!r}, allowed: {', '.join(get_args(Unit))}")
    return read_arpa(folder / ARPA, unit=unit, symbols=symbols)
