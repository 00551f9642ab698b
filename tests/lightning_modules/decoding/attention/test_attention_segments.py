"""The monotone reading of attention: by hand, and against every path."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_modules.decoding.attention.attention_segments import LEAST_WEIGHT, attention_segments


def test_a_stray_look_forbids_no_path() -> None:
    weights_UT = np.array([[0.0, 0.9, 0.1, 0.0], [0.9, 0.0, 0.0, 0.1], [0.0, 0.0, 0.1, 0.9]])
    edges_U = attention_segments(weights_UT)
    assert edges_U is not None
    assert edges_U.tolist() == [0, 2, 3, 4]


def test_fewer_frames_than_tokens_have_none() -> None:
    assert attention_segments(np.full((3, 2), 0.5)) is None


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_no_path_has_more_weight(data: st.DataObject) -> None:
    num_frames = data.draw(st.integers(1, 7))
    num_tokens = data.draw(st.integers(1, num_frames))
    draws = np.random.default_rng(data.draw(st.integers(0, 10_000)))
    weights_UT = draws.dirichlet(np.full(num_frames, 0.3), size=num_tokens)
    scores_UT = np.log(weights_UT + LEAST_WEIGHT)

    def weight(edges: list[int]) -> float:
        return float(sum(scores_UT[u, edges[u] : edges[u + 1]].sum() for u in range(num_tokens)))

    every = [[0, *inner, num_frames] for inner in combinations(range(1, num_frames), num_tokens - 1)]
    found = attention_segments(weights_UT)
    assert found is not None
    assert np.isclose(weight(found.tolist()), max(map(weight, every)))
