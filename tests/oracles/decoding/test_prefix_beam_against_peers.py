"""Prefix beam search against fast-ctc-decode and flashlight-text (KenLM inside, reading our ARPA file), on one input.

Both prune a little and search alike, so on spiky posteriors all find the same; nowhere may ours be less probable on
average. What they find is scored exactly, by the forward recursion and by plain back-off.
"""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lightning_modules.decoding.ctc.labelling import labelling_log_prob
from lightning_modules.decoding.ctc.prefix_beam import prefix_beam_search
from lightning_modules.decoding.language_models.ngram_language_model import NgramLanguageModel
from lightning_modules.lm.arpa import write_arpa
from lightning_modules.lm.ngram import estimate_ngrams, sentence_log_prob

SYMBOLS = ("<blank>", " ", *"abcdefghij")
BEAM = 60


def spiky(seed: int, num_frames: int = 60) -> NDArray[np.float32]:
    """Blank in most frames, a token with a rival every fourth or so."""
    rng = np.random.default_rng(seed)
    logits_TV = rng.normal(0, 1, (num_frames, len(SYMBOLS)))
    logits_TV[:, 0] += 6
    for frame in range(2, num_frames, 4):
        logits_TV[frame, 0] -= rng.normal(5, 2)
        logits_TV[frame, rng.integers(1, len(SYMBOLS), 2)] += rng.normal(6, 1.5, 2)
    return (logits_TV - np.log(np.exp(logits_TV).sum(1, keepdims=True))).astype(np.float32)


def flat(seed: int, num_frames: int = 60) -> NDArray[np.float32]:
    logits_TV = np.random.default_rng(seed).normal(0, 2, (num_frames, len(SYMBOLS)))
    return (logits_TV - np.log(np.exp(logits_TV).sum(1, keepdims=True))).astype(np.float32)


def flashlight_tokens(log_probs_TV: NDArray[np.float32], *, arpa: Path | None, lm_weight: float) -> tuple[int, ...]:
    fl = pytest.importorskip("flashlight.lib.text.decoder", reason="flashlight-text has wheels up to Python 3.12")
    model = fl.ZeroLM()
    if arpa is not None:
        from flashlight.lib.text.decoder.kenlm import KenLM
        from flashlight.lib.text.dictionary import Dictionary

        dictionary = Dictionary()
        for symbol in SYMBOLS:
            dictionary.add_entry("<space>" if symbol == " " else symbol)
        model = KenLM(str(arpa), dictionary)
    options = fl.LexiconFreeDecoderOptions(
        BEAM, len(SYMBOLS), 50.0, lm_weight * math.log(10), 0.0, True, fl.CriterionType.CTC
    )
    path = fl.LexiconFreeDecoder(options, model, -1, 0, []).decode(log_probs_TV.ctypes.data, *log_probs_TV.shape)[0]
    return tuple(token for token, _ in itertools.groupby(path.tokens[1:-1]) if token != 0)


def fast_ctc_decode_tokens(log_probs_TV: NDArray[np.float32]) -> tuple[int, ...]:
    from fast_ctc_decode import beam_search

    text, _ = beam_search(np.exp(log_probs_TV), "_" + "".join(SYMBOLS[1:]), beam_size=BEAM, beam_cut_threshold=0.0)
    return tuple(SYMBOLS.index(symbol) for symbol in text)


def ours(log_probs_TV: NDArray[np.float32], **options: object) -> tuple[int, ...]:
    return prefix_beam_search(log_probs_TV[None], [len(log_probs_TV)], beam_size=BEAM, **options)[0].tokens


def test_fast_ctc_decode() -> None:
    for seed in range(30):
        assert ours(spiky(seed)) == fast_ctc_decode_tokens(spiky(seed))
    gains = [
        labelling_log_prob(flat(seed), ours(flat(seed)))
        - labelling_log_prob(flat(seed), fast_ctc_decode_tokens(flat(seed)))
        for seed in range(10)
    ]
    assert np.mean(gains) >= -1e-6


def test_flashlight_text() -> None:
    gains = []
    for log_probs_TV in [*map(spiky, range(20)), *map(flat, range(10))]:
        theirs = flashlight_tokens(log_probs_TV, arpa=None, lm_weight=0.0)
        gains.append(labelling_log_prob(log_probs_TV, ours(log_probs_TV)) - labelling_log_prob(log_probs_TV, theirs))
    assert np.mean(gains) >= 0
    assert np.mean(np.abs(gains[:20]) < 1e-9) > 0.8  # mostly the same labelling


def test_flashlight_text_with_our_ngram_of_characters(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    texts = [tuple(rng.integers(1, len(SYMBOLS), 12) // rng.integers(1, 4) + 1) for _ in range(200)]
    texts = [tuple(min(int(token), len(SYMBOLS) - 1) for token in text) for text in texts]
    ngrams = estimate_ngrams(texts, symbols=SYMBOLS, unit="character", order=3)
    write_arpa(tmp_path / "characters.arpa", ngrams)
    model, weight = NgramLanguageModel(ngrams), 0.8
    gains = []
    for log_probs_TV in map(spiky, range(20)):
        found = ours(log_probs_TV, language_model=model, lm_weight=weight)
        theirs = flashlight_tokens(log_probs_TV, arpa=tmp_path / "characters.arpa", lm_weight=weight)
        ours_score, their_score = (
            labelling_log_prob(log_probs_TV, tokens) + weight * sentence_log_prob(ngrams, tokens)
            for tokens in (found, theirs)
        )
        gains.append(ours_score - their_score)
    assert np.mean(gains) >= -1e-6
    assert np.mean(np.abs(gains) < 1e-6) > 0.7
