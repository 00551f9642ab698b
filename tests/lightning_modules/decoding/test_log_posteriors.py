"""Raw logits are refused by every CTC decoder, half precision is converted: none answers where another cannot."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from datamodules.annotations import Event, FrameGrid
from lightning_modules.decoding.attention.attention_beam import attention_beam_search
from lightning_modules.decoding.attention.attention_greedy import attention_greedy
from lightning_modules.decoding.ctc.ctc_prefix_scores import CtcPrefixScorer
from lightning_modules.decoding.ctc.greedy import greedy
from lightning_modules.decoding.ctc.labelling import align, labelling_log_prob
from lightning_modules.decoding.ctc.prefix_beam import prefix_beam_search
from lightning_modules.decoding.ctc.prefix_search import prefix_search, prefix_search_batch
from lightning_modules.decoding.language_models.language_model import BackoffNgrams, Ngram
from lightning_modules.decoding.log_posteriors import as_floats
from lightning_modules.decoding.sound_events.class_thresholds import fit_class_thresholds
from lightning_modules.decoding.sound_events.events import PostProcessing
from lightning_modules.decoding.transducer.transducer_beam import transducer_beam_search
from lightning_modules.decoding.transducer.transducer_greedy import transducer_greedy
from lightning_modules.decoding.wfst.label_priors import label_log_priors
from lightning_modules.decoding.wfst.wfst import WfstDecoder

Lattice = NDArray[np.floating]

DECODERS: dict[str, Callable[[Lattice | torch.Tensor], object]] = {
    "greedy": lambda log_probs_BTV: [one.tokens for one in greedy(log_probs_BTV, [3])],
    "prefix_search": lambda log_probs_BTV: prefix_search(log_probs_BTV[0]).tokens,
    "prefix_search_batch": lambda log_probs_BTV: [
        one.tokens for one in prefix_search_batch(log_probs_BTV, np.array([3])).hypotheses
    ],
    "prefix_beam": lambda log_probs_BTV: [one.tokens for one in prefix_beam_search(log_probs_BTV, [3], beam_size=4)],
    "ctc_prefix_scores": lambda log_probs_BTV: CtcPrefixScorer(log_probs_BTV, [3]).start().last_BW.tolist(),
}
LOGITS_BTV = np.random.default_rng(0).normal(scale=3.0, size=(1, 3, 4)).astype(np.float32)
LOG_PROBS_BTV = np.asarray(torch.from_numpy(LOGITS_BTV).log_softmax(dim=-1))


def with_wfst_decoder() -> WfstDecoder:
    pytest.importorskip("kaldifst")
    log_prob = -float(np.log(3.0))
    table = {(token,): Ngram(log_prob) for token in range(3)}
    ngrams = BackoffNgrams(symbols=("<blank>", "<unk>", "a"), unit="word", tables=(table,))
    return WfstDecoder(symbols=("<blank>", " ", "a", "b"), words=["a"], ngrams=ngrams)


def with_wfst() -> dict[str, Callable[[Lattice | torch.Tensor], object]]:
    decoder = with_wfst_decoder()
    return {"wfst": lambda log_probs_BTV: [one.tokens for one in decoder.decode(log_probs_BTV, [3])]}


@pytest.mark.parametrize("name", [*DECODERS, "wfst"])
def test_logits_are_refused_by_every_decoder(name: str) -> None:
    decode = (DECODERS | (with_wfst() if name == "wfst" else {}))[name]
    decode(LOG_PROBS_BTV)
    for wrong in (LOGITS_BTV, torch.from_numpy(LOGITS_BTV), np.full_like(LOGITS_BTV, np.inf)):
        with pytest.raises(ValueError, match=r"holds a log-probability of .*, allowed: natural-log posteriors, 0 at"):
            decode(wrong)
    with pytest.raises(ValueError, match="holds NaN"):
        decode(np.full_like(LOGITS_BTV, np.nan))


@pytest.mark.parametrize("name", [*DECODERS, "wfst"])
def test_half_precision_is_read_as_the_numbers_that_it_holds(name: str) -> None:
    decode = (DECODERS | (with_wfst() if name == "wfst" else {}))[name]
    half = torch.from_numpy(LOG_PROBS_BTV).half()
    expected = decode(half.float().numpy())
    assert decode(half) == decode(half.numpy()) == expected
    assert decode(half.bfloat16()) == decode(half.bfloat16().float().numpy())


@pytest.mark.parametrize("name", ["greedy", "prefix_search_batch", "prefix_beam"])
def test_frames_of_the_padding_are_not_looked_at(name: str) -> None:
    padded_BTV = np.concatenate([LOG_PROBS_BTV, np.full((1, 2, 4), 7.0, dtype=np.float32)], axis=1)
    assert DECODERS[name](padded_BTV) == DECODERS[name](LOG_PROBS_BTV)


def test_rounding_above_one_is_taken() -> None:
    sure_TV = np.log(np.array([[1.0, 1e-9]])) + 1e-6
    assert greedy(sure_TV[None], [1])[0].tokens == ()
    assert prefix_search(sure_TV).tokens == ()


def test_scores_of_given_labellings_read_half_precision() -> None:
    half_TV = LOG_PROBS_BTV[0].astype(np.float16)
    single_TV = half_TV.astype(np.float32)
    assert labelling_log_prob(half_TV, [1]) == labelling_log_prob(single_TV, [1])
    assert align(half_TV, [1]) == align(single_TV, [1])


@pytest.mark.parametrize("wrong", [2.0, np.nan])
def test_scores_of_given_labellings_and_priors_refuse_them_too(wrong: float) -> None:
    lattice_BTV = LOG_PROBS_BTV.copy()
    lattice_BTV[0, 1, 2] = wrong
    for read in (
        lambda: labelling_log_prob(lattice_BTV[0], [1]),
        lambda: align(lattice_BTV[0], [1]),
        lambda: label_log_priors(lattice_BTV, np.array([3])),
    ):
        with pytest.raises(ValueError, match=r"holds (NaN|a log-probability of 2), allowed: natural-log posteriors"):
            read()


def test_priors_that_are_not_finite_or_not_one_a_symbol_are_refused() -> None:
    decode = with_wfst_decoder()
    decode.decode(LOG_PROBS_BTV, [3], log_priors_V=np.log(np.full(4, 0.25)))
    for wrong in ([-1, -1, np.nan, -1], [np.nan] * 4, [-1, -1, -np.inf, -1], [-1, -1, -1]):
        with pytest.raises(
            ValueError, match=r"log_priors_V \(\d,\) with \d numbers that are not finite, allowed: \(4,\)"
        ):
            decode.decode(LOG_PROBS_BTV, [3], log_priors_V=np.array(wrong, dtype=np.float64))


@pytest.mark.parametrize("wrong", [2.0, np.nan])
@pytest.mark.parametrize("search", ["transducer_greedy", "transducer_beam", "attention_greedy", "attention_beam"])
def test_networks_that_answer_with_logits_are_refused(search: str, wrong: float) -> None:
    class Network:
        """Both of a transducer and an attention decoder: everything has the same log-probability."""

        num_frames_B = torch.tensor([3])

        def start(self) -> tuple[torch.Tensor, ...]:
            return (torch.zeros(1, 1),)

        def read(self, tokens_BW: torch.Tensor, state: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
            return (torch.zeros(tokens_BW.shape),)

        def log_probs(self, frames_BW: torch.Tensor, state: tuple[torch.Tensor, ...]) -> torch.Tensor:
            return torch.full((*frames_BW.shape, 4), wrong)

        def step(
            self, tokens_BW: torch.Tensor, state: tuple[torch.Tensor, ...]
        ) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
            return torch.full((*tokens_BW.shape, 4), wrong), (torch.zeros(tokens_BW.shape),)

    searches: dict[str, Callable[[Network], object]] = {
        "transducer_greedy": transducer_greedy,
        "transducer_beam": lambda model: transducer_beam_search(model, beam_size=2),
        "attention_greedy": lambda model: attention_greedy(model, max_tokens_B=torch.tensor([4])),
        "attention_beam": lambda model: attention_beam_search(
            model, beam_size=2, max_tokens_B=torch.tensor([4]), length_normalised=False, end_threshold=None
        ),
    }
    with pytest.raises(ValueError, match=r"NaN|holds a log-probability of 2, allowed: natural-log posteriors"):
        searches[search](Network())


@pytest.mark.parametrize("wrong", [1.5, -0.5, np.nan])
def test_curves_and_clip_probabilities_that_are_none_are_refused(wrong: float) -> None:
    post = PostProcessing(
        median_seconds=0, window_seconds=0, high_threshold=0.5, low_threshold=0.3, rescaled=False,
        longest_gap_seconds=0, shortest_event_seconds=0,
    )  # fmt: skip
    curves_TC = np.array([[0.2], [0.9], [0.9], [0.1]])

    def events(curves_TC: Lattice) -> tuple[Event, ...]:
        grid = FrameGrid(hop_seconds=0.25)
        return post.events(curves_TC, classes=["dog"], tagged=frozenset({"dog"}), grid=grid, end_seconds=1.0)

    assert events(curves_TC.astype(np.float16)) == events(curves_TC) == (Event(0.25, 0.75, "dog"),)
    curves_TC[2] = wrong
    with pytest.raises(ValueError, match=r"curves from .* to .*, allowed: probabilities, 0 to 1"):
        events(curves_TC)
    with pytest.raises(ValueError, match="1 numbers that are NaN or outside 0 to 1"):
        fit_class_thresholds(curves_TC, np.ones((4, 1)))


def test_whole_numbers_are_no_log_posteriors() -> None:
    with pytest.raises(ValueError, match="log_probs of type int64, allowed: natural-log posteriors"):
        as_floats(np.zeros((2, 2), dtype=np.int64))
