"""Perplexities by hand, unknown words that pay for their spelling, and both scorings on a corpus of nine sentences."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch

from datamodules.annotations import TextReferences
from datamodules.texts.tokenizer import character_tokenizer, word_tokenizer
from lightning_modules.decoding.language_models.ngram_language_model import NgramLanguageModel
from lightning_modules.lm.ngram_scoring import NgramScoring
from lightning_modules.lm.perplexity import perplexities, sentence_costs
from lightning_modules.lm.perplexity_scoring import PerplexityScoring
from lightning_modules.lm.predictions import PredictedTexts, TextPredictions, gather_texts
from lightning_modules.lm.stored import load_language_model
from lightning_modules.lm.units import Pieces

TRAINING = ("a cab", "a bad cab", "bad cab", "a cab", "dab a cab")
TEXTS = {"one": "a bad cab", "two": "a zebra", "three": ""}
LANGUAGES = {"one": "en", "two": "af", "three": "en"}


def references(unit: Literal["character", "word"]) -> TextReferences:
    make = character_tokenizer if unit == "character" else word_tokenizer
    return TextReferences(
        symbols=make(TRAINING).symbols, unit=unit, texts=TEXTS, languages=LANGUAGES, training_texts=TRAINING
    )


def test_units_agree_with_the_tokenizer() -> None:
    for tokenizer in (character_tokenizer(TRAINING), word_tokenizer(TRAINING)):
        pieces = Pieces(tokenizer.symbols, unit=tokenizer.unit)
        for text in (*TEXTS.values(), *TRAINING):
            assert pieces.encode(text) == tokenizer.encode(text)
            assert set(pieces.unknown(text)) == tokenizer.unknown(text)


def test_perplexity_by_hand() -> None:
    log_probs = {"one": math.log(1 / 8), "two": math.log(1 / 4), "three": math.log(1 / 2)}
    by_word = sentence_costs(log_probs, references("word"))
    spelling = 6 * math.log(5)  # z e b r a and its end, over a b c d and the end
    assert [cost.text_id for cost in by_word] == ["two", "three", "one"]
    assert [cost.spelling_nats for cost in by_word] == [spelling, 0, 0]
    assert [cost.num_unknown for cost in by_word] == [1, 0, 0]
    nats = math.log(8 * 4 * 2) + spelling
    assert perplexities(by_word) == pytest.approx({
        "perplexity_per_character": math.exp(nats / (9 + 7 + 0 + 3)),
        "perplexity_per_word": math.exp(nats / (3 + 2 + 0 + 3)),
        "perplexity_per_token": math.exp(math.log(64) / 8),
    })  # fmt: skip
    by_character = sentence_costs(log_probs, references("character"))
    assert perplexities(by_character)["perplexity_per_character"] == pytest.approx(64 ** (1 / 19))
    assert sum(cost.num_tokens for cost in by_character) == 10 + 5 + 1  # z, e and r are left out: "a ba" remains


def save(folder: Path, log_probs: dict[str, float]) -> None:
    ids = tuple(sorted(log_probs))
    predictions = TextPredictions(ids, np.array([log_probs[i] for i in ids]), np.ones(len(ids), np.int64))
    for split in ("validation", "test"):
        predictions.save(folder / f"{split}.npz")


def test_scoring_of_stored_predictions(tmp_path: Path) -> None:
    save(tmp_path, {"one": -3.0, "two": -2.0, "three": -1.0})
    both = {split: references("word") for split in ("validation", "test")}
    metrics = PerplexityScoring().score(predictions={"own": tmp_path}, references=both, output_dir=tmp_path)
    assert metrics["test/perplexity_per_character_en"] == pytest.approx(math.exp(4 / 11))
    assert metrics["test/perplexity_per_word_en"] == pytest.approx(math.exp(4 / 5))
    assert metrics["test/out_of_vocabulary_rate"] == pytest.approx(1 / 5)
    assert metrics["validation/perplexity_per_token"] == pytest.approx(math.exp(6 / 8))
    with (tmp_path / "sentences.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    worst = [float(row["perplexity_per_character"]) for row in rows]
    assert worst == sorted(worst, reverse=True)
    assert {row["id"]: row["text"] for row in rows} == TEXTS


def test_predictions_of_other_sentences_are_refused(tmp_path: Path) -> None:
    save(tmp_path, {"one": -3.0, "two": -2.0})
    both = {split: references("word") for split in ("validation", "test")}
    with pytest.raises(ValueError, match=r"validation\.npz: its sentences are not those of the split 'validation'"):
        PerplexityScoring().score(predictions={"own": tmp_path}, references=both, output_dir=tmp_path)


@pytest.mark.parametrize("unit", ["character", "word"])
def test_ngrams_as_a_row_leave_a_model_for_decoders(tmp_path: Path, unit: Literal["character", "word"]) -> None:
    both = {split: references(unit) for split in ("validation", "test")}
    metrics = NgramScoring(order=3).score(predictions={}, references=both, output_dir=tmp_path)
    model = load_language_model(tmp_path)
    assert isinstance(model, NgramLanguageModel)
    assert model.symbols == both["test"].symbols
    assert model.ngrams.unit == unit
    pieces, total = Pieces(model.symbols, unit=unit), 0.0
    for text in TEXTS.values():
        tokens = pieces.encode(text)
        log_probs_NV = model.next_log_probs([tokens[:end] for end in range(len(tokens) + 1)])
        np.testing.assert_allclose(np.exp(log_probs_NV).sum(1), 1, rtol=1e-5)
        total += float(log_probs_NV[range(len(tokens) + 1), (*tokens, 0)].sum())
    spelling = 6 * math.log(5) if unit == "word" else 0.0
    assert metrics["test/perplexity_per_character"] == pytest.approx(math.exp((spelling - total) / 19), rel=1e-5)
    sections = (tmp_path / "language_model.arpa").read_text(encoding="utf-8").splitlines()[1:4]
    in_file = sum(int(line.split("=")[1]) for line in sections)
    assert metrics["model/parameters"] == in_file - 1  # <s> shares the entry of </s>


def test_an_order_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="order must be 1 or more, got 0"):
        NgramScoring(order=0)


def test_a_folder_without_a_model_or_with_two_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no language model, neither language_model\.pt nor"):
        load_language_model(tmp_path)
    for name in ("language_model.pt", "language_model.arpa"):
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match="two language models"):
        load_language_model(tmp_path)
    (tmp_path / "language_model.pt").unlink()
    with pytest.raises(ValueError, match=r"language_model\.json: expected an object with unit and symbols"):
        load_language_model(tmp_path)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (("a", "a", "b"), "of 1 texts are predicted twice, the first: a"),
        (("a",), "of 1 texts are missing, the first: b"),
        (("a", "b", "c"), "of 1 texts are not of this split, the first: c"),
    ],
)
def test_gathering_refuses_other_sentences(ids: tuple[str, ...], message: str) -> None:
    batch = PredictedTexts(ids, torch.zeros(len(ids)), torch.ones(len(ids), dtype=torch.int64))
    with pytest.raises(RuntimeError, match=message):
        gather_texts([batch], text_ids=("a", "b"))
