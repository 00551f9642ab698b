"""Where an attention decoder looks while it writes a text that was chosen, by whatever beam: its tokens' times.

Not the largest weight of each token, which nothing keeps in order, but the monotone path through all of them
(``attention_segments``): every frame belongs to one token, and the end of the text takes one at least.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from lightning_modules.asr.attention.encoder_decoder import EncoderDecoder
from lightning_modules.asr.recogniser import Encoded
from lightning_modules.decoding.attention.attention_segments import attention_segments
from lightning_modules.decoding.ctc.forced_alignment import AlignedToken, Alignment, NoAlignmentError


def attended_tokens(system: EncoderDecoder, encoded: Encoded, tokens: Sequence[int]) -> Alignment:
    """The tokens of one utterance with the frames of ``encoded`` that each has; weights are no probabilities: 0.

    Raises ``NoAlignmentError`` for fewer frames than tokens, the end among them.
    """
    if not tokens:
        return Alignment((), 0.0)
    with torch.inference_mode():
        memory = system.speller.memory(encoded.hidden_BTH, encoded.num_frames_B)
        weights_BUT = system.speller(torch.tensor([list(tokens)]), memory).weights_BUT
    weights_UT = weights_BUT[0, :, : int(encoded.num_frames_B[0])].numpy()
    if (edges_U := attention_segments(weights_UT)) is None:
        raise NoAlignmentError(f"{weights_UT.shape[1]} frames for {len(tokens)} tokens and the end")
    first_U, after_U, peak_U = edges_U[:-1].tolist(), edges_U[1:].tolist(), weights_UT.argmax(1).tolist()
    return Alignment(
        tuple(
            AlignedToken(token, first, after - 1, peak, 0.0, 0.0)
            for token, first, after, peak in zip(tokens, first_U, after_U, peak_U, strict=False)
        ),
        0.0,
    )
