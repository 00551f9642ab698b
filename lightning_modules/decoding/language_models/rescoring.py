"""N-best rescoring: a language model reorders a recogniser's best readings (Graves & Jaitly 2014).

``score(l) = log P(l|x) + α · log P_lm(l) + β · |words of l|``, the sentence's end included in P_lm; or for attention
models, whose probability falls with length, ``log P(l|x) / |l| + …`` (Chan et al. 2015, arXiv 1508.01211). The model is
asked once (``language_model_scores``); weights are then tried for nothing (``NBestScores.combine``). A model over the
recogniser's own symbols reads its tokens; a model over words reads the words that they spell. Legend: N hypotheses.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datamodules.annotations import Hypothesis
from lightning_modules.decoding.language_models.language_model import BOUNDARY, LanguageModel
from lightning_modules.decoding.language_models.word_ngram import UNKNOWN
from lightning_modules.decoding.texts import spell

HISTORIES_PER_CALL = 1024


@dataclass(frozen=True)
class NBestScores:
    """N-best lists of some utterances with what a language model says of each hypothesis (natural logs)."""

    n_best: tuple[tuple[Hypothesis, ...], ...]
    lm_log_probs: tuple[NDArray[np.float64], ...]
    num_words: tuple[NDArray[np.int64], ...]

    def combine(self, *, lm_weight: float, word_bonus: float = 0.0, per_token: bool = False) -> list[list[Hypothesis]]:
        """Every list sorted by ``own + lm_weight · lm + word_bonus · words``; equal ones keep their order.

        ``own`` is the recogniser's log probability, with ``per_token`` divided by the number of tokens and the end.
        ``score`` is that sum and ``ctc_score`` the recogniser's log probability, undivided. With ``lm_weight`` 0 the
        model has no say, even where it gives no probability at all.
        """
        lists = []
        for hypotheses, lm_log_prob_N, num_words_N in zip(self.n_best, self.lm_log_probs, self.num_words, strict=True):
            own_N = np.array([_own_score(hypothesis) for hypothesis in hypotheses])
            length_N = np.array([len(hypothesis.tokens) + 1 if per_token else 1 for hypothesis in hypotheses])
            score_N = own_N / length_N + word_bonus * num_words_N + (lm_weight * lm_log_prob_N if lm_weight else 0.0)
            order = np.argsort(-score_N, kind="stable")
            lists.append([hypotheses[i]._replace(score=float(score_N[i]), ctc_score=float(own_N[i])) for i in order])
        return lists


def rescore(
    n_best: Sequence[Sequence[Hypothesis]],
    language_model: LanguageModel,
    *,
    symbols: Sequence[str],
    lm_weight: float,
    word_bonus: float = 0.0,
) -> list[list[Hypothesis]]:
    """``language_model_scores`` and ``combine`` in one, for known weights."""
    scores = language_model_scores(n_best, language_model, symbols=symbols)
    return scores.combine(lm_weight=lm_weight, word_bonus=word_bonus)


def language_model_scores(
    n_best: Sequence[Sequence[Hypothesis]], language_model: LanguageModel, *, symbols: Sequence[str]
) -> NBestScores:
    """Ask the model for every hypothesis. ``symbols`` are the recogniser's, ``symbols[token]`` a token's text.

    Raises ``ValueError`` for a model whose vocabulary is neither ``symbols`` nor words with an ``<unk>``.
    """
    texts = [[spell(hypothesis.tokens, symbols) for hypothesis in row] for row in n_best]
    if tuple(language_model.symbols) == tuple(symbols):
        sentences = [hypothesis.tokens for row in n_best for hypothesis in row]
    else:
        sentences = word_sentences([text for row in texts for text in row], language_model)
    log_probs = sentence_log_probs(language_model, sentences)
    ends = np.cumsum([len(row) for row in n_best], dtype=np.int64)
    return NBestScores(
        n_best=tuple(tuple(row) for row in n_best),
        lm_log_probs=tuple(np.split(log_probs, ends[:-1])) if len(ends) else (),
        num_words=tuple(np.array([len(text.split()) for text in row], dtype=np.int64) for row in texts),
    )


def word_sentences(texts: Sequence[str], language_model: LanguageModel) -> list[tuple[int, ...]]:
    """Texts as word ids of a word model; a word that it does not have is ``<unk>``."""
    ids = {symbol: token for token, symbol in enumerate(language_model.symbols)}
    if UNKNOWN not in ids:
        raise ValueError(
            f"language model of {len(ids)} symbols, allowed: the recogniser's own symbols, or words with {UNKNOWN!r}"
        )
    return [tuple(ids.get(word, ids[UNKNOWN]) for word in text.split()) for text in texts]


def sentence_log_probs(
    language_model: LanguageModel,
    sentences: Sequence[tuple[int, ...]],
    *,
    histories_per_call: int = HISTORIES_PER_CALL,
) -> NDArray[np.float64]:
    """``log p(w_1 … w_n, end)`` of N sentences without boundary tokens, natural logs: (N,).

    A history that several sentences share is asked once. Histories come by length, so that a batch is of nearly equal
    lengths and a model that keeps the states of shorter histories finds them.
    """
    wanted: dict[tuple[int, ...], list[tuple[int, int]]] = defaultdict(list)  # history -> (sentence, next token)
    for row, sentence in enumerate(sentences):
        for position, token in enumerate((*sentence, BOUNDARY)):
            wanted[sentence[:position]].append((row, token))
    log_prob_N = np.zeros(len(sentences))
    histories = sorted(wanted, key=lambda history: (len(history), history))
    for start in range(0, len(histories), histories_per_call):
        chunk = histories[start : start + histories_per_call]
        next_NV = language_model.next_log_probs(chunk)
        places = [(row, index, token) for index, history in enumerate(chunk) for row, token in wanted[history]]
        row_M, index_M, token_M = np.array(places, dtype=np.int64).T
        np.add.at(log_prob_N, row_M, next_NV[index_M, token_M].astype(np.float64))
    return log_prob_N


def _own_score(hypothesis: Hypothesis) -> float:
    return hypothesis.score if hypothesis.ctc_score is None else hypothesis.ctc_score
