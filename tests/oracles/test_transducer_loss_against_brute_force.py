"""The transducer's loss equals minus the log of the sum over all alignments, enumerated; its gradient the slopes."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lightning_modules.losses.transducer import transducer_loss


def log_prob(logits_TNV: Tensor, tokens: tuple[int, ...]) -> float:
    """Every order of T - 1 blanks and U tokens, then the last blank."""
    log_probs_TNV = logits_TNV.double().log_softmax(-1)
    last, total = len(logits_TNV) - 1, []
    for places in itertools.combinations(range(last + len(tokens)), len(tokens)):
        frame, written, path = 0, 0, 0.0
        for step in range(last + len(tokens)):
            path += float(log_probs_TNV[frame, written, tokens[written] if step in places else 0])
            frame, written = (frame, written + 1) if step in places else (frame + 1, written)
        total.append(path + float(log_probs_TNV[last, len(tokens), 0]))
    best = max(total)
    return best + math.log(math.fsum(math.exp(path - best) for path in total))


def loss(logits_TNV: Tensor, tokens: tuple[int, ...]) -> Tensor:
    lengths = torch.tensor([len(logits_TNV)]), torch.tensor([len(tokens)])
    tokens_BU = torch.tensor([tokens], dtype=torch.int64)
    return transducer_loss(logits_TNV.unsqueeze(0), lengths[0], tokens_BU, lengths[1])[0]


@settings(max_examples=60)
@given(
    num_frames=st.integers(1, 4), tokens=st.lists(st.integers(1, 2), max_size=4), seed=st.integers(0, 999),
    scale=st.sampled_from((0.0, 1.0, 30.0, 1000.0)),
)  # fmt: skip
def test_loss_is_the_sum_over_alignments(num_frames: int, tokens: list[int], seed: int, scale: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits_TNV = torch.randn(num_frames, len(tokens) + 1, 3, generator=generator, dtype=torch.float64) * scale
    expected = -log_prob(logits_TNV, tuple(tokens))
    assert loss(logits_TNV, tuple(tokens)).item() == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_all_texts_of_a_cut_lattice_share_the_probability() -> None:
    """Where no cell after two tokens writes another one, seven texts over two symbols are all there are."""
    logits_TNV = torch.randn(3, 3, 3)
    logits_TNV[:, 2, 1:] = -math.inf
    texts = [text for length in range(3) for text in itertools.product((1, 2), repeat=length)]
    # The lattice is the same for every text, as that of a predictor that only counts.
    probs = [loss(logits_TNV[:, : len(text) + 1], text).neg().exp() for text in texts]
    assert sum(probs) == pytest.approx(1.0)


@pytest.mark.parametrize("tokens", [(), (1,), (2, 2), (1, 3, 3)])
@pytest.mark.parametrize("num_frames", [1, 3])
def test_gradients_are_finite_differences(num_frames: int, tokens: tuple[int, ...]) -> None:
    logits_TNV = torch.randn(num_frames, len(tokens) + 1, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda logits: loss(logits, tokens), (logits_TNV,))


def test_gradients_of_padded_batches_with_weights_are_finite_differences() -> None:
    logits_BTNV = torch.randn(3, 4, 4, 3, dtype=torch.float64, requires_grad=True)
    lengths = torch.tensor([4, 1, 3]), torch.tensor([[1, 2, 2], [1, 1, 0], [0, 0, 0]]), torch.tensor([3, 2, 0])
    weights_B = torch.tensor([0.5, -2.0, 1.0], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda logits: transducer_loss(logits, *lengths) @ weights_B, (logits_BTNV,))


@settings(max_examples=40)
@given(
    lengths=st.lists(st.tuples(st.integers(1, 6), st.lists(st.integers(1, 4), max_size=5)), min_size=1, max_size=4),
    seed=st.integers(0, 999),
)
def test_padding_and_batch_change_neither_value_nor_gradient(lengths: list[tuple[int, list[int]]], seed: int) -> None:
    frames, texts = [frames for frames, _ in lengths], [text for _, text in lengths]
    longest, places = max(frames) + 1, max(map(len, texts)) + 2
    generator = torch.Generator().manual_seed(seed)
    logits_BTNV = (torch.randn(len(lengths), longest, places, 5, generator=generator) * 3).requires_grad_()
    tokens_BU = torch.tensor([[*text, *[4] * (places - 1 - len(text))] for text in texts])  # padding is not looked at
    together_B = transducer_loss(logits_BTNV, torch.tensor(frames), tokens_BU, torch.tensor([len(t) for t in texts]))
    together_B.sum().backward()
    assert logits_BTNV.grad is not None
    for row, text in enumerate(texts):
        alone_TNV = logits_BTNV[row, : frames[row], : len(text) + 1].detach().clone().requires_grad_()
        value = loss(alone_TNV, tuple(text))
        value.backward()
        assert value.item() == pytest.approx(together_B[row].item(), rel=1e-12)
        padded_TNV = torch.zeros_like(logits_BTNV[row])
        padded_TNV[: frames[row], : len(text) + 1] = alone_TNV.grad
        torch.testing.assert_close(logits_BTNV.grad[row], padded_TNV, rtol=1e-5, atol=1e-7)
        assert not logits_BTNV.grad[row][frames[row] :].any()
        assert not logits_BTNV.grad[row][:, len(text) + 1 :].any()


def test_gradients_stay_finite_where_an_alignment_is_all_but_impossible() -> None:
    logits_TNV = torch.full((5, 4, 3), -1e4)
    logits_TNV[..., 2] = 1e4  # the text has no 2
    logits_TNV.requires_grad_()
    value = loss(logits_TNV, (1, 1, 1))
    value.backward()
    assert value.item() == pytest.approx(8 * 2e4, rel=1e-4)
    assert logits_TNV.grad is not None
    assert bool(torch.isfinite(logits_TNV.grad).all())


def test_an_impossible_text_costs_infinity() -> None:
    logits_TNV = torch.zeros(2, 2, 2)
    logits_TNV[..., 1] = -math.inf
    assert loss(logits_TNV, (1,)).item() == math.inf


def test_half_precision_is_widened_and_its_gradient_has_its_own_type() -> None:
    logits_TNV = torch.randn(4, 3, 5).bfloat16().requires_grad_()
    value = loss(logits_TNV, (1, 4))
    value.backward()
    assert value.item() == pytest.approx(-log_prob(logits_TNV.detach().double(), (1, 4)), rel=1e-6)
    assert logits_TNV.grad is not None
    assert logits_TNV.grad.dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("frames", "tokens", "told"),
    [(0, 1, r"num_frames_B \[0\], allowed: 1 to 3"), (4, 1, "allowed: 1 to 3"), (3, 2, r"num_tokens_B \[2\], allowed")],
)
def test_lengths_that_do_not_fit_are_named(frames: int, tokens: int, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        transducer_loss(torch.zeros(1, 3, 2, 4), torch.tensor([frames]), torch.tensor([[1]]), torch.tensor([tokens]))


def test_shapes_that_do_not_fit_are_named() -> None:
    with pytest.raises(ValueError, match=r"logits \(1, 3, 2, 4\) and tokens \(1, 2\), allowed"):
        transducer_loss(torch.zeros(1, 3, 2, 4), torch.tensor([3]), torch.tensor([[1, 1]]), torch.tensor([2]))
