"""A recogniser in use: parts of recordings to texts with the times of their words.

Where the system has a CTC output (CTC, hybrids) times are those of the forced alignment of the chosen text, whoever
chose it; a transducer's are the frames at which it wrote; those of an attention decoder alone where it looks.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from datamodules.annotations import Hypothesis, Unit, UtteranceReferences
from datamodules.corpus_folder import CorpusMissingError
from experiments.applying.chosen_run import ChosenRun
from experiments.applying.training_texts import training_texts
from experiments.applying.transcribing.attended_tokens import attended_tokens
from experiments.applying.transcribing.parts import Part
from experiments.applying.transcribing.row_decoder import RowDecoder
from experiments.applying.transcribing.transcript import ReadPart, Times, Token, Word
from experiments.errors import UserError
from experiments.runs.run_folder import PREDICTIONS
from lightning_modules.asr.attention.encoder_decoder import EncoderDecoder
from lightning_modules.asr.ctc.ctc_output import CtcOutput
from lightning_modules.asr.ctc.decoder import Decoder
from lightning_modules.asr.ctc.hotword_beam import HotwordBeam
from lightning_modules.asr.ctc.look_ahead_beam import LookAheadBeam
from lightning_modules.asr.gathering import GatheredFrames
from lightning_modules.asr.predictions import EncodedPredictions, FramePredictions, PosteriorPredictions
from lightning_modules.asr.recogniser import Encoded, Recogniser
from lightning_modules.asr.transducer.transducer import Transducer
from lightning_modules.decoding.ctc.aligned_words import AlignedWord, aligned_words
from lightning_modules.decoding.ctc.forced_alignment import (
    AlignedToken,
    Alignment,
    NoAlignmentError,
    forced_alignment,
)
from lightning_modules.decoding.texts import spell

ONE = "part"  # the name of the one utterance that is read at a time


class Reader:
    """Reads with ``by``, or with the system's own greedy decoding. Raises ``UserError`` where they do not fit.

    ``unaligned`` counts the parts whose text has no path through the CTC output, so that its words have no times.
    Close it: what decoders read lies in a folder of its own.
    """

    def __init__(
        self, system: Recogniser, chosen: ChosenRun, *, sample_rate_hz: int, by: RowDecoder | None = None
    ) -> None:
        self.system = system
        self.sample_rate_hz = sample_rate_hz
        self.times: Times = "aligned" if isinstance(system, CtcOutput) else "parts"
        if isinstance(system, Transducer):
            self.times = "written"
        elif self.times == "parts" and isinstance(system, EncoderDecoder) and system.speller.core.attention.has_weights:
            self.times = "attended"
        self.unaligned = 0
        self._by = by
        self._folder = tempfile.TemporaryDirectory()
        if by is not None:
            self._prepare(by, chosen)

    def close(self) -> None:
        """Remove the folder."""
        self._folder.cleanup()

    def read(self, part: Part) -> ReadPart:
        """The text of a part, its times in seconds of the recording. A part without a whole frame has none."""
        start, end = part.first_sample / self.sample_rate_hz, part.end_sample / self.sample_rate_hz
        num_samples_B = torch.tensor([len(part.waveform_S)])
        if int(self.system.encoded_frames(num_samples_B)[0]) < 1:
            return ReadPart(start, end, "")
        with torch.inference_mode():
            encoded = self.system.encode(torch.from_numpy(part.waveform_S)[None], num_samples_B)
            stored = self._stored(encoded)
            [hypothesis] = self.system.greedy(encoded) if self._by is None else self._decoded(self._by, stored)
        text = spell(hypothesis.tokens, self.system.symbols)
        words = self._words(hypothesis, encoded, stored)
        hop = self.system.hop_seconds
        return ReadPart(start, end, text, tuple(self._word(word, start, end, hop) for word in words))

    def log_posteriors(self, part: Part) -> np.ndarray[Any, np.dtype[np.float32]]:
        """What the CTC output says of a part, (T, V). Raises ``UserError`` for a system without one."""
        if not isinstance(self.system, CtcOutput):
            raise UserError(
                f"a {type(self.system).__name__} has no CTC output to align with; take a CTC or a hybrid run"
            )
        num_samples_B = torch.tensor([len(part.waveform_S)])
        with torch.inference_mode():
            encoded = self.system.encode(torch.from_numpy(part.waveform_S)[None], num_samples_B)
            log_probs_BTV, num_frames_B = self.system.posteriors(encoded)
        log_probs_TV: np.ndarray[Any, np.dtype[np.float32]] = log_probs_BTV[0, : int(num_frames_B[0])].numpy()
        return log_probs_TV

    def _prepare(self, by: RowDecoder, chosen: ChosenRun) -> None:
        folder = Path(self._folder.name)
        self.system.save_decoder(folder)
        try:
            if not isinstance(self.system, by.decoder.SYSTEMS):
                allowed = ", ".join(kind.__name__ for kind in by.decoder.SYSTEMS)
                raise ValueError(f"its decoder reads those of {allowed}, not of a {type(self.system).__name__}")
            references = self._references(_validation_ids(chosen), unit=unit_of(chosen))
            if _asks_for_texts(by.decoder):
                references = replace(references, training_texts=training_texts(chosen))
            validation = by.decoder.read(chosen.folder / PREDICTIONS, "validation", references)
            by.decoder.prepare(folders={**by.folders, "own": folder}, validation=validation, references=references)
        except (ValueError, CorpusMissingError) as error:
            raise UserError(f"{by.name}: {error}") from None

    def _stored(self, encoded: Encoded) -> list[FramePredictions]:
        frames = tuple(
            kind_BTD[0, : int(encoded.num_frames_B[0])].float().numpy() for kind_BTD in self.system.frames(encoded)
        )
        gathered = GatheredFrames((ONE,), frames, np.array([len(frames[0])], dtype=np.int64), 0.0)
        return list(self.system.stored(gathered))

    def _decoded(self, by: RowDecoder, stored: Iterable[FramePredictions]) -> list[Hypothesis]:
        folder = Path(self._folder.name)
        for predictions in stored:
            predictions.save(folder / f"{ONE}{predictions.SUFFIX}")
        references = self._references([ONE])
        hypotheses: list[Hypothesis] = by.decoder.decode(by.decoder.read(folder, ONE, references), by.weights)
        return hypotheses

    def _words(
        self, hypothesis: Hypothesis, encoded: Encoded, stored: Iterable[FramePredictions]
    ) -> tuple[AlignedWord, ...]:
        """Words in frames of the part; none where none has a time."""
        if self.times == "written":
            said = zip(hypothesis.tokens, hypothesis.frames, strict=True)
            written = tuple(AlignedToken(token, frame, frame, frame, 0.0, 0.0) for token, frame in said)
            return aligned_words(Alignment(written, 0.0), self.system.symbols)
        posteriors = next((kind for kind in stored if isinstance(kind, PosteriorPredictions)), None)
        try:
            if self.times == "attended" and isinstance(self.system, EncoderDecoder):
                return aligned_words(attended_tokens(self.system, encoded, hypothesis.tokens), self.system.symbols)
            if posteriors is None:
                return ()
            return aligned_words(forced_alignment(posteriors.log_probs_FV, hypothesis.tokens), self.system.symbols)
        except NoAlignmentError:
            self.unaligned += 1
            return ()

    def _references(self, ids: Iterable[str], *, unit: Unit = "character") -> UtteranceReferences:
        """What decoders ask of a corpus, but its texts: they decode, they do not score."""
        return UtteranceReferences(
            symbols=self.system.symbols, sample_rate_hz=self.sample_rate_hz, texts=dict.fromkeys(ids, ""), languages={},
            speakers={}, duration_seconds={}, training_texts=(), load_waveform=_no_waveform, unit=unit,
        )  # fmt: skip

    def _word(self, word: AlignedWord, start: float, end: float, hop: float) -> Word:
        return timed_word(word, self.system.symbols, start=start, end=end, hop=hop, is_sure=self.times == "aligned")


def timed_word(
    word: AlignedWord, symbols: tuple[str, ...], *, start: float, end: float, hop: float, is_sure: bool = True
) -> Word:
    """A word in seconds of a recording whose part lies within ``start`` and ``end``; confidence only if ``is_sure``."""

    def seconds(frame: int) -> float:
        return min(start + frame * hop, end)

    tokens = tuple(
        Token(
            symbols[token.token],
            seconds(token.first_frame),
            seconds(token.last_frame + 1),
            float(np.exp(token.spike_log_prob)) if is_sure else None,
        )
        for token in word.tokens
    )
    confidence = word.confidence if is_sure else None
    return Word(word.text, seconds(word.first_frame), seconds(word.last_frame + 1), confidence, tokens)


def _validation_ids(chosen: ChosenRun) -> list[str]:
    """The utterances of the run's stored validation predictions."""
    folder = chosen.folder / PREDICTIONS
    for suffix in (PosteriorPredictions.SUFFIX, EncodedPredictions.SUFFIX):
        if (path := folder / f"validation{suffix}").is_file():
            with np.load(path, allow_pickle=False) as file:
                return [str(name) for name in file["utterance_ids"]]
    raise ValueError(
        f"{folder} has no predictions of validation, which decoders are prepared with; those of a run that was merged "
        "come in packs of earmark results pack --predictions all"
    )


def _asks_for_texts(decoder: Decoder[Any]) -> bool:
    """Whether it counts words of the training texts: those that may be written, are spelled, or are rare."""
    counts_words = isinstance(decoder, LookAheadBeam | HotwordBeam)
    return counts_words or bool(getattr(decoder, "only_known_words", False))


def unit_of(chosen: ChosenRun) -> Unit:
    """What its tokens are, by its data."""
    data: Mapping[str, Any] = chosen.config.get("data") or {}
    unit: Unit = (data.get("init_args") or {}).get("unit", "character")
    return unit


def _no_waveform(name: str) -> Any:
    raise KeyError(name)
