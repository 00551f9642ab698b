"""A prefix beam that favours a user's words: alone, or with the language model and weights of a row's fused beam."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from datamodules.annotations import Hypothesis, UtteranceReferences
from datamodules.run_warning import RunWarning, first_names
from datamodules.texts.text_rules import TextRules, UnspeakableTextError, normalise
from experiments.applying.transcribing.row_decoder import RowDecoder
from experiments.errors import UserError
from lightning_modules.asr.ctc.decoder import Greedy, PrefixBeam
from lightning_modules.asr.ctc.fused_decoders import FusedBeam
from lightning_modules.asr.predictions import PosteriorPredictions
from lightning_modules.asr.tuning import Weights
from lightning_modules.decoding.ctc.hotwords import Hotwords, read_hotwords
from lightning_modules.decoding.ctc.prefix_beam import prefix_beam_search

LANGUAGE_MODEL = "language_model"  # in from:
NO_LANGUAGE = "und"


class HotwordBeam(FusedBeam):
    """``bonus`` is the natural log that each character of a phrase is worth where the phrase is written."""

    def __init__(self, phrases: tuple[str, ...], *, bonus: float, beam_size: int, log_bonus: bool = False) -> None:
        super().__init__(beam_size=beam_size, log_bonus=log_bonus)
        self.phrases, self.bonus = phrases, bonus
        self._hotwords: Hotwords | None = None

    def prepare(
        self, *, folders: Mapping[str, Path], validation: PosteriorPredictions, references: UtteranceReferences
    ) -> None:
        """See ``Decoder.prepare``; a warning names phrases with characters that the recogniser does not write."""
        if LANGUAGE_MODEL in folders:
            super().prepare(folders=folders, validation=validation, references=references)
        self._hotwords = Hotwords(self.phrases, symbols=references.symbols)
        if unwritable := self._hotwords.unwritable:
            line = f"{len(unwritable)} hotwords have characters that this recogniser does not write, and no bonus: "
            warnings.warn(f"{line}{first_names(list(unwritable))}", RunWarning, stacklevel=2)

    def decode(self, predictions: PosteriorPredictions, weights: Weights) -> list[Hypothesis]:
        """See ``Decoder.decode``."""
        word_bonus = weights.get("word_bonus", 0.0)
        return prefix_beam_search(
            predictions.padded(),
            predictions.num_frames_N,
            beam_size=self.beam_size,
            language_model=self._model,
            lm_weight=weights.get("lm_weight", 0.0),
            word_bonus=0.0 if self.log_bonus else word_bonus,
            log_word_bonus=word_bonus if self.log_bonus else 0.0,
            hotwords=self._hotwords,
            hotword_bonus=self.bonus,
        )


def with_hotwords(
    by: RowDecoder | None, path: Path, *, bonus: float, beam_size: int,
    rules: Mapping[str, TextRules] = MappingProxyType({}),
) -> RowDecoder:  # fmt: skip
    """The decoder with the phrases of a file, in the form of texts; ``beam_size`` where ``by`` has no beam.

    ``rules`` are of all languages of a corpus that has some of its own, else none: the general ones. Raises
    ``UserError`` for a file that can't be read, a phrase that is not spoken words, and a decoder without a prefix beam.
    """
    try:
        phrases = tuple(dict.fromkeys(form for phrase in read_hotwords(path) for form in _forms(phrase, rules, path)))
    except ValueError as error:
        raise UserError(f"--{error}") from None
    if by is None or isinstance(by.decoder, Greedy):
        return RowDecoder("--hotwords", HotwordBeam(phrases, bonus=bonus, beam_size=beam_size), {}, {})
    if not isinstance(by.decoder, PrefixBeam | FusedBeam):
        raise UserError(
            f"--hotwords {path}: {by.name} decodes by {type(by.decoder).__name__}, which has no prefix beam"
        )
    log_bonus = isinstance(by.decoder, FusedBeam) and by.decoder.log_bonus
    beam = HotwordBeam(phrases, bonus=bonus, beam_size=by.decoder.beam_size, log_bonus=log_bonus)
    return replace(by, decoder=beam)


def _forms(phrase: str, rules: Mapping[str, TextRules], path: Path) -> list[str]:
    """As texts of each language have it. Raises ``ValueError`` where it is none in any."""
    forms: list[str] = []
    refused: UnspeakableTextError | None = None
    for language in rules or (NO_LANGUAGE,):
        try:
            forms.append(normalise(phrase, language=language, own=rules))
        except UnspeakableTextError as error:
            refused = error
    if refused is not None and not forms:
        raise ValueError(f"hotwords {path}: {phrase!r}: {refused}; allowed: words as they are spoken")
    return forms
