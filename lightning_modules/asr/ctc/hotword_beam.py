"""The rung with hotwords: the beam with a language model, and a bonus for the words and phrases of a list."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from datamodules.annotations import UtteranceReferences
from datamodules.run_warning import RunWarning
from lightning_modules.asr.ctc.decoder import PosteriorDecoder
from lightning_modules.asr.ctc.fused_decoders import LM_WEIGHTS, WORD_BONUSES, FusedBeam
from lightning_modules.asr.predictions import PosteriorPredictions, spelled
from lightning_modules.asr.tuning import Weights, Within
from lightning_modules.decoding.ctc.hotwords import Hotwords, read_hotwords
from lightning_modules.decoding.ctc.prefix_beam import BeamOptions
from lightning_modules.metrics.words.listed_words import ListedErrors, listed_errors

HOTWORD_BONUSES = (0.0, 0.3, 0.6, 1.0, 1.5)


class HotwordBeam(FusedBeam):
    """``FusedBeam`` with ``hotword_bonuses`` a character of listed phrases, fitted on validation beside the weights.

    ``hotwords`` is a file, a phrase a line (its contents are no part of the run's key: name another one anew). Null
    takes the words that the training texts have at most ``rare_count`` times: a list without any test text, to see what
    biasing does. Test figures: ``listed_wer`` over reference words of the list (B-WER), ``other_wer`` over all others
    (U-WER), both also as they are with the same weights and no bonus.
    """

    WITHIN: ClassVar[Mapping[str, Within]] = {**PosteriorDecoder.WITHIN, "hotword_bonus": Within(low=0.0)}

    def __init__(
        self,
        *,
        beam_size: int = 100,
        lm_weights: Sequence[float] = LM_WEIGHTS,
        word_bonuses: Sequence[float] = WORD_BONUSES,
        log_bonus: bool = False,
        only_known_words: bool = False,
        hotwords: Path | None = None,
        rare_count: int = 1,
        hotword_bonuses: Sequence[float] = HOTWORD_BONUSES,
    ) -> None:
        super().__init__(
            beam_size=beam_size,
            lm_weights=lm_weights,
            word_bonuses=word_bonuses,
            log_bonus=log_bonus,
            only_known_words=only_known_words,
        )
        if not hotword_bonuses or not min(hotword_bonuses) >= 0:
            raise ValueError(f"hotword_bonuses {list(hotword_bonuses)}, allowed: one number or more, 0 or above")
        if rare_count < 1:
            raise ValueError(f"rare_count must be 1 or more, got {rare_count}")
        self._listed = None if hotwords is None else read_hotwords(hotwords)
        self.rare_count = rare_count
        self._grid["hotword_bonus"] = tuple(hotword_bonuses)
        self._hotwords: Hotwords | None = None

    def prepare(
        self, *, folders: Mapping[str, Path], validation: PosteriorPredictions, references: UtteranceReferences
    ) -> None:
        """See ``Decoder.prepare``. What the recogniser can't write is a warning with its count."""
        super().prepare(folders=folders, validation=validation, references=references)
        counts = Counter(word for text in references.training_texts for word in text.split())
        rare = sorted(word for word, count in counts.items() if count <= self.rare_count)
        self._hotwords = Hotwords(rare if self._listed is None else self._listed, symbols=references.symbols)
        if self._hotwords.unwritable:
            warnings.warn(
                f"scoring.decoder.hotwords: {len(self._hotwords.unwritable)} phrases hold what the recogniser has no "
                f"symbol for and get no bonus, the first is {self._hotwords.unwritable[0]!r}",
                RunWarning,
                stacklevel=2,
            )

    def judge(
        self, predictions: PosteriorPredictions, weights: Weights, references: UtteranceReferences, *, folder: Path
    ) -> dict[str, float]:
        """See ``Decoder.judge``."""
        assert self._hotwords is not None
        with_bonus = self._errors(predictions, weights, references)
        without = self._errors(predictions, {**weights, "hotword_bonus": 0.0}, references)
        listed, other = float(with_bonus.listed_words), float(with_bonus.other_words)
        return {
            "hotwords": float(len(self._hotwords.phrases)),
            "listed_words": listed,
            "listed_wer": with_bonus.listed_rate,
            "other_wer": with_bonus.other_rate,
            "listed_wer_without": without.listed_rate,
            "other_wer_without": without.other_rate,
            **dict.fromkeys(("listed_wer_n", "listed_wer_without_n"), listed),  # how many words each is over
            **dict.fromkeys(("other_wer_n", "other_wer_without_n"), other),
        }

    def _errors(
        self, predictions: PosteriorPredictions, weights: Weights, references: UtteranceReferences
    ) -> ListedErrors:
        assert self._hotwords is not None
        texts = spelled(predictions, self.decode(predictions, weights))
        listed = {word for phrase in self._hotwords.phrases for word in phrase.split()}
        return listed_errors(((references.texts[one], text) for one, text in texts.items()), listed)

    def _options(self, weights: Weights) -> BeamOptions:
        return {**super()._options(weights), "hotwords": self._hotwords, "hotword_bonus": weights["hotword_bonus"]}
