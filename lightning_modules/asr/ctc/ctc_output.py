"""A CTC output on an encoder, of CTC and hybrid systems: the layer, its loss, what an alignment asks of the data."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor, nn

from datamodules.batches import UtteranceBatch
from lightning_modules.asr.ctc.feasibility import alignable_part, check_alignable
from lightning_modules.asr.recogniser import Encoded, Recogniser
from lightning_modules.losses.ctc import ctc_loss


class Posteriors(NamedTuple):
    """Natural-log posteriors of each encoded frame; those past ``num_frames_B`` mean nothing."""

    log_probs_BTV: Tensor  # float32
    num_frames_B: Tensor


class CtcOutput(Recogniser):
    """Adds the output to a system.

    Raises ``ValueError`` before training where a training utterance has fewer frames than its text needs; such ones of
    validation are warned of, and left out of its loss.
    """

    def __init__(self, **shared: Any) -> None:
        super().__init__(**shared)
        self.classifier = nn.Linear(self.encoder.num_outputs, len(self.symbols))

    def posteriors(self, encoded: Encoded) -> Posteriors:
        """What the output says of each frame."""
        return Posteriors(self.classifier(encoded.hidden_BTH).float().log_softmax(-1), encoded.num_frames_B)

    def ctc_loss(self, encoded: Encoded, batch: UtteranceBatch) -> Tensor:
        """``-log P(Y | X)`` over all alignments, (B,)."""
        return ctc_loss(*self.posteriors(encoded), batch.tokens_BU, batch.num_tokens_B)

    def on_fit_start(self) -> None:
        """Check every training and validation utterance; one epoch would find the same, in its course."""
        data: Any = getattr(self.trainer, "datamodule", None)
        if data is not None:  # bare loaders know no lengths; the loss refuses such an utterance when it comes
            splits = {split: data.lengths(split) for split in ("train", "validation")}
            check_alignable(splits, encoded_frames=self.encoded_frames)

    def with_loss(self, encoded: Encoded, batch: UtteranceBatch) -> tuple[Encoded, UtteranceBatch]:
        """The utterances that have an alignment."""
        rows_N, part = alignable_part(encoded.num_frames_B, batch)
        return Encoded(*(values[rows_N.to(values.device)] for values in encoded)), part
