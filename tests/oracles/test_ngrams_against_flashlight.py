"""Our ARPA files, read and scored by the KenLM that flashlight-text carries."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from lightning_modules.decoding.language_models.language_model import BackoffNgrams
from lightning_modules.lm.arpa import write_arpa
from lightning_modules.lm.ngram import estimate_ngrams

kenlm = pytest.importorskip("flashlight.lib.text.decoder.kenlm")
dictionary = pytest.importorskip("flashlight.lib.text.dictionary")


def kenlm_log_probs(path: Path, ngrams: BackoffNgrams, sentences: list[list[int]]) -> list[float]:
    words = dictionary.Dictionary()
    written = ["<space>" if symbol == " " else symbol for symbol in ngrams.symbols]
    for symbol in written[1:]:
        words.add_entry(symbol)
    model = kenlm.KenLM(str(path), words)
    totals = []
    for tokens in sentences:
        state, total = model.start(False), 0.0
        for token in tokens:
            state, score = model.score(state, words.get_index(written[token]))
            total += score
        totals.append((total + model.finish(state)[1]) * math.log(10))
    return totals


@pytest.mark.parametrize(("unit", "order"), [("word", 2), ("word", 3), ("character", 2), ("character", 6)])
def test_kenlm_scores_our_files_as_we_do(tmp_path: Path, unit: str, order: int) -> None:
    generator = np.random.default_rng(order)
    symbols = ("<blank>", "<unk>" if unit == "word" else " ", *"abcdefg")
    texts = [generator.geometric(0.4, size=generator.integers(0, 12)) % 6 + 2 for _ in range(300)]
    sentences = [[int(token) for token in text] for text in texts]
    ngrams = estimate_ngrams(sentences[:200], symbols=symbols, unit=unit, order=order)  # type: ignore[arg-type]
    path = tmp_path / "model.arpa"
    write_arpa(path, ngrams)
    unseen = [*sentences[200:], [1, 8, 8, 2, 1], []]
    ours = [sentence_log_prob_slow(ngrams, tokens) for tokens in unseen]
    np.testing.assert_allclose(kenlm_log_probs(path, ngrams, unseen), ours, rtol=1e-5)


def sentence_log_prob_slow(ngrams: BackoffNgrams, tokens: list[int]) -> float:
    whole = (0, *tokens)
    steps = zip((*tokens, 0), range(1, len(whole) + 1), strict=True)
    return sum(ngrams.log_prob(token, whole[:end]) for token, end in steps)
