"""The corrected resampled t-test over folds (Nadeau & Bengio, Inference for the Generalization Error, 2003).

Folds of one corpus train on mostly the same clips, so their differences are no independent ones, and s² / k is too
small a variance of their mean: it is (1 / k + n_test / n_train) · s². Seeds of one fold share its clips altogether and
are averaged first: k is the number of folds.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping

from experiments.statistics.combined_error import Part
from experiments.statistics.trainings import Training


def share_tested(num_train: int | None, num_test: int | None, *, num_folds: int) -> float:
    """n_test / n_train of counts of clips; of k folds 1 / (k - 1) where they are not known."""
    return num_test / num_train if num_train and num_test else 1 / (num_folds - 1)


def fold_differences(values: Mapping[Training, float], baseline: Mapping[Training, float]) -> dict[str | None, float]:
    """Of each fold the mean, over the seeds that both rows have there, of their differences."""
    by_fold: dict[str | None, list[float]] = {}
    for training in values:
        if training in baseline:
            by_fold.setdefault(training.fold, []).append(values[training] - baseline[training])
    return {fold: statistics.fmean(of) for fold, of in by_fold.items()}


def over_folds(differences: Mapping[str | None, float], *, share: float) -> Part | None:
    """The variance of the mean of ``differences``, with k - 1 degrees of freedom; None of one fold.

    >>> over_folds({"a": 0.1, "b": 0.2, "c": 0.3}, share=0.5)  # (1/3 + 1/2) of a variance of 0.01
    Part(variance=0.008333333333333333, df=2)
    """
    k = len(differences)
    if k < 2:
        return None
    variance = statistics.variance(differences.values())
    if not math.isfinite(variance):
        return None
    return Part((1 / k + share) * variance, k - 1)
