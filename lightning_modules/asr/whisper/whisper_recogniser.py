"""Whisper with its own decoder: what it writes untouched, and fine-tuned on a corpus' texts.

Its tokens are not the corpus' symbols: it writes texts, which ``TextScoring`` normalises and scores. The language of an
utterance is given, by its tag (``data.language_tags: true``). Fine-tuned, it learns the texts as they are normalised;
with ``LayerwiseAdamW`` as ``model.optimizer`` its layers learn at rates of their own.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from datamodules.annotations import Hypothesis
from datamodules.batches import UtteranceBatch
from datamodules.texts.written_words import written_words
from lightning_modules.asr.gathering import GatheredFrames
from lightning_modules.asr.recogniser import Encoded, Recogniser
from lightning_modules.asr.whisper.written_texts import SUFFIX, PredictedTexts, WrittenTexts
from lightning_modules.decoding.texts import is_tag
from lightning_modules.layers.layer_rates import say_layers_above
from lightning_modules.layers.pretrained_whisper import WhisperEncoder
from lightning_modules.layers.pretrained_whisper_text import LONGEST_TEXT, WhisperText

MOST_TOKENS_PER_SECOND = 15.0  # of a window: quick speech has 8; a decoder that repeats itself must end


class WhisperRecogniser(Recogniser):
    """The recogniser; ``encoder`` is a ``WhisperEncoder``, whose folder has the decoder too.

    Raises ``ValueError`` for another encoder, and where utterances have no language tag.
    """

    def __init__(self, *, encoder: WhisperEncoder, **shared: Any) -> None:
        super().__init__(encoder=encoder, **shared)
        self._tags = {token: symbol[1:-1] for token, symbol in enumerate(self.symbols) if is_tag(symbol)}
        if not self._tags:
            raise ValueError("a Whisper is told each utterance's language: set data.language_tags: true")
        self.heard = encoder
        self.writer = WhisperText(folder=encoder.folder)
        for language in self._tags.values():
            self.writer.prompt(language)  # raises for one that it does not know
        for stack in (
            self.heard.model,
            self.writer.model,
        ):  # each from its own top: every decoder layer hears the encoder's
            say_layers_above(stack, stack.layers, closing=[stack.layer_norm])

    def encoded_frames(self, num_samples_B: Tensor) -> Tensor:
        """Frames of the whole window: the decoder attends to the silence behind an utterance too."""
        return self.heard.window_frames(self.features.num_frames(num_samples_B))

    def _encode(self, features_BTM: Tensor, num_samples_B: Tensor) -> Encoded:
        hidden_BTH = self.heard.encode_windows(features_BTM, self.features.num_frames(num_samples_B))
        return Encoded(hidden_BTH, self.encoded_frames(num_samples_B))

    def loss(self, encoded: Encoded, batch: UtteranceBatch) -> Tensor:
        """``-log P(Y | X)``."""
        languages = self._languages(batch)
        pieces, rows = [], []
        for rows_b, hidden_bTH in _of_one_length(encoded):
            texts, of = ([given[row] for row in rows_b.tolist()] for given in (batch.texts, languages))
            pieces.append(self.writer.loss(hidden_bTH, texts, of))
            rows.append(rows_b)
        return torch.cat(pieces)[torch.cat(rows).argsort()]

    def write(self, encoded: Encoded, batch: UtteranceBatch) -> list[str]:
        """The text of each utterance, as it comes."""
        languages = self._languages(batch)
        texts = [""] * len(languages)
        for rows_b, hidden_bTH in _of_one_length(encoded):
            seconds = hidden_bTH.shape[1] * self.hop_seconds
            most = min(LONGEST_TEXT, int(seconds * MOST_TOKENS_PER_SECOND))
            of = [languages[row] for row in rows_b.tolist()]
            for row, text in zip(rows_b.tolist(), self.writer.write(hidden_bTH, of, most_tokens=most), strict=True):
                texts[row] = text
        return texts

    def validation_step(self, batch: UtteranceBatch, batch_idx: int) -> None:
        """Loss and greedy error rates."""
        encoded = self.encode(batch.waveforms_BS, batch.num_samples_B)
        self.validation_loss.update(self._checked_loss(encoded, batch))
        written = zip(self.write(encoded, batch), self._languages(batch), strict=True)
        self.validation_error.update(batch.texts, [written_words(text, language=of).text for text, of in written])

    def predict_step(self, batch: UtteranceBatch, batch_idx: int) -> PredictedTexts:  # type: ignore[override]
        """Texts by utterance id, with the time that they took."""
        started = time.perf_counter()
        texts = tuple(self.write(self.encode(batch.waveforms_BS, batch.num_samples_B), batch))
        return PredictedTexts(batch.utterance_ids, texts, time.perf_counter() - started)

    def write_predictions(  # type: ignore[override]
        self, batches: Iterable[PredictedTexts], *, clip_ids: Collection[str], path: Path
    ) -> None:
        """Gather what every rank wrote of a split; rank 0 writes the file. Every rank must call it."""
        texts = WrittenTexts.gathered(batches, utterance_ids=clip_ids)
        if texts is not None:
            texts.save(path.with_name(f"{path.name}{SUFFIX}"))

    def greedy(self, encoded: Encoded) -> list[Hypothesis]:
        """Refused: its tokens are none of the corpus' symbols."""
        self._refuse()

    def frames(self, encoded: Encoded) -> tuple[Tensor, ...]:
        """Refused: nothing but texts is kept."""
        self._refuse()

    def stored(self, gathered: GatheredFrames) -> NoReturn:
        """Refused: nothing but texts is kept."""
        self._refuse()

    def parameter_groups(self) -> Mapping[str, Sequence[nn.Module]]:
        """``encoder`` and ``decoder``, whose outputs are its embeddings."""
        return {"encoder": (self.features, self.encoder), "decoder": (self.writer,)}

    def symbol_parameters(self) -> Collection[str]:
        """None: its tokens are its own."""
        return ()

    def _languages(self, batch: UtteranceBatch) -> list[str]:
        return [self._tags[token] for token in batch.tokens_BU[:, 0].tolist()]

    def _refuse(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} writes texts, no symbols of the corpus")


class UntouchedWhisper(WhisperRecogniser):
    """Whisper as it is: nothing of it trains, whatever the epochs; one batch of one is enough."""

    def __init__(self, **shared: Any) -> None:
        super().__init__(**shared)
        self.requires_grad_(False)

    def training_step(self, batch: UtteranceBatch, batch_idx: int) -> None:  # type: ignore[override]
        """No step."""

    def configure_optimizers(self) -> None:
        """No optimiser."""


def _of_one_length(encoded: Encoded) -> Iterator[tuple[Tensor, Tensor]]:
    """Rows of windows of one length, and their hidden vectors: transformers' decoder has no mask for others."""
    for length in sorted(set(encoded.num_frames_B.tolist())):
        rows_b = (encoded.num_frames_B == length).nonzero().squeeze(1)
        yield rows_b, encoded.hidden_BTH[rows_b, :length]
