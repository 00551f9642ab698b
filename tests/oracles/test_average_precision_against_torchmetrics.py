"""Our mean average precision equals torchmetrics' multilabel one, ties and absent classes included."""

from __future__ import annotations

import pytest
import torch
from torchmetrics.classification import MultilabelAveragePrecision

from lightning_modules.metrics.average_precision import TaggingAveragePrecision


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("decimals", [1, 6])  # one decimal makes many ties
def test_equals_torchmetrics(seed: int, decimals: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    probabilities_NC = torch.rand(40, 4, generator=generator).round(decimals=decimals)
    tags_NC = (torch.rand(40, 4, generator=generator) < 0.3).float()
    tags_NC[:, 3] = 0.0
    expected_C = MultilabelAveragePrecision(num_labels=4, average="none")(probabilities_NC, tags_NC.int())
    ours = TaggingAveragePrecision()
    for part in range(0, 40, 7):
        ours.update(probabilities_NC[part : part + 7], tags_NC[part : part + 7])
    assert ours.compute().item() == pytest.approx(expected_C[:3].mean().item(), abs=1e-6)


def test_no_tag_at_all_is_zero() -> None:
    ours = TaggingAveragePrecision()
    ours.update(torch.rand(3, 2), torch.zeros(3, 2))
    assert ours.compute().item() == 0.0
