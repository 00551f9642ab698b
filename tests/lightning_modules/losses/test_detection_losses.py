"""The losses by hand: each case is small enough for pencil and paper."""

from __future__ import annotations

import math

import pytest
import torch

from lightning_modules.losses.false_strong import false_strong_loss
from lightning_modules.losses.mil import similarity_penalty
from lightning_modules.losses.strong import frame_loss
from lightning_modules.losses.tagging import tagging_loss


def all_frames(curves_BTC: torch.Tensor) -> torch.Tensor:
    return torch.ones(curves_BTC.shape[:2], dtype=torch.bool)


def test_tagging_loss_by_hand() -> None:
    loss = tagging_loss(torch.tensor([[0.9, 0.2], [0.5, 0.4]]), torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
    assert loss.item() == pytest.approx(-(math.log(0.9) + math.log(0.8) + math.log(0.5) + math.log(0.4)) / 4)


def test_certain_and_wrong_is_finite() -> None:
    probabilities_BC = torch.tensor([[0.0, 1.0]], requires_grad=True)
    loss = tagging_loss(probabilities_BC, torch.tensor([[1.0, 0.0]]))
    loss.backward()
    assert loss.item() == pytest.approx(100.0)
    assert probabilities_BC.grad is not None
    assert torch.isfinite(probabilities_BC.grad).all()


def test_false_strong_labels_repeat_the_tag_over_time() -> None:
    curves_BTC = torch.tensor([[[0.9, 0.2], [0.3, 0.1]]])
    loss = false_strong_loss(curves_BTC, torch.tensor([[1.0, 0.0]]), all_frames(curves_BTC))
    assert loss.item() == pytest.approx(-(math.log(0.9) + math.log(0.8) + math.log(0.3) + math.log(0.9)) / 4)


def test_frame_loss_counts_every_clip_alike_and_no_padding() -> None:
    curves_BTC = torch.tensor([[[0.9], [0.9]], [[0.5], [0.001]]])
    targets_BTC = torch.ones(2, 2, 1)
    loss = frame_loss(curves_BTC, targets_BTC, torch.tensor([[True, True], [True, False]]))
    assert loss.item() == pytest.approx(-(math.log(0.9) + math.log(0.5)) / 2)


def test_penalty_of_a_clip_with_one_tag_is_zero() -> None:
    curves_BTC = torch.rand(3, 7, 4)
    tags_BC = torch.eye(4)[:3]
    assert similarity_penalty(curves_BTC, tags_BC, all_frames(curves_BTC)).item() == 0.0


def test_two_identical_co_tagged_curves_add_two_over_classes() -> None:
    curves_BTC = torch.rand(1, 9, 5)
    curves_BTC[..., 3] = curves_BTC[..., 1]
    penalty = similarity_penalty(curves_BTC, torch.tensor([[0.0, 1.0, 0.0, 1.0, 0.0]]), all_frames(curves_BTC))
    assert penalty.item() == pytest.approx(2 / 5, abs=1e-6)


def test_penalty_is_averaged_over_clips() -> None:
    curves_BTC = torch.rand(1, 9, 1).expand(4, 9, 5)
    tags_BC = torch.zeros(4, 5)
    tags_BC[0, :2] = 1.0
    assert similarity_penalty(curves_BTC, tags_BC, all_frames(curves_BTC)).item() == pytest.approx(2 / 5 / 4, abs=1e-6)


def test_curves_apart_in_time_pay_nothing() -> None:
    curves_BTC = torch.tensor([[[0.9, 0.0], [0.0, 0.7]]])
    assert similarity_penalty(curves_BTC, torch.ones(1, 2), all_frames(curves_BTC)).item() == 0.0


def test_cosine_by_hand() -> None:
    curves_BTC = torch.tensor([[[0.3, 0.4], [0.4, 0.3]]])  # cos = 0.24 / 0.25, twice, over 2 classes
    penalty = similarity_penalty(curves_BTC, torch.ones(1, 2), all_frames(curves_BTC))
    assert penalty.item() == pytest.approx(0.96, abs=1e-6)


def test_padded_frames_do_not_enter_the_cosine() -> None:
    curves_BTC = torch.tensor([[[0.9, 0.0], [0.0, 0.7], [0.5, 0.5]]])
    mask_BT = torch.tensor([[True, True, False]])
    assert similarity_penalty(curves_BTC, torch.ones(1, 2), mask_BT).item() == 0.0


@pytest.mark.parametrize("zeros", [(0,), (0, 1)])
def test_gradient_is_finite_where_curves_are_all_zeros(zeros: tuple[int, ...]) -> None:
    curves_BTC = torch.rand(1, 6, 2)
    curves_BTC[..., list(zeros)] = 0.0
    curves_BTC.requires_grad_()
    penalty = similarity_penalty(curves_BTC, torch.ones(1, 2), all_frames(curves_BTC))
    penalty.backward()
    assert penalty.item() == pytest.approx(0.0, abs=1e-6)
    assert curves_BTC.grad is not None
    assert torch.isfinite(curves_BTC.grad).all()
