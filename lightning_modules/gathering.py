"""What every rank predicted, put together by id on rank 0.

Each rank predicts its own unpadded share; the union must be the split's clips, none missing and none twice, or the
score would be of other data than the table says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import TypeVar

import torch.distributed as dist

Item = TypeVar("Item")


def gather_by_id(
    items: Sequence[tuple[str, Item]], *, expected: Collection[str], what: str = "clips"
) -> list[tuple[str, Item]] | None:
    """All ranks' (id, item), sorted by id, on rank 0; None on the others. Every rank must call it.

    Raises ``RuntimeError`` naming ids that are missing, foreign, or there twice; ``what`` they are called.

    >>> gather_by_id([("b", 1), ("a", 2)], expected={"a", "b"})
    [('a', 2), ('b', 1)]
    """
    gathered = list(items)
    if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
        shares: list[list[tuple[str, Item]]] | None = [[]] * dist.get_world_size() if dist.get_rank() == 0 else None
        dist.gather_object(gathered, shares, dst=0)
        if shares is None:
            return None
        gathered = [item for share in shares for item in share]
    _check_ids([name for name, _ in gathered], expected=expected, what=what)
    return sorted(gathered, key=lambda item: item[0])


def _check_ids(ids: Sequence[str], *, expected: Collection[str], what: str) -> None:
    twice = sorted(name for name, count in Counter(ids).items() if count > 1)
    missing, foreign = sorted(set(expected) - set(ids)), sorted(set(ids) - set(expected))
    for how, wrong in (("predicted twice", twice), ("missing", missing), ("not of this split", foreign)):
        if wrong:
            raise RuntimeError(f"predictions of {len(wrong)} {what} are {how}, the first: {', '.join(wrong[:3])}")
