"""Whether every utterance can be aligned with its text: frames after subsampling >= tokens + repeats, before training.

CTC has no path through fewer frames: the loss would be infinite in whichever epoch such an utterance comes up. Training
utterances are refused, since each is learnt from; one of validation has no loss, and its reading is scored as others'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
from pytorch_lightning.utilities import rank_zero_warn
from torch import Tensor

from datamodules.batches import UtteranceBatch, UtteranceLength
from datamodules.run_warning import RunWarning
from lightning_modules.losses.ctc import alignable, min_frames

NAMED = 3  # utterances that a message names


def check_alignable(
    splits: Mapping[str, Iterable[UtteranceLength]], *, encoded_frames: Callable[[Tensor], Tensor]
) -> None:
    """Raise ``ValueError`` in one line for utterances of ``train`` that have fewer frames than their texts need.

    Warn in one line of those of any other split, which ``alignable_part`` leaves out of its loss; raise where that is
    all of them. ``encoded_frames`` maps samples (B,) to the encoder's frames (B,). The lengths of the training split
    are those at its fastest speed.
    """
    for split, lengths in splits.items():
        utterances = list(lengths)
        short = _short(utterances, encoded_frames)
        if not short:
            continue
        more = ", …" if len(short) > NAMED else ""
        what = f"{split}: {len(short)} utterances have too few frames for their texts: {', '.join(short[:NAMED])}{more}"
        if split == "train" or len(short) == len(utterances):
            raise ValueError(
                f"{what}; drop them from the corpus or by data.max_tokens_per_second, or take a smaller "
                f"features.hop_seconds, an encoder that subsamples less, slower data.speed_factors, or data.unit "
                "subword or word"
            )
        rank_zero_warn(
            f"{what}; they are no part of {split}/loss, and of the error rates as all others", category=RunWarning
        )


def alignable_part(num_frames_B: Tensor, batch: UtteranceBatch) -> tuple[Tensor, UtteranceBatch]:
    """Rows of a batch that have an alignment in ``num_frames_B`` encoded frames, (N,) int64, and a batch of them alone.

    There may be none. Waveforms stay padded as they are, tokens to the longest that is left.
    """
    fits_B = alignable(num_frames_B, batch.tokens_BU, batch.num_tokens_B)
    rows_N = fits_B.nonzero().flatten()
    if len(rows_N) == len(fits_B):
        return rows_N, batch
    rows = rows_N.tolist()
    num_tokens_N = batch.num_tokens_B[rows_N]
    longest = max(num_tokens_N.tolist(), default=0)
    return rows_N, UtteranceBatch(
        utterance_ids=tuple(batch.utterance_ids[row] for row in rows),
        waveforms_BS=batch.waveforms_BS[rows_N],
        num_samples_B=batch.num_samples_B[rows_N],
        tokens_BU=batch.tokens_BU[rows_N, :longest],
        num_tokens_B=num_tokens_N,
        texts=tuple(batch.texts[row] for row in rows),
    )


def _short(utterances: Sequence[UtteranceLength], encoded_frames: Callable[[Tensor], Tensor]) -> list[str]:
    """What a message says of each utterance that has no alignment."""
    frames = encoded_frames(torch.tensor([utterance.num_samples for utterance in utterances])).tolist()
    return [
        f"{utterance.utterance_id} ({has} frames, needs {needs})"
        for utterance, has in zip(utterances, frames, strict=True)
        if has < (needs := min_frames(utterance.tokens))
    ]
