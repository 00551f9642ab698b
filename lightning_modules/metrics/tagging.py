"""F1 of tags: which classes occur in a clip, no matter when.

``F1 = 2 TP / (2 TP + FP + FN)``, by class, macro (mean over classes) and micro (from summed counts). Policy: a class
that is neither tagged nor predicted has no F1 and leaves the macro mean; one that is predicted but never tagged, or
tagged but never predicted, counts 0 in it. ``TaggingF1`` keeps only sums by class, so that it is exact under DDP when
every clip is seen once; ``score_tags`` is the same from sets of labels, with the numbers by class.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import torch
from torch import Tensor
from torchmetrics import Metric


@dataclass(frozen=True)
class TagClassScores:
    """Counts and rates (0-1) of one class; a rate is NaN where its denominator is 0."""

    true_positives: int
    false_positives: int
    false_negatives: int

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; NaN where the class is neither tagged nor predicted."""
        errors = self.false_positives + self.false_negatives
        return _ratio(2 * self.true_positives, 2 * self.true_positives + errors)

    @property
    def precision(self) -> float:
        """Share of predicted tags that are right."""
        return _ratio(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float:
        """Share of true tags that are predicted."""
        return _ratio(self.true_positives, self.true_positives + self.false_negatives)


@dataclass(frozen=True)
class TaggingScores:
    """Tagging F1 of a split: NaN where no clip has or is given a tag."""

    f1_macro: float
    f1_micro: float
    by_class: dict[str, TagClassScores]


def score_tags(
    reference: Mapping[str, Set[str]],
    estimated: Mapping[str, Set[str]],
    *,
    classes: Sequence[str] | None = None,
) -> TaggingScores:
    """Score the clips that the reference lists; a clip without an estimate has no estimated tags.

    ``classes`` defaults to the union of both (over the scored clips); tags outside given classes are left out.

    >>> scores = score_tags({"a": {"dog"}, "b": {"dog", "cat"}}, {"a": {"dog", "cat"}})
    >>> scores.f1_macro, scores.f1_micro  # dog: 1 hit, 1 miss; cat: 1 false alarm, 1 miss
    (0.3333333333333333, 0.4)
    """
    none: frozenset[str] = frozenset()
    pairs = [(reference[clip], estimated.get(clip, none)) for clip in reference]
    if classes is None:
        classes = sorted(set().union(*(true | given for true, given in pairs)))
    by_class = {
        label: TagClassScores(
            true_positives=sum(label in true and label in given for true, given in pairs),
            false_positives=sum(label not in true and label in given for true, given in pairs),
            false_negatives=sum(label in true and label not in given for true, given in pairs),
        )
        for label in classes
    }
    f1s = [scores.f1 for scores in by_class.values() if not math.isnan(scores.f1)]
    total = TagClassScores(
        true_positives=sum(scores.true_positives for scores in by_class.values()),
        false_positives=sum(scores.false_positives for scores in by_class.values()),
        false_negatives=sum(scores.false_negatives for scores in by_class.values()),
    )
    return TaggingScores(f1_macro=_ratio(sum(f1s), len(f1s)), f1_micro=total.f1, by_class=by_class)


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


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator else math.nan
