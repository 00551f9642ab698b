"""The WFST decoder's graph, its refusals, priors and its way out of a failed search. Exactness: tests/oracles."""

import doctest
import sys
import time
from random import Random

import numpy as np
import pytest

from lightning_modules.decoding.language_models.language_model import BackoffNgrams, Ngram
from lightning_modules.decoding.wfst import label_priors, wfst_graph
from lightning_modules.decoding.wfst.label_priors import label_log_priors
from lightning_modules.decoding.wfst.wfst import WfstDecoder
from lightning_modules.decoding.wfst.wfst_graph import spell_words
from lightning_modules.lm.ngram import estimate_ngrams

SYMBOLS = ("<blank>", " ", *"abcdefghij")


def unigrams(words, unit="word"):
    log_prob = -float(np.log(len(words) + 2))
    return BackoffNgrams(
        ("<blank>", "<unk>", *words), unit, ({(token,): Ngram(log_prob) for token in range(len(words) + 2)},)
    )


def spoken(text, *, confidence=0.9, frames_per_token=3):
    """Posteriors of a text: each token a spike among blanks."""
    rows = []
    for symbol in text:
        for frame in range(frames_per_token):
            row = np.full(len(SYMBOLS), (1 - confidence) / (len(SYMBOLS) - 1))
            row[SYMBOLS.index(symbol) if frame == 1 else 0] = confidence
            rows.append(row)
    return np.log(rows).astype(np.float32)[None]


def texts_of(hypotheses):
    return ["".join(SYMBOLS[token] for token in hypothesis.tokens) for hypothesis in hypotheses]


@pytest.fixture
def kaldi():
    pytest.importorskip("kaldifst", reason="needs the extra `wfst`")


@pytest.mark.usefixtures("kaldi")
def test_writes_only_words_of_the_lexicon_with_repeated_letters():
    words = ["add", "a", "bed", "beef"]
    decoder = WfstDecoder(symbols=SYMBOLS, words=words, ngrams=unigrams(words))
    log_probs_BTV = spoken("bex add beef a".replace("x", "g"))
    [text] = texts_of(decoder.decode(log_probs_BTV, [log_probs_BTV.shape[1]]))
    assert text == "bed add beef a"
    random = np.random.default_rng(0)
    noise_BTV = np.log(random.dirichlet(np.ones(len(SYMBOLS)), (5, 40)))
    for text in texts_of(decoder.decode(noise_BTV, [40] * 5, word_bonus=5.0)):
        assert set(text.split()) <= set(words)
        assert text.split()
        assert "  " not in text


@pytest.mark.usefixtures("kaldi")
def test_priors_turn_the_balance_between_blank_and_a_word():
    decoder = WfstDecoder(symbols=SYMBOLS, words=["a"], ngrams=unigrams(["a"]))
    probs_TV = np.full((1, len(SYMBOLS)), 0.01)
    probs_TV[0, 0], probs_TV[0, 2] = 0.60, 0.30
    log_probs_BTV = np.log(probs_TV)[None]
    log_priors_V = np.full(len(SYMBOLS), np.log(0.02))
    log_priors_V[0] = np.log(0.78)
    found = [
        texts_of(decoder.decode(log_probs_BTV, [1], log_priors_V=log_priors_V, prior_scale=scale))[0]
        for scale in (0.0, 1.0)
    ]
    assert found == ["", "a"]


@pytest.mark.usefixtures("kaldi")
def test_bonuses_do_not_add_up_over_calls():
    decoder = WfstDecoder(symbols=SYMBOLS, words=["a", "b"], ngrams=unigrams(["a", "b"]))
    log_probs_BTV = spoken("a b a", confidence=0.5)
    plain = decoder.decode(log_probs_BTV, [15])
    rewarded = decoder.decode(log_probs_BTV, [15], word_bonus=2.0)
    decoder.decode(log_probs_BTV, [15], word_bonus=-7.0)
    assert decoder.decode(log_probs_BTV, [15], word_bonus=2.0) == rewarded
    assert decoder.decode(log_probs_BTV, [15]) == plain
    assert rewarded[0].score > plain[0].score


@pytest.mark.usefixtures("kaldi")
def test_a_search_that_ends_within_a_word_is_counted_and_gives_the_words_before():
    random = Random(0)
    words = sorted("".join(random.choices("abcdefghij", k=40)) for _ in range(30))
    decoder = WfstDecoder(symbols=SYMBOLS, words=words, ngrams=unigrams(words))
    log_probs_BTV = spoken(f"{words[3]} {words[9][:5]}", confidence=1 - 1e-12)
    frames = [log_probs_BTV.shape[1]]
    [hypothesis] = decoder.decode(log_probs_BTV, frames, beam=1.0, max_active=21)
    assert texts_of([hypothesis]) == [words[3]]
    assert (decoder.num_unfinished, decoder.num_widened) == (1, 0)
    assert np.isfinite(hypothesis.score)
    decoder.decode(spoken(words[3]), [120])
    assert (decoder.num_unfinished, decoder.num_widened) == (0, 0)
    [widened] = decoder.decode(log_probs_BTV, frames, beam=60.0)  # five letters read as blanks cost 30 nats each
    assert (decoder.num_unfinished, decoder.num_widened) == (0, 1)
    assert texts_of([widened])[0].split() == [words[3]]


@pytest.mark.usefixtures("kaldi")
def test_two_thousand_words_with_trigrams_build_in_seconds():
    random = Random(1)
    words = sorted({"".join(random.choices("abcdefghij", k=random.randint(2, 9))) for _ in range(2600)})[:2000]
    symbols = ("<blank>", "<unk>", *words)
    sentences = [[2 + min(int(random.expovariate(0.005)), 1999) for _ in range(8)] for _ in range(600)]
    ngrams = estimate_ngrams(sentences, symbols=symbols, unit="word", order=3)
    started = time.process_time()
    decoder = WfstDecoder(symbols=SYMBOLS, words=words, ngrams=ngrams)
    assert time.process_time() - started < 10
    assert decoder.num_words == 2000
    text = " ".join(words[token - 2] for token in sentences[0])
    log_probs_BTV = spoken(text)
    assert texts_of(decoder.decode(log_probs_BTV, [log_probs_BTV.shape[1]])) == [text]


@pytest.mark.usefixtures("kaldi")
def test_posteriors_of_exactly_zero_are_no_trouble():
    decoder = WfstDecoder(symbols=SYMBOLS, words=["a", "b"], ngrams=unigrams(["a", "b"]))
    log_probs_BTV = np.full((1, 3, len(SYMBOLS)), -np.inf)
    log_probs_BTV[0, [0, 1, 2], [2, 0, 0]] = 0.0
    [hypothesis] = decoder.decode(log_probs_BTV, [3])
    assert texts_of([hypothesis]) == ["a"]
    assert hypothesis.ctc_score == 0.0


def test_words_that_cannot_be_spelled_are_counted():
    lexicon = spell_words(["ab", "ab", "xa", "ç", "", "<unk>"], SYMBOLS, blank=0)
    assert lexicon.spellings == {"ab": (2, 3)}
    assert lexicon.num_unspellable == 2


@pytest.mark.parametrize(
    ("symbols", "words", "told"),
    [
        (("<blank>", "a"), ["a"], "the 2 symbols have no space"),
        (SYMBOLS, ["xyz"], "word list of 1 words, none of which"),
    ],
)
def test_names_what_cannot_be_spelled(symbols, words, told):
    with pytest.raises(ValueError, match=told):
        spell_words(words, symbols, blank=0)


@pytest.mark.usefixtures("kaldi")
def test_names_settings_and_models_that_do_not_fit():
    with pytest.raises(ValueError, match="n-grams over units of 'character', allowed: 'word'"):
        WfstDecoder(symbols=SYMBOLS, words=["a"], ngrams=unigrams(["a"], unit="character"))
    decoder = WfstDecoder(symbols=SYMBOLS, words=["a"], ngrams=unigrams(["a"]))
    with pytest.raises(ValueError, match=r"lm_weight 0\.0, .* above 0"):
        decoder.decode(spoken("a"), [3], lm_weight=0.0)
    with pytest.raises(ValueError, match="row 0 of log_probs_BTV holds NaN"):
        decoder.decode(np.full((1, 3, len(SYMBOLS)), np.nan), [3])


def test_tells_which_extra_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "kaldi_decoder", None)
    with pytest.raises(ValueError, match=r"needs the package kaldi_decoder: pip install 'earmark\[wfst\]'"):
        WfstDecoder(symbols=SYMBOLS, words=["a"], ngrams=unigrams(["a"]))


def test_priors_are_the_mean_over_frames_without_padding_and_sum_to_1():
    random = np.random.default_rng(0)
    probs_BTV = random.dirichlet(np.ones(5), (3, 7))
    lengths = np.array([7, 2, 0])
    frames = np.concatenate([probs_BTV[0], probs_BTV[1, :2]])
    assert np.exp(label_log_priors(np.log(probs_BTV), lengths)) == pytest.approx(frames.mean(axis=0), rel=1e-5)
    floored = np.exp(label_log_priors(np.log(probs_BTV), lengths, floor=0.5))
    assert floored == pytest.approx(np.full(5, 0.2))
    with pytest.raises(ValueError, match="one frame or more"):
        label_log_priors(np.log(probs_BTV), np.array([0, 0, 0]))


def test_doctests():
    assert doctest.testmod(wfst_graph).failed == 0
    assert doctest.testmod(label_priors).failed == 0
