"""Mean average precision of tags: how well clips are ranked by class, whatever the threshold.

``AP_c = Σ_n (R_n - R_{n-1}) P_n`` over the distinct scores of a class, from the highest; the mean leaves out classes
that no clip has. Systems whose clip probabilities mean different things (a mean over frames stays low for a short
event, a maximum does not) choose their epoch by it without favour: their thresholds are fitted afterwards.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat


class TaggingAveragePrecision(Metric):
    """Keeps all clips' probabilities, so that it is exact under DDP when every clip is seen once.

    0 where no clip has a tag, so that a checkpoint can monitor it.

    >>> metric = TaggingAveragePrecision()
    >>> metric.update(torch.tensor([[0.9], [0.8], [0.1]]), torch.tensor([[1.0], [0.0], [1.0]]))
    >>> metric.compute()  # 1/2 * 1/1 + 1/2 * 2/3
    tensor(0.8333)
    """

    full_state_update = False
    probabilities: list[Tensor]
    tags: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.add_state("probabilities", default=[], dist_reduce_fx="cat")
        self.add_state("tags", default=[], dist_reduce_fx="cat")

    def update(self, probabilities_BC: Tensor, tags_BC: Tensor) -> None:
        """Add a batch: probabilities in [0, 1], tags in {0, 1}, both (B, C)."""
        self.probabilities.append(probabilities_BC)
        self.tags.append(tags_BC)

    def compute(self) -> Tensor:
        """The mean over classes, a scalar in [0, 1]."""
        probabilities_NC, tags_NC = dim_zero_cat(self.probabilities), dim_zero_cat(self.tags)
        pairs = zip(probabilities_NC.T, tags_NC.T, strict=True)
        values = [_average_precision(scores_N, tags_N) for scores_N, tags_N in pairs if tags_N.any()]
        return torch.stack(values).mean() if values else probabilities_NC.new_zeros(())


def _average_precision(scores_N: Tensor, tags_N: Tensor) -> Tensor:
    order = scores_N.argsort(descending=True)
    hits_N = tags_N[order].float().cumsum(0)
    # Clips of equal score enter together: only the last of them is an operating point.
    ranked_N = scores_N[order]
    is_last_N = torch.cat([ranked_N[1:] != ranked_N[:-1], ranked_N.new_ones(1, dtype=torch.bool)])
    ranks_N = torch.arange(1, len(order) + 1, device=scores_N.device)
    precision, recall = (hits_N / ranks_N)[is_last_N], (hits_N / hits_N[-1])[is_last_N]
    return (torch.diff(recall, prepend=recall.new_zeros(1)) * precision).sum()
