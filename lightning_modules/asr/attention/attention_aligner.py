"""Alignments of an attention decoder that is told the text: what it looks at while it writes each character."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from datamodules.annotations import UtteranceReferences
from lightning_modules.asr.aligner import Aligned, Aligner, TokenTime, spelling
from lightning_modules.asr.attention.encoder_decoder import EncoderDecoder
from lightning_modules.asr.attention.stored_decoder import load_speller
from lightning_modules.asr.encoded_batches import batches
from lightning_modules.asr.predictions import EncodedPredictions, load_predictions
from lightning_modules.asr.tuning import Weights
from lightning_modules.decoding.attention.attention_segments import attention_segments
from lightning_modules.layers.speller import Speller


class AttentionAligner(Aligner):
    """Every frame belongs to one character, in order, by the attention weights (``attention_segments``).

    The end of the text takes frames too, one at least. A character peaks in the middle of the frame, wherever it is,
    that has the most of its weight. A decoder that hears a summary vector attends to nothing and is refused.
    """

    SYSTEMS = (EncoderDecoder,)

    def __init__(self) -> None:
        self._speller: Speller | None = None
        self._splits: dict[str, tuple[EncodedPredictions, UtteranceReferences]] = {}

    def prepare(self, *, folders: Mapping[str, Path], references: Mapping[str, UtteranceReferences]) -> None:
        """See ``Aligner.prepare``."""
        self._splits = {
            split: (load_predictions(EncodedPredictions, folders["own"], split, of_split), of_split)
            for split, of_split in references.items()
        }
        self._speller = load_speller(folders["own"], symbols=references["validation"].symbols)
        if not self._speller.core.attention.has_weights:
            raise ValueError(f"scoring.aligner: {folders['own']} is of a decoder that attends to nothing")

    def align(self, split: str, weights: Weights) -> Aligned:
        """See ``Aligner.align``."""
        predictions, references = self._splits[split]
        tokens, left_out = spelling(references.texts, predictions.symbols)
        times = {}
        for utterance, weights_UT in self._attention(predictions, tokens).items():
            edges_U = attention_segments(weights_UT)
            if edges_U is None:
                left_out[utterance] = f"{weights_UT.shape[1]} frames for {len(weights_UT)} tokens"
                continue
            starts, hop_seconds = edges_U[:-1].tolist(), predictions.hop_seconds
            times[utterance] = [
                TokenTime(start * hop_seconds, end * hop_seconds, (peak + 0.5) * hop_seconds)
                for start, end, peak in zip(starts, edges_U[1:].tolist(), weights_UT.argmax(1).tolist(), strict=True)
            ][: len(tokens[utterance])]
        return Aligned(times, left_out)

    def _attention(
        self, predictions: EncodedPredictions, tokens: Mapping[str, list[int]]
    ) -> dict[str, NDArray[np.float64]]:
        """Weights of each utterance, a row for each token and the end, (U + 1, T)."""
        assert self._speller is not None
        found = {}
        for batch in batches(predictions):
            names = [predictions.utterance_ids[row] for row in batch.rows.tolist()]
            told = [tokens.get(name, []) for name in names]
            tokens_BU = torch.nn.utils.rnn.pad_sequence([torch.tensor(of_one).long() for of_one in told], True)
            memory = self._speller.memory(batch.encoded_BTH, batch.num_frames_B)
            weights_BUT = self._speller(tokens_BU, memory).weights_BUT.numpy()
            for name, of_one, frames, weights_UT in zip(
                names, told, batch.num_frames_B.tolist(), weights_BUT, strict=True
            ):
                if name in tokens:
                    found[name] = weights_UT[: len(of_one) + 1, :frames]
        return found
