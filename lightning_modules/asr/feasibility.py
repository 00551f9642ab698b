"""Whether every utterance can be aligned with its text: frames after subsampling >= tokens + repeats, before training.

CTC has no path through fewer frames: the loss would be infinite in whichever epoch such an utterance comes up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor

from datamodules.batches import UtteranceLength
from lightning_modules.losses.ctc import min_frames

NAMED = 3  # utterances that a message names


def check_alignable(
    splits: Mapping[str, Iterable[UtteranceLength]], *, encoded_frames: Callable[[Tensor], Tensor]
) -> None:
    """Raise ``ValueError`` in one line for utterances that have fewer frames than their texts need.

    ``encoded_frames`` maps samples (B,) to the encoder's frames (B,). The lengths of the training split are those at
    its fastest speed.
    """
    for split, lengths in splits.items():
        utterances = list(lengths)
        frames = encoded_frames(torch.tensor([utterance.num_samples for utterance in utterances])).tolist()
        short = [
            f"{utterance.utterance_id} ({has} frames, needs {needs})"
            for utterance, has in zip(utterances, frames, strict=True)
            if has < (needs := min_frames(utterance.tokens))
        ]
        if short:
            more = ", …" if len(short) > NAMED else ""
            raise ValueError(
                f"{split}: {len(short)} utterances have too few frames for their texts: "
                f"{', '.join(short[:NAMED])}{more}; drop them from the corpus, or take a smaller features.hop_seconds, "
                f"an encoder that subsamples less, slower data.speed_factors or data.unit word"
            )
