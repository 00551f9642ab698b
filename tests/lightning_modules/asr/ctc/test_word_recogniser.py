"""A recogniser of words decoded with the n-gram of its own words: both speak at every token."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from datamodules.annotations import UtteranceReferences
from datamodules.texts.tokenizer import Tokenizer, character_tokenizer, word_tokenizer
from lightning_modules.asr.ctc.fused_decoders import FusedBeam
from lightning_modules.asr.predictions import PosteriorPredictions
from lightning_modules.decoding.ctc.labelling import labelling_log_prob
from lightning_modules.decoding.ctc.prefix_beam import prefix_beam_search
from lightning_modules.decoding.language_models.language_model import BackoffNgrams
from lightning_modules.decoding.language_models.ngram_language_model import NgramLanguageModel
from lightning_modules.lm.ngram import estimate_ngrams
from lightning_modules.lm.stored import save_ngrams

TEXTS = ["on a", "a go", "on on a", "go on"]
OF_WORDS, OF_CHARACTERS = word_tokenizer(TEXTS), character_tokenizer(TEXTS)  # <blank> <unk> on a go
TAGGED = word_tokenizer(TEXTS, languages=["nl"])
NUM_FRAMES = 4


def ngrams(tokenizer: Tokenizer) -> BackoffNgrams:
    sentences = [tokenizer.encode(text) for text in TEXTS]
    return estimate_ngrams(sentences, symbols=tokenizer.symbols, unit=tokenizer.unit, order=2)


def log_posteriors(num_symbols: int) -> NDArray[np.float64]:
    return np.log(np.random.default_rng(0).dirichlet(np.ones(num_symbols), NUM_FRAMES))


def decoder(folder: Path, model: Tokenizer, recogniser: Tokenizer, **settings: object) -> FusedBeam:
    """A rung that was prepared with a stored n-gram."""
    save_ngrams(folder, ngrams(model))
    texts = {"u": TEXTS[0]}
    references = UtteranceReferences(
        symbols=recogniser.symbols, sample_rate_hz=16_000, texts=texts, languages={"u": "nl"}, speakers={"u": "x"},
        duration_seconds={"u": 1.0}, training_texts=tuple(TEXTS), load_waveform=lambda _: np.zeros(16_000, np.float32),
    )  # fmt: skip
    rung = FusedBeam(beam_size=500, **settings)
    rung.prepare(folders={"language_model": folder}, validation=predictions(recogniser), references=references)
    return rung


def predictions(recogniser: Tokenizer) -> PosteriorPredictions:
    return PosteriorPredictions(
        symbols=recogniser.symbols, utterance_ids=("u",), num_frames_N=np.array([NUM_FRAMES]), hop_seconds=0.04,
        log_probs_FV=log_posteriors(len(recogniser.symbols)).astype(np.float32), encoding_seconds=0.5,
    )  # fmt: skip


@pytest.mark.parametrize("log_bonus", [False, True])
@pytest.mark.parametrize("tagged", [False, True])
def test_a_word_recogniser_is_fused_with_the_ngram_of_its_words(tmp_path: Path, tagged: bool, log_bonus: bool) -> None:
    recogniser, model = (TAGGED if tagged else OF_WORDS), OF_WORDS
    rung = decoder(tmp_path, model, recogniser, log_bonus=log_bonus)
    [found] = rung.decode(predictions(recogniser), {"lm_weight": 0.7, "word_bonus": 1.5})
    table, log_probs_TV = ngrams(model), predictions(recogniser).log_probs_FV.astype(np.float64)

    def score(tokens: tuple[int, ...]) -> float:
        words = [token for token in tokens if token < len(model.symbols)]
        lm = sum(table.log_prob(word, (0, *words[:i])) for i, word in enumerate([*words, 0]))
        bonus = math.log(max(len(words), 1)) if log_bonus else len(words)
        return labelling_log_prob(log_probs_TV, tokens) + 0.7 * lm + 1.5 * bonus

    tokens = range(1, len(recogniser.symbols))
    texts = [text for length in range(NUM_FRAMES + 1) for text in itertools.product(tokens, repeat=length)]
    best = max(texts, key=score)
    assert found.tokens == best
    assert found.score == pytest.approx(score(best), abs=1e-4)


def test_every_text_in_the_beam_has_a_bonus_for_each_of_its_words_wherever_the_blank_is() -> None:
    model = NgramLanguageModel(ngrams(OF_WORDS))
    log_probs_TV = log_posteriors(len(model.symbols))
    for blank in (0, 2):
        columns = [token for token in range(len(model.symbols)) if token != 0]
        columns.insert(blank, 0)
        options = {"beam_size": 900, "n_best": 900, "blank": blank, "language_model": model, "lm_weight": 0.7}
        plain, rewarded = (
            prefix_beam_search(log_probs_TV[None, :, columns], [NUM_FRAMES], word_bonus=bonus, **options)[0]
            for bonus in (0.0, 2.0)
        )
        scores = {hypothesis.tokens: hypothesis.score for hypothesis in plain}
        assert {hypothesis.tokens: hypothesis.score for hypothesis in rewarded} == {
            tokens: pytest.approx(score + 2.0 * len(tokens)) for tokens, score in scores.items()
        }


@pytest.mark.parametrize(
    ("model", "recogniser", "settings", "says"),
    [
        (word_tokenizer(TEXTS, min_count=3), OF_WORDS, {}, "has 4 words, other ones than the recogniser's 5"),
        (OF_CHARACTERS, OF_WORDS, {}, "symbols, other ones than the recogniser's 5"),
        (OF_WORDS, OF_WORDS, {"only_known_words": True}, "words, and nothing else is written"),
        (OF_CHARACTERS, OF_CHARACTERS, {"only_known_words": True}, "both are over characters"),
    ],
)  # fmt: skip
def test_what_cannot_be_fused_is_refused_in_one_line(
    tmp_path: Path, model: Tokenizer, recogniser: Tokenizer, settings: dict[str, bool], says: str
) -> None:
    with pytest.raises(ValueError, match=says) as told:
        decoder(tmp_path, model, recogniser, **settings)
    assert "\n" not in str(told.value)
