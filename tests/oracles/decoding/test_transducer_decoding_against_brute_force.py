"""Greedy and beam search of transducers against plain loops, and a beam that holds everything against all texts.

A text's own probability is summed over its alignments by ``transducer_loss``, which has its own brute force.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from datamodules.annotations import Hypothesis
from lightning_modules.decoding.language_models.language_model import BackoffNgrams, Ngram
from lightning_modules.decoding.language_models.ngram_language_model import NgramLanguageModel
from lightning_modules.decoding.step_models import State, TransducerModel
from lightning_modules.decoding.transducer.transducer_beam import transducer_beam_search
from lightning_modules.decoding.transducer.transducer_greedy import transducer_greedy
from lightning_modules.lm.ngram import estimate_ngrams
from lightning_modules.losses.transducer import transducer_loss

Text = tuple[int, ...]
SYMBOLS = ("<blank>", "a", "b")
NGRAMS = estimate_ngrams([(1, 2, 1), (2, 2), (1, 1, 2), (2,)], symbols=SYMBOLS, unit="character", order=3)
EVERYTHING = 100


class Tiny:
    """Random weights in double precision; the state is a vector that remembers the whole text."""

    def __init__(self, num_frames: Sequence[int], *, seed: int, scale: float = 2.0, num_symbols: int = 3) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.num_frames_B = torch.tensor(num_frames)
        frames = [torch.randn(8, 4, generator=generator).double() for _ in num_frames]
        self.frames_BTH = torch.stack(frames)  # those past the end are noise
        self.recurrence_HH = torch.randn(4, 4, generator=generator).double()
        self.embedding_VH = torch.randn(num_symbols, 4, generator=generator).double()
        self.output_VH = torch.randn(num_symbols, 4, generator=generator).double() * scale

    def row(self, b: int) -> Tiny:
        """One of the utterances on its own, without padding."""
        alone = object.__new__(Tiny)
        alone.__dict__.update(self.__dict__)
        alone.num_frames_B = self.num_frames_B[b : b + 1]
        alone.frames_BTH = self.frames_BTH[b : b + 1, : int(alone.num_frames_B)]
        return alone

    def start(self) -> State:
        return self.read(torch.zeros(len(self.num_frames_B), 1).long(), (torch.zeros(len(self.num_frames_B), 1, 4),))

    def read(self, tokens_BW: Tensor, state: State) -> State:
        return (torch.tanh(state[0].double() @ self.recurrence_HH.T + self.embedding_VH[tokens_BW]),)

    def log_probs(self, frames_BW: Tensor, state: State) -> Tensor:
        rows_B1 = torch.arange(len(frames_BW)).unsqueeze(1)
        return (torch.tanh(self.frames_BTH[rows_B1, frames_BW] + state[0]) @ self.output_VH.T).log_softmax(-1)

    def lattice(self, text: Text) -> Tensor:
        """Log probabilities (T, N, V) of the only utterance along a text."""
        frames_1T, state, places = torch.arange(int(self.num_frames_B)).unsqueeze(0), self.start(), []
        for token in (*text, 0):
            places.append(self.log_probs(frames_1T, (state[0].expand(1, frames_1T.shape[1], -1),))[0])
            state = self.read(torch.tensor([[token]]), state)
        return torch.stack(places, dim=1)


def text_log_prob(model: Tiny, text: Text) -> float:
    tokens_BU = torch.tensor([text], dtype=torch.int64)
    return -transducer_loss(model.lattice(text)[None], model.num_frames_B, tokens_BU, torch.tensor([len(text)])).item()


def best_alignment(model: Tiny, text: Text) -> Text:
    """The tokens' frames on the likeliest of all alignments."""
    lattice_TNV, num_frames = model.lattice(text), int(model.num_frames_B)
    scored = []
    for frames in itertools.combinations_with_replacement(range(num_frames), len(text)):
        tokens = sum(float(lattice_TNV[t, u, text[u]]) for u, t in enumerate(frames))
        blanks = sum(float(lattice_TNV[t, sum(f <= t for f in frames), 0]) for t in range(num_frames))
        scored.append((tokens + blanks, frames))
    return max(scored)[1]


def lm_log_prob(text: Text) -> float:
    sentence = (*text, 0)
    return sum(NGRAMS.log_prob(token, (0, *sentence[:i])) for i, token in enumerate(sentence))


def all_texts(max_tokens: int) -> list[Text]:
    return [text for length in range(max_tokens + 1) for text in itertools.product((1, 2), repeat=length)]


@settings(max_examples=10)
@given(
    num_frames=st.integers(1, 3), rate=st.sampled_from((0.5, 1.0, 1.3)), seed=st.integers(0, 999),
    lm_weight=st.sampled_from((None, 0.0, 0.4, 1.5)), bonus=st.sampled_from((0.0, -0.5, 1.2)),
    tags=st.sampled_from(((), (2,))),
)  # fmt: skip
def test_a_beam_that_holds_everything_gives_every_text_its_exact_score(
    num_frames: int, rate: float, seed: int, lm_weight: float | None, bonus: float, tags: Text
) -> None:
    model = Tiny([num_frames], seed=seed)
    own = {text: text_log_prob(model.row(0), text) for text in all_texts(math.ceil(num_frames * rate))}
    scores = {
        text: log_prob
        + (lm_weight * lm_log_prob(text) if lm_weight else 0.0)
        + bonus * sum(token not in tags for token in text)
        for text, log_prob in own.items()
    }
    [found] = transducer_beam_search(
        model, beam_size=EVERYTHING, n_best=len(own), max_tokens_per_frame=rate, token_bonus=bonus, tags=tags,
        language_model=None if lm_weight is None else NgramLanguageModel(NGRAMS), lm_weight=lm_weight or 0.0,
    )  # fmt: skip
    assert {hypothesis.tokens for hypothesis in found} == set(own)
    assert [h.score for h in found] == sorted((h.score for h in found), reverse=True)
    for tokens, score, frames, ctc_score in found:
        assert score == pytest.approx(scores[tokens], abs=1e-5)  # a language model answers in float32
        assert ctc_score == (None if lm_weight is None else pytest.approx(own[tokens], abs=1e-9))
        assert frames == best_alignment(model.row(0), tokens)
    [[best]] = transducer_beam_search(
        model, beam_size=EVERYTHING, max_tokens_per_frame=rate, token_bonus=bonus, tags=tags,
        language_model=None if lm_weight is None else NgramLanguageModel(NGRAMS), lm_weight=lm_weight or 0.0,
    )  # fmt: skip
    assert best == found[0]  # the early end loses nothing


def by_loops(model: TransducerModel, beam_size: int, n_best: int, bonus: float) -> list[Hypothesis]:
    """The search on one utterance with dictionaries, to its very end; frames left out."""
    num_frames = int(model.num_frames_B)
    beam: dict[Text, tuple[float, State]] = {(): (0.0, model.start())}
    ended: dict[Text, float] = {}
    for step in range(2 * num_frames):
        grown: dict[Text, list[float]] = defaultdict(list)
        states: dict[Text, State] = {}
        for text, (log_prob, state) in beam.items():
            own_V = model.log_probs(torch.tensor([[step - len(text)]]), state)[0, 0].tolist()
            if step - len(text) == num_frames - 1:
                ended[text] = log_prob + own_V[0]
            else:
                grown[text].append(log_prob + own_V[0])
                states[text] = state
            for token in range(1, len(own_V)) if len(text) < num_frames else ():
                grown[(*text, token)].append(log_prob + own_V[token])
                states[(*text, token)] = model.read(torch.tensor([[token]]), state)
        total = {text: float(np.logaddexp.reduce(parts)) for text, parts in grown.items()}
        best = sorted(total, key=lambda text: -total[text] - bonus * len(text))[:beam_size]
        beam = {text: (total[text], states[text]) for text in best}
    ranked = sorted(ended, key=lambda text: -ended[text] - bonus * len(text))[:n_best]
    return [Hypothesis(text, ended[text] + bonus * len(text), ()) for text in ranked]


@settings(max_examples=20)
@given(
    lengths=st.lists(st.integers(1, 7), min_size=1, max_size=4), seed=st.integers(0, 999),
    beam_size=st.integers(1, 5), n_best=st.integers(1, 3), bonus=st.sampled_from((0.0, 0.8)),
)  # fmt: skip
def test_small_beams_in_a_batch_are_those_of_plain_loops(
    lengths: list[int], seed: int, beam_size: int, n_best: int, bonus: float
) -> None:
    model = Tiny(lengths, seed=seed, num_symbols=4)
    together = transducer_beam_search(
        model, beam_size=beam_size, n_best=n_best, token_bonus=bonus, max_tokens_per_frame=1.0
    )
    for b, found in enumerate(together):
        expected = by_loops(model.row(b), beam_size, n_best, bonus)
        assert [h.tokens for h in found] == [h.tokens for h in expected]
        assert [h.score for h in found] == pytest.approx([h.score for h in expected])
        assert all(len(h.frames) == len(h.tokens) and list(h.frames) == sorted(h.frames) for h in found)


@settings(max_examples=8)
@given(lengths=st.lists(st.integers(1, 7), min_size=1, max_size=4), seed=st.integers(0, 999))
def test_a_fused_beam_does_not_depend_on_the_batch(lengths: list[int], seed: int) -> None:
    model = Tiny(lengths, seed=seed)
    options = {"beam_size": 3, "n_best": 2, "language_model": NgramLanguageModel(NGRAMS), "lm_weight": 0.7}
    together = transducer_beam_search(model, **options, token_bonus=0.3)
    for b, found in enumerate(together):
        [alone] = transducer_beam_search(model.row(b), **options, token_bonus=0.3)
        assert [(h.tokens, h.frames) for h in alone] == [(h.tokens, h.frames) for h in found]
        assert [h.score for h in alone] == pytest.approx([h.score for h in found], rel=1e-12)


@settings(max_examples=20)
@given(lengths=st.lists(st.integers(1, 7), min_size=1, max_size=4), seed=st.integers(0, 999), cap=st.integers(1, 3))
def test_greedy_is_the_walk_along_the_likeliest_symbols(lengths: list[int], seed: int, cap: int) -> None:
    model = Tiny(lengths, seed=seed, num_symbols=4)
    for b, found in enumerate(transducer_greedy(model, max_tokens_per_frame=cap)):
        alone = model.row(b)
        state, tokens, frames, score = alone.start(), [], [], 0.0
        for frame in range(lengths[b]):
            for written in range(cap + 1):
                own_V = alone.log_probs(torch.tensor([[frame]]), state)[0, 0]
                token = 0 if written == cap else int(own_V.argmax())
                score += float(own_V[token])
                if token == 0:
                    break
                tokens.append(token)
                frames.append(frame)
                state = alone.read(torch.tensor([[token]]), state)
        assert found == (tuple(tokens), pytest.approx(score), tuple(frames), None)
        assert found.score <= text_log_prob(alone, tuple(tokens)) + 1e-9  # one of its alignments


def test_a_language_model_that_gives_nothing_leaves_the_empty_hypothesis() -> None:
    nothing = BackoffNgrams(SYMBOLS, "character", ({(0,): Ngram(-math.inf), (1,): Ngram(-math.inf)},))
    options = {"beam_size": 4, "language_model": NgramLanguageModel(nothing), "n_best": 3}
    [found] = transducer_beam_search(Tiny([3], seed=0), **options, lm_weight=1.0)
    assert [(h.tokens, h.score) for h in found] == [((), -math.inf)]
    [found] = transducer_beam_search(Tiny([3], seed=0), **options, lm_weight=0.0)
    assert len(found) == 3
    assert math.isfinite(found[0].score)


def test_settings_that_do_not_fit_are_named() -> None:
    model = Tiny([3], seed=0)
    with pytest.raises(ValueError, match="beam_size 0 and n_best 1, allowed"):
        transducer_beam_search(model, beam_size=0)
    with pytest.raises(ValueError, match=r"lm_weight -1\.0 and"):
        transducer_beam_search(model, beam_size=2, lm_weight=-1.0)
    with pytest.raises(ValueError, match="max_tokens_per_frame must be 1 or more, got 0"):
        transducer_greedy(model, max_tokens_per_frame=0)
    with pytest.raises(ValueError, match=r"num_frames_B \[0\], allowed: 1 or more"):
        transducer_beam_search(Tiny([0], seed=0), beam_size=2)
    other = NgramLanguageModel(NGRAMS)
    with pytest.raises(ValueError, match="language model of 3 symbols, allowed: the recogniser's 4"):
        transducer_beam_search(Tiny([3], seed=0, num_symbols=4), beam_size=2, language_model=other)
