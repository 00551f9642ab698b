"""Word and character error rate while training: edits summed over utterances, divided once at the end.

``WER = (S + D + I) / N`` with N the words of all references (a mean of utterances' or batches' rates is something
else); CER the same over characters, spaces included. Both equal ``jiwer.wer`` and ``jiwer.cer``. Only whole numbers are
kept, so that the figure is exact whatever the batches, and under DDP when every utterance is seen once.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchmetrics import Metric

from lightning_modules.metrics.edits import error_rate, utterance_edits


class WordError(Metric):
    """WER and CER of texts.

    Differs from ``torchmetrics.text.WordErrorRate`` in splitting words as jiwer does, in counting in integers (that
    class sums in float32, which loses single edits past 16 million words), and in having both rates from one update.
    Empty references: their insertions count; where *all* references are empty a rate is 0 without insertions and
    infinity with them (jiwer returns the bare count).

    >>> metric = WordError()
    >>> metric.update(["a b c", ""], ["a b", "x"])
    >>> metric.compute()
    {'wer': 0.6666666666666666, 'cer': 0.6}
    """

    full_state_update = False
    higher_is_better = False
    word_errors: Tensor
    num_words: Tensor
    character_errors: Tensor
    num_characters: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name in ("word_errors", "num_words", "character_errors", "num_characters"):
            self.add_state(name, default=torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, references: Sequence[str], hypotheses: Sequence[str]) -> None:
        """Add utterances; texts are compared as they stand. Raises ``ValueError`` for lists of unequal length."""
        if isinstance(references, str) or isinstance(hypotheses, str) or len(references) != len(hypotheses):
            raise ValueError(
                f"references and hypotheses must be two lists of equally many texts, got {len(references)} "
                f"and {len(hypotheses)}"
            )
        edits = [utterance_edits(*pair) for pair in zip(references, hypotheses, strict=True)]
        self.word_errors += sum(utterance.words.errors for utterance in edits)
        self.num_words += sum(utterance.words.length for utterance in edits)
        self.character_errors += sum(utterance.characters.errors for utterance in edits)
        self.num_characters += sum(utterance.characters.length for utterance in edits)

    def compute(self) -> dict[str, float]:
        """``{"wer": …, "cer": …}`` as Python floats (0-1, more with many insertions)."""
        return {
            "wer": error_rate(int(self.word_errors), int(self.num_words)),
            "cer": error_rate(int(self.character_errors), int(self.num_characters)),
        }
