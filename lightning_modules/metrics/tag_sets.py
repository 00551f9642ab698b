"""F1 of tags: which classes occur in a clip, no matter when. Without torch, so that a command scores files at once.

``F1 = 2 TP / (2 TP + FP + FN)``, by class, macro (mean over classes) and micro (from summed counts). Policy: a class
that is neither tagged nor predicted has no F1 and leaves the macro mean; one that is predicted but never tagged, or
tagged but never predicted, counts 0 in it. ``tagging.TaggingF1`` is the same from probabilities, for training.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass


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


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator else math.nan
