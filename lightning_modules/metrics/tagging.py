"""F1 of tags while training, from thresholded clip probabilities.

``F1 = 2 TP / (2 TP + FP + FN)``, macro and micro, with the empty-class policy of ``tag_sets.py``. Keeps only sums by
class, so that it is exact under DDP when every clip is seen once.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import Metric


class TaggingF1(Metric):
    """Macro and micro F1 of thresholded clip probabilities, for use while training.

    Differs from ``torchmetrics.classification.MultilabelF1Score`` in the macro mean, which leaves out classes that are
    neither tagged nor predicted (that class counts them as 0), and in returning both means from one state. 0 where
    nothing was seen, so that a checkpoint can monitor it.

    >>> metric = TaggingF1(num_classes=2)
    >>> metric.update(torch.tensor([[0.9, 0.8], [0.1, 0.2]]), torch.tensor([[1.0, 0.0], [1.0, 1.0]]))
    >>> {name: round(value.item(), 4) for name, value in metric.compute().items()}
    {'macro': 0.3333, 'micro': 0.4}
    """

    full_state_update = False
    true_positives_C: Tensor
    false_positives_C: Tensor
    false_negatives_C: Tensor

    def __init__(self, *, num_classes: int, threshold: float = 0.5) -> None:
        super().__init__()
        self.threshold = threshold
        for name in ("true_positives_C", "false_positives_C", "false_negatives_C"):
            self.add_state(name, default=torch.zeros(num_classes, dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, probabilities_BC: Tensor, tags_BC: Tensor) -> None:
        """Add a batch: probabilities in [0, 1], predicted where >= threshold; tags in {0, 1}; both (B, C)."""
        predicted_BC, true_BC = probabilities_BC >= self.threshold, tags_BC > 0.5
        self.true_positives_C += (predicted_BC & true_BC).sum(dim=0)
        self.false_positives_C += (predicted_BC & ~true_BC).sum(dim=0)
        self.false_negatives_C += (~predicted_BC & true_BC).sum(dim=0)

    def compute(self) -> dict[str, Tensor]:
        """``{"macro": …, "micro": …}``, scalars in [0, 1]."""
        hits_C = 2.0 * self.true_positives_C
        either_C = hits_C + self.false_positives_C + self.false_negatives_C
        f1_C = hits_C / either_C.clamp(min=1)
        macro = f1_C.sum() / (either_C > 0).sum().clamp(min=1)
        return {"macro": macro, "micro": hits_C.sum() / either_C.sum().clamp(min=1)}
