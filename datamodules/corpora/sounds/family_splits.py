"""Deals recording families to train, validation and test, class by class, so that no family is in two splits.

A recording that was heard in training makes a test clip easy for the wrong reason. The deal is a pure function of the
names: families are ordered by a hash, then the first quarter goes to test, the next sixth to validation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection


def split_families(label: str, families: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Families of one class by split, each sorted; at least two in test and one in validation where there are six.

    Raises ``ValueError`` for fewer than three families, since then some split would be empty.

    >>> {split: len(dealt) for split, dealt in split_families("bird", [f"family{k}" for k in range(12)]).items()}
    {'train': 7, 'validation': 2, 'test': 3}
    """
    unique = sorted(set(families), key=lambda family: hashlib.sha256(f"{label}/{family}".encode()).digest())
    if len(unique) < 3:
        raise ValueError(
            f"class {label!r} has {len(unique)} recording families, allowed: 3 or more, one for each split"
        )
    num_test = max(2 if len(unique) >= 6 else 1, round(len(unique) / 4))
    num_validation = max(1, round(len(unique) / 6))
    dealt = {
        "train": unique[num_test + num_validation :],
        "validation": unique[num_test : num_test + num_validation],
        "test": unique[:num_test],
    }
    return {split: tuple(sorted(part)) for split, part in dealt.items()}
