"""What a language model says of a split: each sentence's log probability, as one file.

Gathered over the ranks by text id; the union must be the split's sentences, none missing and none twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor


class PredictedTexts(NamedTuple):
    """A ``predict_step``'s answer: natural-log probabilities, and tokens with the sentence's end."""

    text_ids: tuple[str, ...]
    log_probs_B: Tensor  # float64
    num_tokens_B: Tensor  # int64


@dataclass(frozen=True)
class TextPredictions:
    """N sentences, sorted by id: ``log p`` with the end, and the number of tokens with the end."""

    text_ids: tuple[str, ...]
    log_probs_N: NDArray[np.float64]
    num_tokens_N: NDArray[np.int64]

    def log_probs(self) -> Mapping[str, float]:
        """``log p`` by text id."""
        return dict(zip(self.text_ids, self.log_probs_N.tolist(), strict=True))

    def save(self, path: Path) -> None:
        """Write an ``.npz`` in one step, so that an interruption leaves no half file."""
        partial = path.with_name(path.name + ".partial")
        with partial.open("wb") as file:
            np.savez_compressed(
                file,
                text_ids=np.array(self.text_ids),
                log_probs_N=self.log_probs_N,
                num_tokens_N=self.num_tokens_N,
            )
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> TextPredictions:
        """Read what ``save`` wrote (no pickles)."""
        with np.load(path, allow_pickle=False) as file:
            return cls(tuple(file["text_ids"].tolist()), file["log_probs_N"], file["num_tokens_N"])


def gather_texts(batches: Iterable[PredictedTexts], *, text_ids: Collection[str]) -> TextPredictions | None:
    """All ranks' predictions, sorted by id, on rank 0; None on the others. Every rank must call it.

    Raises ``RuntimeError`` naming sentences that are missing, foreign, or predicted twice.
    """
    rows = [
        row
        for batch in batches
        for row in zip(batch.text_ids, batch.log_probs_B.tolist(), batch.num_tokens_B.tolist(), strict=True)
    ]
    if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
        shares: list[list[tuple[str, float, int]]] | None = (
            [[]] * dist.get_world_size() if dist.get_rank() == 0 else None
        )
        dist.gather_object(rows, shares, dst=0)
        if shares is None:
            return None
        rows = [row for share in shares for row in share]
    counts = Counter(row[0] for row in rows)
    wrong = {
        "predicted twice": [text for text, count in counts.items() if count > 1],
        "missing": set(text_ids) - counts.keys(),
        "not of this split": counts.keys() - set(text_ids),
    }
    for what, ids in wrong.items():
        if ids:
            raise RuntimeError(f"predictions of {len(ids)} texts are {what}, the first: {', '.join(sorted(ids)[:3])}")
    rows.sort()
    return TextPredictions(
        text_ids=tuple(row[0] for row in rows),
        log_probs_N=np.array([row[1] for row in rows], dtype=np.float64),
        num_tokens_N=np.array([row[2] for row in rows], dtype=np.int64),
    )
