"""Deals recording families into five parts, class by class, and lets each part be the test of one fold.

In fold k part k is test, part k + 1 (of five, in a ring) validation, the other three are training. So every recording
is a test recording once, and no family is in two splits of a fold. The parts are a pure function of the families' names
and seconds: their numbers differ by one at most, and the longest families go where least lies yet. Which of them comes
first is a hash of the class's name, so that no fold tests the longest family of every class.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

NUM_FOLDS = 5


def fold_parts(label: str, seconds: Mapping[str, float]) -> tuple[tuple[str, ...], ...]:
    """The families of one class in ``NUM_FOLDS`` parts, each sorted; ``seconds`` is how long each family is.

    Families are dealt from the longest to the shortest, five a round, one to each part; in a round the longest goes to
    the part that is shortest so far. Raises ``ValueError`` for fewer families than parts, since then a fold would have
    nothing to test the class with.

    >>> fold_parts("bird", {"owl": 9.0, "hawk": 5.0, "gull": 4.0, "goose": 2.5, "duck": 2.0, "jay": 1.0})
    (('gull',), ('goose',), ('duck', 'jay'), ('owl',), ('hawk',))
    """
    if len(seconds) < NUM_FOLDS:
        raise ValueError(f"class {label!r} has {len(seconds)} recording families, allowed: {NUM_FOLDS} or more")
    parts: list[list[str]] = [[] for _ in range(NUM_FOLDS)]
    left = sorted(seconds, key=lambda family: (-seconds[family], _hash(f"{label}/{family}")))
    while left:
        dealt, left = left[:NUM_FOLDS], left[NUM_FOLDS:]
        shortest_first = sorted(parts, key=lambda part: sum(seconds[family] for family in part))
        for part, family in zip(shortest_first, dealt, strict=False):
            part.append(family)
    turn = _hash(label)[0] % NUM_FOLDS
    return tuple(tuple(sorted(part)) for part in parts[turn:] + parts[:turn])


def deal_fold(label: str, seconds: Mapping[str, float], fold: int) -> dict[str, tuple[str, ...]]:
    """The families of one class by split in fold ``fold`` (0 to 4), each sorted. Raises as ``fold_parts`` does."""
    parts = fold_parts(label, seconds)
    test, validation = fold, (fold + 1) % NUM_FOLDS
    train = [family for number, part in enumerate(parts) if number not in (test, validation) for family in part]
    return {"train": tuple(sorted(train)), "validation": parts[validation], "test": parts[test]}


def _hash(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()
