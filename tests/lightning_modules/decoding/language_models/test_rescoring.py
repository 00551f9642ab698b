"""N-best rescoring against sums by hand, with character and word bigrams that are small enough to read."""

from itertools import pairwise

import numpy as np
import pytest

from datamodules.annotations import Hypothesis
from lightning_modules.decoding.language_models.rescoring import (
    language_model_scores,
    rescore,
    sentence_log_probs,
    word_sentences,
)

SYMBOLS = ("<blank>", " ", "a", "b")


class Bigram:
    """``log p(next | last token)`` from a table (V, V); row 0 is the sentence's start. Counts what it is asked."""

    def __init__(self, symbols, *, seed=0):
        probs_VV = np.random.default_rng(seed).dirichlet(np.ones(len(symbols)), len(symbols))
        self.symbols = symbols
        self.table_VV = np.log(probs_VV).astype(np.float32)
        self.asked = []

    def next_log_probs(self, histories):
        self.asked += histories
        return self.table_VV[[history[-1] if history else 0 for history in histories]]

    def by_hand(self, sentence):
        tokens = (0, *sentence, 0)
        return sum(float(self.table_VV[a, b]) for a, b in pairwise(tokens))


def reading(text, score, ctc_score=None):
    tokens = tuple(SYMBOLS.index(symbol) for symbol in text)
    return Hypothesis(tokens, score, tuple(range(len(tokens))), ctc_score)


@pytest.mark.parametrize("histories_per_call", [1, 3, 1024])
def test_sentences_are_scored_to_their_end_whatever_the_chunks(histories_per_call):
    model = Bigram(SYMBOLS)
    sentences = [(), (2,), (2, 3), (2, 3, 1, 2), (2, 3)]
    found = sentence_log_probs(model, sentences, histories_per_call=histories_per_call)
    assert found == pytest.approx([model.by_hand(sentence) for sentence in sentences], abs=1e-6)
    assert len(model.asked) == len(set(model.asked)) == 5  # the empty one, three more, and one of length 4
    assert [len(history) for history in model.asked] == sorted(len(history) for history in model.asked)


def test_no_sentence_is_no_question():
    model = Bigram(SYMBOLS)
    assert sentence_log_probs(model, []).shape == (0,)
    assert model.asked == []
    assert rescore([], model, symbols=SYMBOLS, lm_weight=1.0) == []


def test_weights_reorder_without_asking_again():
    model = Bigram(SYMBOLS, seed=3)
    lists = [[reading("ab", -1.0), reading("a b", -1.5), reading("b", -4.0, -2.0)], [], [reading("", -0.5)]]
    scores = language_model_scores(lists, model, symbols=SYMBOLS)
    asked = len(model.asked)
    for lm_weight in (0.0, 0.7, 3.0):
        for word_bonus in (0.0, 1.5):
            found = scores.combine(lm_weight=lm_weight, word_bonus=word_bonus)
            assert [len(row) for row in found] == [3, 0, 1]
            for row in found:
                assert [h.score for h in row] == sorted((h.score for h in row), reverse=True)
                for hypothesis in row:
                    words = len("".join(SYMBOLS[token] for token in hypothesis.tokens).split())
                    expected = hypothesis.ctc_score + lm_weight * model.by_hand(hypothesis.tokens) + word_bonus * words
                    assert hypothesis.score == pytest.approx(expected, abs=1e-6)
            assert {h.tokens: h.ctc_score for h in found[0]} == {(2, 3): -1.0, (2, 1, 3): -1.5, (3,): -2.0}
    assert len(model.asked) == asked
    assert scores.combine(lm_weight=0.0, word_bonus=1.5)[0][0].tokens == (2, 1, 3)  # -1.5 + 3.0 > -1.0 + 1.5


def test_per_token_divides_the_recognisers_part_by_tokens_and_end():
    model = Bigram(SYMBOLS, seed=3)
    attention = [Hypothesis((2, 3, 1), -0.5, (), -2.0), Hypothesis((2,), -1.5, ()), Hypothesis((), -0.9, ())]
    [found] = language_model_scores([attention], model, symbols=SYMBOLS).combine(lm_weight=0.0, per_token=True)
    assert [(h.tokens, h.score, h.ctc_score) for h in found] == [
        ((2, 3, 1), -2.0 / 4, -2.0),
        ((2,), -1.5 / 2, -1.5),
        ((), -0.9 / 1, -0.9),
    ]
    [found] = language_model_scores([attention], model, symbols=SYMBOLS).combine(lm_weight=0.7, per_token=True)
    for hypothesis in found:
        expected = hypothesis.ctc_score / (len(hypothesis.tokens) + 1) + 0.7 * model.by_hand(hypothesis.tokens)
        assert hypothesis.score == pytest.approx(expected, abs=1e-6)
    assert language_model_scores([[]], model, symbols=SYMBOLS).combine(lm_weight=0.7, per_token=True) == [[]]


def test_a_model_that_forbids_a_reading_has_no_say_at_weight_0():
    model = Bigram(SYMBOLS)
    model.table_VV[0, 2] = -np.inf
    lists = [[reading("a", -1.0), reading("b", -9.0)]]
    assert rescore(lists, model, symbols=SYMBOLS, lm_weight=0.0)[0][0] == reading("a", -1.0, -1.0)
    assert rescore(lists, model, symbols=SYMBOLS, lm_weight=0.1)[0][0].tokens == (3,)


def test_a_word_model_reads_the_words_and_unk():
    words = Bigram(("<blank>", "<unk>", "ab", "b"), seed=1)
    lists = [[reading(" ab  b ", -1.0), reading("ba ab", -2.0)]]
    scores = language_model_scores(lists, words, symbols=SYMBOLS)
    assert scores.lm_log_probs[0] == pytest.approx([words.by_hand((2, 3)), words.by_hand((1, 2))], abs=1e-6)
    assert scores.num_words[0].tolist() == [2, 2]


def test_refuses_a_vocabulary_that_is_neither():
    with pytest.raises(
        ValueError, match="language model of 2 symbols, allowed: the recogniser's own symbols, or words"
    ):
        word_sentences(["a"], Bigram(("<blank>", "a")))


def test_a_recogniser_of_words_has_as_many_words_as_tokens():
    symbols = ("<blank>", "<unk>", "good", "bye", "now")
    n_best = [[Hypothesis((2, 3, 4), -3.0, (0, 1, 2)), Hypothesis((2,), -1.0, (0,)), Hypothesis((), -0.5, ())]]
    scores = language_model_scores(n_best, Bigram(symbols), symbols=symbols)
    assert scores.num_words[0].tolist() == [3, 1, 0]
    assert scores.combine(lm_weight=0.0, word_bonus=1.5)[0][0].tokens == (2, 3, 4)
