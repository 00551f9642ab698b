"""Raw logits are refused by every CTC decoder, half precision is converted: none answers where another cannot."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from lightning_modules.decoding.ctc_prefix_scores import CtcPrefixScorer
from lightning_modules.decoding.greedy import greedy
from lightning_modules.decoding.labelling import align, labelling_log_prob
from lightning_modules.decoding.log_posteriors import as_floats
from lightning_modules.decoding.prefix_beam import prefix_beam_search
from lightning_modules.decoding.prefix_search import prefix_search, prefix_search_batch

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


def with_wfst() -> dict[str, Callable[[Lattice | torch.Tensor], object]]:
    pytest.importorskip("kaldifst")
    from lightning_modules.decoding.language_model import BackoffNgrams, Ngram
    from lightning_modules.decoding.wfst import WfstDecoder

    log_prob = -float(np.log(3.0))
    table = {(token,): Ngram(log_prob) for token in range(3)}
    ngrams = BackoffNgrams(symbols=("<blank>", "<unk>", "a"), unit="word", tables=(table,))
    decoder = WfstDecoder(symbols=("<blank>", " ", "a", "b"), words=["a"], ngrams=ngrams)
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


def test_whole_numbers_are_no_log_posteriors() -> None:
    with pytest.raises(ValueError, match="log_probs of type int64, allowed: natural-log posteriors"):
        as_floats(np.zeros((2, 2), dtype=np.int64))
