"""What a language model says of a split: each sentence's log probability, as one file.

Gathered over the ranks by text id; the union must be the split's sentences, none missing and none twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lightning_modules.gathering import gather_by_id


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
    items = [
        (text_id, (log_prob, num_tokens))
        for batch in batches
        for text_id, log_prob, num_tokens in zip(
            batch.text_ids, batch.log_probs_B.tolist(), batch.num_tokens_B.tolist(), strict=True
        )
    ]
    sentences = gather_by_id(items, expected=text_ids, what="texts")
    if sentences is None:
        return None
    return TextPredictions(
        text_ids=tuple(text_id for text_id, _ in sentences),
        log_probs_N=np.array([log_prob for _, (log_prob, _) in sentences], dtype=np.float64),
        num_tokens_N=np.array([num_tokens for _, (_, num_tokens) in sentences], dtype=np.int64),
    )
