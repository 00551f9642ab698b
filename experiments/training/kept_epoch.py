"""Weights of an early epoch, which a run says: the training did harm, or what chose the epoch is no measure of it.

Error rates of greedy spelling kept attention models after a twelfth of their training here (CONTRIBUTING.md).
"""

from __future__ import annotations

EARLY_SHARE = 0.2
FEWEST_EPOCHS = 5  # of fewer, a fifth is the first one


def early_epoch(kept: int, *, trained: int, monitor: str) -> str:
    """What to say of weights of epoch ``kept``, counted from 0, after ``trained`` epochs; empty where nothing is odd.

    >>> early_epoch(0, trained=12, monitor="validation/cer")
    'kept are the weights of epoch 1 of 12: no later one had a better validation/cer; look at the learning curves'
    >>> early_epoch(8, trained=12, monitor="validation/cer"), early_epoch(0, trained=2, monitor="validation/cer")
    ('', '')
    """
    if trained < FEWEST_EPOCHS or kept + 1 > EARLY_SHARE * trained:
        return ""
    return (
        f"kept are the weights of epoch {kept + 1} of {trained}: no later one had a better {monitor}; "
        "look at the learning curves"
    )
