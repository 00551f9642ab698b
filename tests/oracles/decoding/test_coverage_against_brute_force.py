"""The beam of a speller that pays for hearing again, against every text up to the greatest length, written out.

The speller is a tiny random one with attention; of each text its weights are read at once, and what frames have heard
beyond the limit is summed by hand.
"""

from __future__ import annotations

import itertools
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_modules.decoding.attention.attention_beam import attention_beam_search
from lightning_modules.layers.attention import AttentionMaker, ContentAttention, LocationAttention
from lightning_modules.layers.covered_speller import CoveredSpeller
from lightning_modules.layers.speller import BoundSpeller, Speller, SpellerSettings

EVERYTHING, MAX_TOKENS = 1000, 4
TEXTS = [text for length in range(MAX_TOKENS + 1) for text in itertools.product((1, 2), repeat=length)]
KINDS: dict[str, AttentionMaker] = {
    "content": partial(ContentAttention, units=4),
    "location": partial(LocationAttention, units=4, channels=2, reach_frames=1),
}


def speller(seed: int, kind: str, *, cell: str, attend_first: bool) -> Speller:
    torch.manual_seed(seed)
    settings_ = SpellerSettings(attention=KINDS[kind], cell=cell, embedding_units=3, hidden_units=5)  # type: ignore[arg-type]
    network = Speller(num_symbols=3, num_encoded=3, settings=settings_, attend_first=attend_first).double().eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(3)  # so that it prefers some texts, and looks at some frames
    return network


def heard_beyond(weights_UT: list[list[float]], limit: float) -> float:
    return sum(max(sum(of_frame) - limit, 0.0) for of_frame in zip(*weights_UT, strict=True))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    kind=st.sampled_from(sorted(KINDS)),
    cell=st.sampled_from(("gru", "lstm")),
    attend_first=st.booleans(),
    limit=st.sampled_from((0.0, 0.5, 1.0)),
    weight=st.sampled_from((0.0, 0.3, 2.0)),
    token_bonus=st.sampled_from((0.0, 0.7)),
    length_normalised=st.booleans(),
)
@torch.no_grad()
def test_a_beam_that_holds_everything_finds_the_best_texts(
    seed, kind, cell, attend_first, limit, weight, token_bonus, length_normalised
) -> None:
    network = speller(seed, kind, cell=cell, attend_first=attend_first)
    encoded_1TH, num_frames_1 = torch.randn(1, 5, 3, dtype=torch.float64), torch.tensor([4])  # one frame is padding
    memory = network.memory(encoded_1TH, num_frames_1)
    expected = {}
    for text in TEXTS:
        spelled = network(torch.tensor([text], dtype=torch.int64), memory)
        own = sum(float(spelled.log_probs_BUV[0, u, token]) for u, token in enumerate((*text, 0)))
        total = own - weight * heard_beyond(spelled.weights_BUT[0].tolist(), limit) + token_bonus * len(text)
        expected[text] = total / (len(text) + 1) if length_normalised else total
    covered = CoveredSpeller(network, limit=limit, weight=weight)
    [found] = attention_beam_search(
        BoundSpeller(covered, memory), max_tokens_B=[MAX_TOKENS], beam_size=EVERYTHING, n_best=5,
        token_bonus=token_bonus, length_normalised=length_normalised, end_threshold=None,
    )  # fmt: skip
    assert [hypothesis.score for hypothesis in found] == pytest.approx(sorted(expected.values(), reverse=True)[:5])
    assert all(hypothesis.score == pytest.approx(expected[hypothesis.tokens]) for hypothesis in found)
