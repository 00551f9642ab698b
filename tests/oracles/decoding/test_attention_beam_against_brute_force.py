"""Beam search whose beam holds everything, against the objective of every text up to the greatest length, written out.

The decoder is a tiny random recurrent network, the language model a bigram, CTC's part sums over all paths.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from datamodules.annotations import Hypothesis
from lightning_modules.decoding.attention.attention_beam import attention_beam_search
from lightning_modules.decoding.attention.attention_greedy import attention_greedy
from lightning_modules.decoding.ctc.ctc_prefix_scores import CtcPrefixScorer
from lightning_modules.decoding.ctc.prefix_search import prefix_search

EVERYTHING = 1000
SYMBOLS = ("<end>", "a", "b")
MAX_TOKENS = 4
TEXTS = [text for length in range(MAX_TOKENS + 1) for text in itertools.product((1, 2), repeat=length)]


class Scribe:
    """``h' = tanh(A h + E[token] + x_b)``, ``log softmax(sharpness · C h')`` in double precision."""

    def __init__(self, seed: int, *, utterances: int, sharpness: float = 3.0, narrows: bool = True) -> None:
        rng = np.random.default_rng(seed)
        self.sharpness = sharpness
        self.mix_HH, self.embedding_VH, self.out_HV = (
            torch.from_numpy(rng.normal(size=shape)) for shape in ((4, 4), (3, 4), (4, 3))
        )
        self.inputs_BH = torch.from_numpy(rng.normal(size=(utterances, 4)))
        if narrows:
            self.rows = self.only

    @property
    def num_frames_B(self) -> Tensor:
        return torch.ones(len(self.inputs_BH), dtype=torch.int64)

    def only(self, utterances_N: Tensor | list[int]) -> Scribe:
        fewer = Scribe(0, utterances=1, sharpness=self.sharpness)
        fewer.mix_HH, fewer.embedding_VH, fewer.out_HV = self.mix_HH, self.embedding_VH, self.out_HV
        fewer.inputs_BH = self.inputs_BH[utterances_N]
        return fewer

    def start(self) -> tuple[Tensor, ...]:
        return (self.inputs_BH.new_zeros(len(self.inputs_BH), 1, 4),)

    def step(self, tokens_BW: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        inputs_BWH = self.embedding_VH[tokens_BW] + self.inputs_BH[:, None]
        hidden_BWH = (state[0] @ self.mix_HH + inputs_BWH).tanh()
        return (self.sharpness * hidden_BWH @ self.out_HV).log_softmax(-1), (hidden_BWH,)

    def by_hand(self, text: tuple[int, ...], end_threshold: float | None, max_tokens: int) -> float:
        """``log p(text, end)`` of the first utterance, -inf where it may not end there."""
        state, total = self.start(), 0.0
        for before, token in zip((0, *text), (*text, 0), strict=True):
            log_probs, state = self.step(torch.full((len(self.inputs_BH), 1), before), state)
            total += float(log_probs[0, 0, token])
        is_short = len(text) < max_tokens
        end_prob, *token_probs = log_probs[0, 0].exp().tolist()
        if end_threshold is not None and is_short and end_prob < max(token_probs) ** end_threshold:
            return -math.inf
        return total


class Bigram:
    symbols = SYMBOLS

    def __init__(self, seed: int) -> None:
        self.table_VV = np.log(np.random.default_rng(seed).dirichlet(np.ones(3), 3)).astype(np.float32)
        self.questions: list[list[tuple[int, ...]]] = []

    def next_log_probs(self, histories: list[tuple[int, ...]]) -> NDArray[np.float32]:
        self.questions.append(list(histories))
        return self.table_VV[[history[-1] if history else 0 for history in histories]]

    def by_hand(self, text: tuple[int, ...]) -> float:
        return sum(float(self.table_VV[a, b]) for a, b in itertools.pairwise((0, *text, 0)))


def posteriors(seed: int, num_frames: int, utterances: int = 1) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    return np.log(rng.dirichlet(np.full(3, 0.7), (utterances, num_frames)))


def labellings(log_probs_TV: NDArray[np.float64]) -> dict[tuple[int, ...], float]:
    """Every labelling's log probability, from every path."""
    probs: dict[tuple[int, ...], list[float]] = defaultdict(list)
    for path in itertools.product(range(3), repeat=len(log_probs_TV)):
        prob = math.exp(sum(log_probs_TV[t, symbol] for t, symbol in enumerate(path)))
        probs[tuple(symbol for symbol, _ in itertools.groupby(path) if symbol)].append(prob)
    return {labelling: math.log(math.fsum(of_paths)) for labelling, of_paths in probs.items()}


objectives = st.fixed_dictionaries(
    {
        "ctc_weight": st.sampled_from((0.0, 0.3, 1.0)),
        "lm_weight": st.sampled_from((0.0, 0.5, 2.0)),
        "token_bonus": st.sampled_from((0.0, -1.0, 0.5, 2.0)),
        "tags": st.sampled_from(((), (2,))),
        "length_normalised": st.booleans(),
        "end_threshold": st.sampled_from((None, 1.0, 1.5, 4.0)),
    }
)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, MAX_TOKENS), st.integers(0, 5), objectives)
def test_a_beam_that_holds_everything_finds_the_best_texts(seed, max_tokens, num_frames, weights) -> None:
    model, language_model = Scribe(seed, utterances=1), Bigram(seed)
    log_probs_BTV = posteriors(seed, num_frames)
    ctc_of = labellings(log_probs_BTV[0])
    expected = {}
    for text in TEXTS:
        attention = model.by_hand(text, weights["end_threshold"], max_tokens)
        if len(text) > max_tokens or attention == -math.inf:
            continue
        own = attention
        if weights["ctc_weight"]:
            ctc = ctc_of.get(text, -math.inf)
            own = weights["ctc_weight"] * ctc + (1 - weights["ctc_weight"]) * attention
        length = sum(token not in weights["tags"] for token in text)
        total = own + weights["lm_weight"] * language_model.by_hand(text) + weights["token_bonus"] * length
        score = total / (len(text) + 1) if weights["length_normalised"] else total
        if score > -math.inf:
            expected[text] = score, own
    [found] = attention_beam_search(
        model, max_tokens_B=[max_tokens], beam_size=EVERYTHING, n_best=5,
        ctc=CtcPrefixScorer(log_probs_BTV, [num_frames]), language_model=language_model, **weights,
    )  # fmt: skip
    if not expected:
        assert found == [Hypothesis((), -math.inf, ())]
        return
    best = sorted(expected.items(), key=lambda item: -item[1][0])[:5]
    assert [hypothesis.score for hypothesis in found] == pytest.approx([score for _, (score, _) in best])
    for tokens, score, frames, own in found:
        assert frames == ()
        assert score == pytest.approx(expected[tokens][0])
        if weights["lm_weight"] or weights["token_bonus"] or weights["length_normalised"]:
            assert own == pytest.approx(expected[tokens][1])
        else:
            assert own is None


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5))
def test_with_ctc_alone_it_is_ctc_prefix_decoding(seed, num_frames) -> None:
    log_probs_BTV = posteriors(seed, num_frames)
    [[found]] = attention_beam_search(
        Scribe(seed, utterances=1), max_tokens_B=[num_frames], beam_size=EVERYTHING,
        ctc=CtcPrefixScorer(log_probs_BTV, [num_frames]), ctc_weight=1.0, length_normalised=False, end_threshold=None,
    )  # fmt: skip
    assert found.score == pytest.approx(max(labellings(log_probs_BTV[0]).values()))
    assert found.score == pytest.approx(prefix_search(log_probs_BTV[0], blank_threshold=1.1).score)


def same(one: list[Hypothesis], other: list[Hypothesis]) -> None:
    assert [hypothesis.tokens for hypothesis in one] == [hypothesis.tokens for hypothesis in other]
    scores = [hypothesis.score for hypothesis in one]
    assert scores == pytest.approx([hypothesis.score for hypothesis in other], rel=1e-12)
    assert scores == sorted(scores, reverse=True)
    assert len({hypothesis.tokens for hypothesis in one}) == len(one)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 5), st.booleans(), objectives, st.data())
def test_a_batch_finds_what_each_finds_alone(seed, beam_size, utterances, narrows, weights, data) -> None:
    lengths_B = data.draw(st.lists(st.integers(0, 9), min_size=utterances, max_size=utterances))
    limits_B = data.draw(st.lists(st.integers(0, 12), min_size=utterances, max_size=utterances))
    model = Scribe(seed, utterances=utterances, narrows=narrows)
    log_probs_BTV, options = posteriors(seed, 9, utterances), {"beam_size": beam_size, "n_best": beam_size, **weights}
    together = attention_beam_search(
        model, max_tokens_B=torch.tensor(limits_B), ctc=CtcPrefixScorer(log_probs_BTV, lengths_B),
        language_model=Bigram(seed), **options,
    )  # fmt: skip
    for b, found in enumerate(together):
        ctc = CtcPrefixScorer(log_probs_BTV[b : b + 1, : lengths_B[b]], lengths_B[b : b + 1])
        [alone] = attention_beam_search(
            model.only([b]), max_tokens_B=limits_B[b : b + 1], ctc=ctc, language_model=Bigram(seed), **options
        )
        same(found, alone)
        assert all(len(hypothesis.tokens) <= limits_B[b] for hypothesis in found)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.lists(st.integers(0, 12), min_size=1, max_size=9), st.booleans())
def test_a_beam_of_one_is_greedy(seed, limits_B, narrows) -> None:
    model = Scribe(seed, utterances=len(limits_B), narrows=narrows)
    found = attention_beam_search(
        model, max_tokens_B=limits_B, beam_size=1, length_normalised=False, end_threshold=None
    )
    for b, greedy in enumerate(attention_greedy(model, max_tokens_B=torch.tensor(limits_B))):
        same(found[b], [greedy])
        [alone] = attention_greedy(model.only([b]), max_tokens_B=torch.tensor(limits_B[b : b + 1]))
        same([greedy], [alone])


def test_the_language_model_is_asked_once_a_step_for_open_texts_alone() -> None:
    language_model = Bigram(0)
    attention_beam_search(
        Scribe(0, utterances=3), max_tokens_B=[3, 0, 2], beam_size=2, language_model=language_model, lm_weight=0.1,
        length_normalised=True, end_threshold=None,
    )  # fmt: skip
    assert language_model.questions[0] == [(), (), ()]
    for length, histories in enumerate(language_model.questions):
        assert {len(history) for history in histories} == {length}
        assert len(histories) <= 2 * 3
