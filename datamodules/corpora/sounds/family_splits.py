"""Deals recording families to train, validation and test, class by class, so that no family is in two splits.

A recording that was heard in training makes a test clip easy for the wrong reason. The deal is a pure function of the
names: families are ordered by a hash, then the first quarter goes to test, the next sixth to validation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping


def split_families(label: str, families: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Families of one class by split, each sorted; at least two in test and one in validation where there are six.

    Raises ``ValueError`` for fewer than three families, since then some split would be empty.

    >>> {split: len(dealt) for split, dealt in split_families("bird", [f"family{k}" for k in range(12)]).items()}
    {'train': 7, 'validation': 2, 'test': 3}
    """
    unique = _ordered(label, families)
    _, num_validation, num_test = _sizes(label, len(unique))
    dealt = {
        "train": unique[num_test + num_validation :],
        "validation": unique[num_test : num_test + num_validation],
        "test": unique[:num_test],
    }
    return {split: tuple(sorted(part)) for split, part in dealt.items()}


def split_shared_families(families: Mapping[str, Collection[str]]) -> dict[str, dict[str, tuple[str, ...]]]:
    """The same for classes of which some share families: a family is in one split, whatever class it is heard in.

    Classes of few families choose first; each class then fills what its splits lack. Where none is shared, the deal is
    that of ``split_families``. Raises ``ValueError`` for a class that has no family for some split.

    >>> split_shared_families({"cup": ["mon", "tue", "wed"], "tap": ["mon", "tue", "wed", "thu"]})["tap"]["test"]
    ('mon',)
    """
    split_of: dict[str, str] = {}
    for label in sorted(families, key=lambda label: (len(set(families[label])), label)):
        ordered = _ordered(label, families[label])
        sizes = dict(zip(("train", "validation", "test"), _sizes(label, len(ordered)), strict=True))
        free = [family for family in ordered if family not in split_of]
        there = {split: sum(split_of.get(family) == split for family in ordered) for split in sizes}
        empty = [split for split in sizes if not there[split]]
        if len(free) < len(empty):
            raise ValueError(
                f"class {label!r}: {len(ordered) - len(free)} of its {len(ordered)} recording families are of other "
                f"classes too, and none is left for {empty[-1]}; allowed: 3 or more families of its own"
            )
        for split in ("test", "validation", "train"):
            others = sum(other != split and not there[other] for other in sizes)  # each of them needs one
            wanted = len(free) if split == "train" else min(max(0, sizes[split] - there[split]), len(free) - others)
            split_of |= dict.fromkeys(free[:wanted], split)
            free, there[split] = free[wanted:], there[split] + wanted
    return {
        label: {
            split: tuple(sorted(family for family in set(of) if split_of[family] == split))
            for split in ("train", "validation", "test")
        }
        for label, of in families.items()
    }


def _ordered(label: str, families: Collection[str]) -> list[str]:
    return sorted(set(families), key=lambda family: hashlib.sha256(f"{label}/{family}".encode()).digest())


def _sizes(label: str, num_families: int) -> tuple[int, int, int]:
    """How many of a class's families train, validate and test. Raises ``ValueError`` for fewer than three."""
    if num_families < 3:
        raise ValueError(
            f"class {label!r} has {num_families} recording families, allowed: 3 or more, one for each split"
        )
    num_test = max(2 if num_families >= 6 else 1, round(num_families / 4))
    num_validation = max(1, round(num_families / 6))
    return num_families - num_test - num_validation, num_validation, num_test
