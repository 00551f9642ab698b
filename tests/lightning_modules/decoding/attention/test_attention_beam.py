"""Searches of attention decoders with our own speller; objectives are tested in tests/oracles."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from datamodules.annotations import Hypothesis
from lightning_modules.decoding.attention.attention_beam import attention_beam_search
from lightning_modules.decoding.attention.attention_greedy import attention_greedy
from lightning_modules.decoding.attention.attention_objective import Objective
from lightning_modules.decoding.ctc.ctc_prefix_scores import CtcPrefixScorer
from lightning_modules.decoding.step_models import SpellingModel
from lightning_modules.layers.attention import LocationAttention
from lightning_modules.layers.speller import BoundSpeller, Speller, SpellerSettings

PLAIN = {"length_normalised": False, "end_threshold": None}


class Always:
    """Says the same at every step, whatever was read."""

    def __init__(self, probs_V: list[float], *, utterances: int = 1) -> None:
        self.log_probs_V = torch.tensor(probs_V).log()
        self.num_frames_B = torch.ones(utterances, dtype=torch.int64)
        self.num_steps = 0

    def start(self):
        return (torch.zeros(len(self.num_frames_B), 1),)

    def step(self, tokens_BW, state):
        self.num_steps += 1
        return self.log_probs_V.expand(*tokens_BW.shape, -1), state


class NoModel:
    symbols = ("<end>", "a")

    def next_log_probs(self, histories):
        return np.full((len(histories), 2), np.nan, np.float32)


def bound(lengths_B: list[int], *, seed: int = 0) -> BoundSpeller:
    torch.manual_seed(seed)
    settings = SpellerSettings(
        attention=lambda encoded, queries: LocationAttention(encoded, queries, units=6, channels=2, reach_frames=2),
        embedding_units=4,
        hidden_units=7,
    )
    speller = Speller(num_symbols=5, num_encoded=3, settings=settings, attend_first=False).eval().double()
    with torch.no_grad():
        speller.classifier.weight.mul_(8.0)
        encoded_BTH = torch.randn(len(lengths_B), 12, 3, dtype=torch.float64)
        return BoundSpeller(speller, speller.memory(encoded_BTH, torch.tensor(lengths_B)))


def test_the_speller_is_a_spelling_model() -> None:
    assert isinstance(bound([12]), SpellingModel)


@pytest.mark.parametrize("beam_size", [1, 4])
def test_padding_and_company_change_nothing(beam_size: int) -> None:
    lengths_B = [12, 3, 7]
    log_probs_BTV = torch.randn(3, 12, 5).log_softmax(-1)
    speller = bound(lengths_B)
    options = {"beam_size": beam_size, "n_best": beam_size, "ctc_weight": 0.3, **PLAIN}
    together = attention_beam_search(
        speller, max_tokens_B=lengths_B, ctc=CtcPrefixScorer(log_probs_BTV, lengths_B), **options
    )
    for b, length in enumerate(lengths_B):
        with torch.no_grad():
            encoded_1TH = speller.memory.encoded_BTH[b : b + 1, :length]
            alone = BoundSpeller(speller.speller, speller.speller.memory(encoded_1TH, torch.tensor([length])))
        ctc = CtcPrefixScorer(log_probs_BTV[b : b + 1, :length], [length])
        [found] = attention_beam_search(alone, max_tokens_B=[length], ctc=ctc, **options)
        assert [hypothesis.tokens for hypothesis in found] == [hypothesis.tokens for hypothesis in together[b]]
        assert [h.score for h in found] == pytest.approx([h.score for h in together[b]], rel=1e-9)


def test_greedy_is_a_beam_of_one() -> None:
    speller, limits_B = bound([12, 5, 9, 1]), torch.tensor([12, 5, 0, 30])
    beam = attention_beam_search(speller, max_tokens_B=limits_B, beam_size=1, **PLAIN)
    for greedy, [found] in zip(attention_greedy(speller, max_tokens_B=limits_B), beam, strict=True):
        assert greedy.tokens == found.tokens
        assert greedy.score == pytest.approx(found.score, rel=1e-9)


def test_a_decoder_that_never_ends_is_ended_at_the_greatest_length() -> None:
    model = Always([1e-3, 0.9, 0.099])
    expected = Hypothesis((1,) * 5, 5 * math.log(0.9) + math.log(1e-3), ())
    [greedy] = attention_greedy(model, max_tokens_B=torch.tensor([5]))
    [[found]] = attention_beam_search(model, max_tokens_B=[5], beam_size=1, length_normalised=False, end_threshold=2.0)
    for tokens, score, frames, _ in (greedy, found):
        assert (tokens, frames) == (expected.tokens, ())
        assert score == pytest.approx(expected.score)


def test_a_search_stops_when_nothing_open_can_win() -> None:
    model = Always([0.9, 0.1])
    [found] = attention_beam_search(model, max_tokens_B=[1000], beam_size=8, **PLAIN)
    assert [hypothesis.tokens for hypothesis in found] == [()]
    assert model.num_steps == 1
    [found] = attention_beam_search(model, max_tokens_B=[1000], beam_size=4, length_normalised=True, end_threshold=None)
    assert model.num_steps <= 1 + 5  # log(0.1) a token loses, but could be the last: four texts that end are enough


def test_ends_below_the_threshold_are_refused() -> None:
    model = Always([0.4, 0.6])  # log 0.4 = 1.79 log 0.6
    options = {"max_tokens_B": [3], "beam_size": 5, "length_normalised": False}
    [[found]] = attention_beam_search(model, end_threshold=1.5, **options)
    assert found.tokens == (1, 1, 1)
    [[found]] = attention_beam_search(model, end_threshold=2.0, **options)
    assert found.tokens == ()


@pytest.mark.parametrize(
    ("probs_V", "end_threshold", "text"),
    [
        ([0.6, 0.4], 1.0, ()),  # the likeliest of all
        ([0.5, 0.5], 1.0, ()),  # as likely as any
        ([0.4, 0.6], 1.0, (1, 1, 1)),
        ([1.0, 0.0], 1.0, ()),  # certain: log p(end) is 0, and no multiple of anything
        ([1.0, 0.0], 2.0, ()),
        ([1.0], 1.5, ()),  # there is nothing else to write
    ],
)
def test_an_end_that_is_the_likeliest_of_all_may_always_be_chosen(
    probs_V: list[float], end_threshold: float, text: tuple[int, ...]
) -> None:
    options = {"max_tokens_B": [3], "beam_size": 1, "length_normalised": False}
    [[found]] = attention_beam_search(Always(probs_V), end_threshold=end_threshold, **options)
    assert found.tokens == text


def test_no_utterance_and_no_probability() -> None:
    assert attention_beam_search(Always([0.5, 0.5], utterances=0), max_tokens_B=[], beam_size=2, **PLAIN) == []
    assert attention_greedy(Always([0.5, 0.5], utterances=0), max_tokens_B=torch.zeros(0, dtype=torch.int64)) == []
    never = Always([0.0, 1.0])
    assert attention_beam_search(never, max_tokens_B=[3], beam_size=2, **PLAIN) == [[Hypothesis((), -math.inf, ())]]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"ctc_weight": 1.5}, "ctc_weight 1.5, allowed: 0 to 1"),
        ({"ctc_weight": 0.5}, "ctc_weight 0.5 with CTC scores of none, allowed: of 1 utterances"),
        ({"lm_weight": -1.0}, "lm_weight -1.0, allowed: 0 or more"),
        ({"lm_weight": 1.0}, "lm_weight 1.0 with no language model, allowed: 0"),
        ({"lm_weight": 1.0, "language_model": NoModel()}, "a language model of 2 symbols, allowed: the decoder's 3"),
        ({"token_bonus": math.inf}, "token_bonus inf, allowed: a finite number"),
        ({"end_threshold": 0.5}, "end_threshold 0.5, allowed: 1 or more, or None"),
        ({"n_best": 3}, "n_best 3, allowed: 1 to beam_size 2"),
        ({"max_tokens_B": [1, 2]}, r"max_tokens_B \[1, 2\], allowed: 1 numbers of 0 or more"),
        ({"max_tokens_B": [-1]}, r"max_tokens_B \[-1\], allowed: 1 numbers of 0 or more"),
        (
            {"ctc_weight": 0.5, "ctc": CtcPrefixScorer(np.log([[[0.5, 0.5]]]), [1])},
            "CTC scores of 2 symbols, allowed: the decoder's 3",
        ),
    ],
)
def test_refuses_what_does_not_fit(changed: dict[str, object], message: str) -> None:
    options = {"max_tokens_B": [4], "beam_size": 2, **PLAIN, **changed}
    with pytest.raises(ValueError, match=message):
        attention_beam_search(Always([0.2, 0.3, 0.5]), **options)


def test_refuses_nan() -> None:
    broken = Always([math.nan, 0.5])
    with pytest.raises(ValueError, match="the attention decoder answered NaN after 0 tokens"):
        attention_beam_search(broken, max_tokens_B=[4], beam_size=2, **PLAIN)
    with pytest.raises(ValueError, match="the attention decoder answered NaN for row 0 of the batch"):
        attention_greedy(broken, max_tokens_B=torch.tensor([4]))
    with pytest.raises(ValueError, match="the language model answered NaN"):
        attention_beam_search(
            Always([0.5, 0.5]), max_tokens_B=[4], beam_size=2, language_model=NoModel(), lm_weight=1.0, **PLAIN
        )


@pytest.mark.parametrize("length_normalised", [False, True])
@pytest.mark.parametrize("token_bonus", [-1.0, 0.0, 0.7])
def test_no_end_is_above_the_bound(length_normalised: bool, token_bonus: float) -> None:
    objective = Objective(0.0, 0.0, token_bonus, length_normalised, None)
    rng = np.random.default_rng(0)
    for _ in range(200):
        num_tokens, limit = sorted(rng.integers(0, 20, 2).tolist())
        steps = -rng.exponential(0.3, limit + 1) * (rng.random(limit + 1) < 0.5)
        totals = np.cumsum(steps)
        open_total = totals[num_tokens] + token_bonus * num_tokens
        most = objective.most(np.array([[open_total]]), num_tokens, np.array([limit]))[0, 0]
        for length in range(num_tokens, limit + 1):
            ended = objective.final(np.float64(totals[length] + token_bonus * length), length)
            assert ended <= most + 1e-12
