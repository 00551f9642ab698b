"""The CTC loss equals minus the log of the sum over all alignments, enumerated."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_modules.losses.ctc import InfeasibleError, ctc_loss, min_frames


def collapse(path: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(token for token, _ in itertools.groupby(path) if token != 0)


def probability(log_probs_TV: torch.Tensor, tokens: tuple[int, ...]) -> float:
    frames, symbols = log_probs_TV.shape
    return sum(
        math.exp(sum(float(log_probs_TV[t, symbol]) for t, symbol in enumerate(path)))
        for path in itertools.product(range(symbols), repeat=frames)
        if collapse(path) == tokens
    )


@settings(max_examples=40, deadline=None)
@given(frames=st.integers(1, 5), symbols=st.integers(2, 3), seed=st.integers(0, 999), data=st.data())
def test_loss_is_the_sum_over_alignments(frames: int, symbols: int, seed: int, data: st.DataObject) -> None:
    generator = torch.Generator().manual_seed(seed)
    tokens = tuple(data.draw(st.lists(st.integers(1, symbols - 1), max_size=frames)))
    padding = data.draw(st.integers(0, 2))
    log_probs_BTV = torch.randn(1, frames + padding, symbols, generator=generator).mul(2).log_softmax(-1)
    tokens_BU = torch.tensor([[*tokens, *[0] * padding]], dtype=torch.int64)
    arguments = (log_probs_BTV, torch.tensor([frames]), tokens_BU, torch.tensor([len(tokens)]))
    exact = probability(log_probs_BTV[0, :frames], tokens)
    assert (exact > 0) == (frames >= min_frames(tokens))
    if exact > 0:
        assert ctc_loss(*arguments).item() == pytest.approx(-math.log(exact), rel=1e-4, abs=1e-5)
    else:
        with pytest.raises(InfeasibleError):
            ctc_loss(*arguments)


@given(tokens=st.lists(st.integers(1, 3), max_size=6))
def test_min_frames_is_the_shortest_path(tokens: list[int]) -> None:
    path: list[int] = []
    for token in tokens:
        path += [0, token] if path and path[-1] == token else [token]
    assert collapse(tuple(path)) == tuple(tokens)
    assert min_frames(tokens) == len(path)


def test_utterances_do_not_depend_on_the_batch_nor_on_padding() -> None:
    torch.manual_seed(0)
    log_probs_BTV = torch.randn(3, 12, 5).log_softmax(-1)
    frames_B, tokens_BU, num_tokens_B = (
        torch.tensor([12, 7, 9]),
        torch.tensor([[1, 2, 2, 4], [3, 0, 0, 0], [4, 4, 1, 0]]),
        torch.tensor([4, 1, 3]),
    )
    together_B = ctc_loss(log_probs_BTV, frames_B, tokens_BU, num_tokens_B)
    for row in range(3):
        frames, used = int(frames_B[row]), int(num_tokens_B[row])
        alone = ctc_loss(
            log_probs_BTV[row : row + 1, :frames],
            frames_B[row : row + 1],
            tokens_BU[row : row + 1, :used],
            num_tokens_B[row : row + 1],
        )
        torch.testing.assert_close(together_B[row], alone[0])


def test_it_is_not_torchs_mean() -> None:
    log_probs_BTV = torch.randn(2, 9, 4).log_softmax(-1)
    arguments = (torch.tensor([[1, 2, 3], [1, 0, 0]]), torch.tensor([9, 9]), torch.tensor([3, 1]))
    loss_B = ctc_loss(log_probs_BTV, arguments[1], arguments[0], arguments[2])
    torchs = torch.nn.functional.ctc_loss(log_probs_BTV.transpose(0, 1), *arguments)
    torch.testing.assert_close((loss_B / arguments[2]).mean(), torchs)
    assert loss_B.mean() > torchs


def test_all_infeasible_rows_are_named() -> None:
    log_probs_BTV = torch.zeros(3, 4, 3).log_softmax(-1)
    tokens_BU = torch.tensor([[1, 1, 1], [1, 2, 1], [2, 2, 0]])
    with pytest.raises(InfeasibleError, match=r"batch rows \[0, 2\]") as told:
        ctc_loss(log_probs_BTV, torch.tensor([4, 4, 2]), tokens_BU, torch.tensor([3, 3, 2]))
    assert told.value.rows == (0, 2)
