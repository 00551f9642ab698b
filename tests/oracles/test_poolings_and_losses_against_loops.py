"""Poolings and losses equal the formulas of SYSTEMS.md, written as plain loops over clips, frames and classes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from lightning_modules.layers.pooling import AutoPool, attention_pool, linear_softmax_pool, max_pool, mean_pool
from lightning_modules.losses.false_strong import false_strong_loss
from lightning_modules.losses.mil import similarity_penalty
from lightning_modules.losses.strong import frame_loss
from lightning_modules.losses.tagging import tagging_loss

B, T, C = 4, 11, 5


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture
def curves_BTC(rng: np.random.Generator) -> NDArray[np.float64]:
    return rng.uniform(0.01, 0.99, size=(B, T, C))


@pytest.fixture
def lengths_B(rng: np.random.Generator) -> list[int]:
    return [int(length) for length in rng.integers(1, T + 1, size=B)]


@pytest.fixture
def tags_BC(rng: np.random.Generator) -> NDArray[np.int64]:
    return rng.integers(0, 2, size=(B, C))


def tensor(array: NDArray[np.generic]) -> torch.Tensor:
    return torch.from_numpy(np.asarray(array, dtype=np.float32))


def mask(lengths_B: list[int]) -> torch.Tensor:
    return torch.arange(T) < torch.tensor(lengths_B).unsqueeze(1)


def binary_cross_entropy(target: float, probability: float) -> float:
    return -(target * math.log(probability) + (1 - target) * math.log(1 - probability))


def test_poolings(curves_BTC: NDArray[np.float64], lengths_B: list[int], rng: np.random.Generator) -> None:
    attention_BTC = rng.dirichlet(np.ones(C), size=(B, T))
    alpha_C = rng.normal(size=C) * 3
    auto = AutoPool(num_classes=C)
    with torch.no_grad():
        auto.alpha_C.copy_(tensor(alpha_C))
    p, m = tensor(curves_BTC), mask(lengths_B)
    pooled = {
        "mean": mean_pool(p, m),
        "max": max_pool(p, m),
        "linear": linear_softmax_pool(p, m),
        "attention": attention_pool(p, tensor(attention_BTC), m),
        "auto": auto(p, m).detach(),
    }
    for b in range(B):
        for c in range(C):
            y = curves_BTC[b, : lengths_B[b], c].tolist()
            z = attention_BTC[b, : lengths_B[b], c].tolist()
            e = [math.exp(alpha_C[c] * value) for value in y]
            expected = {
                "mean": sum(y) / len(y),
                "max": max(y),
                "linear": sum(value**2 for value in y) / sum(y),
                "attention": sum(a * w for a, w in zip(y, z, strict=True)) / sum(z),
                "auto": sum(a * w for a, w in zip(y, e, strict=True)) / sum(e),
            }
            for name, value in expected.items():
                assert pooled[name][b, c].item() == pytest.approx(value, abs=1e-5), name


def test_false_strong_and_frame_loss(
    curves_BTC: NDArray[np.float64], lengths_B: list[int], tags_BC: NDArray[np.int64], rng: np.random.Generator
) -> None:
    strong_BTC = rng.integers(0, 2, size=(B, T, C))
    false_strong, strong = 0.0, 0.0
    for b, length in enumerate(lengths_B):
        for t in range(length):
            for c in range(C):
                share = 1 / (B * length * C)
                false_strong += share * binary_cross_entropy(tags_BC[b, c], curves_BTC[b, t, c])
                strong += share * binary_cross_entropy(strong_BTC[b, t, c], curves_BTC[b, t, c])
    p, m = tensor(curves_BTC), mask(lengths_B)
    assert false_strong_loss(p, tensor(tags_BC), m).item() == pytest.approx(false_strong, rel=1e-5)
    assert frame_loss(p, tensor(strong_BTC), m).item() == pytest.approx(strong, rel=1e-5)


def test_mil_loss_with_penalty(
    curves_BTC: NDArray[np.float64], lengths_B: list[int], tags_BC: NDArray[np.int64]
) -> None:
    alpha, expected = 0.1, 0.0
    for b, length in enumerate(lengths_B):
        for c in range(C):
            y_c = curves_BTC[b, :length, c]
            term = binary_cross_entropy(tags_BC[b, c], max(y_c))
            for other in range(C):
                if other != c:
                    y_l = curves_BTC[b, :length, other]
                    cosine = sum(y_l * y_c) / math.sqrt(sum(y_l**2) * sum(y_c**2))
                    term += alpha * tags_BC[b, c] * tags_BC[b, other] * max(0.0, cosine)
            expected += term / (B * C)
    p, y, m = tensor(curves_BTC), tensor(tags_BC), mask(lengths_B)
    ours = tagging_loss(max_pool(p, m), y) + alpha * similarity_penalty(p, y, m)
    assert ours.item() == pytest.approx(expected, rel=1e-5)


def test_tagging_loss_equals_torch(curves_BTC: NDArray[np.float64], tags_BC: NDArray[np.int64]) -> None:
    p, y = tensor(curves_BTC[:, 0]), tensor(tags_BC)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(torch.logit(p), y)
    assert tagging_loss(p, y).item() == pytest.approx(expected.item(), rel=1e-5)
