"""Rungs with a language model out of another run's folder: inside the beam, or over the beam's N best.

The model comes from ``from: {language_model: …}``. One over the recogniser's own symbols (but for tags of languages),
as two runs on one corpus have, speaks at every token; an n-gram over words speaks inside a beam of characters where
words end; one of any kind may rescore.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from datamodules.annotations import Hypothesis, UtteranceReferences
from lightning_modules.asr.ctc.decoder import PosteriorDecoder
from lightning_modules.asr.predictions import PosteriorPredictions
from lightning_modules.asr.tuning import Weights
from lightning_modules.decoding.ctc.fusing import AnyLanguageModel
from lightning_modules.decoding.ctc.prefix_beam import BeamOptions, prefix_beam_search
from lightning_modules.decoding.language_models.language_model import BackoffNgrams, LanguageModel
from lightning_modules.decoding.language_models.ngram_language_model import NgramLanguageModel
from lightning_modules.decoding.language_models.rescoring import NBestScores, language_model_scores
from lightning_modules.decoding.language_models.untagged import untagged, without_tags
from lightning_modules.decoding.language_models.word_ngram import UNKNOWN, WordNgram
from lightning_modules.decoding.texts import are_words, is_tag
from lightning_modules.lm.stored import load_language_model

LM_WEIGHTS = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.3, 1.6, 2.0)
WORD_BONUSES = (-1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)


def check_weights(*, beam_size: float, lm_weights: Sequence[float], word_bonuses: Sequence[float]) -> None:
    """Raise ``ValueError`` now for what would end a run after its training."""
    if not beam_size > 0:
        raise ValueError(f"the beam must be above 0, got {beam_size}")
    if not lm_weights or not word_bonuses or not min(lm_weights) > 0:
        raise ValueError(
            f"lm_weights {list(lm_weights)} and word_bonuses {list(word_bonuses)} need one number or more each, "
            "weights above 0"
        )


def read_language_model(folders: Mapping[str, Path], symbols: Sequence[str]) -> LanguageModel:
    """The model of ``folders["language_model"]``.

    One that lacks nothing but the tags among ``symbols`` comes ``untagged``. Raises ``ValueError`` where ``from:``
    names none, or where it is over characters other than ``symbols``.
    """
    if "language_model" not in folders:
        raise ValueError("from.language_model: missing; this decoder needs a row of a language model")
    model = load_language_model(folders["language_model"])
    if tuple(model.symbols) == tuple(symbols):
        return model
    if tuple(model.symbols) == without_tags(symbols):
        return untagged(model, symbols)
    if UNKNOWN not in model.symbols:
        raise ValueError(
            f"the language model has {len(model.symbols)} symbols, other ones than the recogniser's {len(symbols)}; "
            "both must be trained on one corpus, with the same languages, minutes and unit"
        )
    return model


class FusedBeam(PosteriorDecoder):
    """Prefix beam search with a language model inside: ``log p_ctc + α log p_lm + β |words|``.

    ``lm_weights`` (α) and ``word_bonuses`` (β) are what validation chooses from; with ``log_bonus`` the bonus is
    ``β log |words|``, Hannun's and Maas' own form. ``only_known_words``: with a word n-gram, hypotheses hold words of
    the training texts alone. Where recogniser and model have the same symbols for tokens, any model speaks at each.
    Beside a recogniser of characters ``ValueError`` is raised for a neural model over words, which only rescoring can
    ask, and for any over words where tags of languages are written, since words are spelled from the text's start;
    beside one of subwords, which spell a word in many ways, for any over words.
    """

    def __init__(
        self,
        *,
        beam_size: int = 100,
        lm_weights: Sequence[float] = LM_WEIGHTS,
        word_bonuses: Sequence[float] = WORD_BONUSES,
        log_bonus: bool = False,
        only_known_words: bool = False,
    ) -> None:
        check_weights(beam_size=beam_size, lm_weights=lm_weights, word_bonuses=word_bonuses)
        self.beam_size = beam_size
        self.log_bonus = log_bonus
        self.only_known_words = only_known_words
        self._grid = {"lm_weight": tuple(lm_weights), "word_bonus": tuple(word_bonuses)}
        self._model: AnyLanguageModel | None = None

    @property
    def weight_grid(self) -> Mapping[str, Sequence[float]]:
        """See ``Decoder.weight_grid``."""
        return self._grid

    def prepare(
        self, *, folders: Mapping[str, Path], validation: PosteriorPredictions, references: UtteranceReferences
    ) -> None:
        """See ``Decoder.prepare``."""
        model = read_language_model(folders, references.symbols)
        if tuple(model.symbols) == tuple(references.symbols):  # it speaks at every token: character, subword or word
            if self.only_known_words:
                raise ValueError(
                    "only_known_words needs an n-gram over words beside a recogniser of characters; here both are over "
                    + ("words, and nothing else is written" if are_words(model.symbols) else f"{references.unit}s")
                )
            self._model = model
        elif are_words(references.symbols):
            raise ValueError(
                f"the language model has {len(model.symbols)} words, other ones than the recogniser's "
                f"{len(references.symbols)}; inside the beam both need one corpus, "
                "languages, minutes and word_min_count"
            )
        elif isinstance(model, NgramLanguageModel) and model.ngrams.unit == "word":
            if references.unit == "subword":
                raise ValueError(
                    "a model over words can't be asked inside a beam of subwords; rescore, or take one of subwords"
                )
            if any(map(is_tag, references.symbols)):
                raise ValueError("a model over words can't be asked inside a beam that writes language tags; rescore")
            self._model = self._of_words(model.ngrams, references)
        else:
            raise ValueError("a neural language model over words can't be asked inside the beam; rescore with it")

    def _of_words(self, ngrams: BackoffNgrams, references: UtteranceReferences) -> WordNgram:
        """A word n-gram, as the beam of characters asks it."""
        words = {word for text in references.training_texts for word in text.split()}
        return WordNgram(ngrams, symbols=references.symbols, word_list=words if self.only_known_words else None)

    def decode(self, predictions: PosteriorPredictions, weights: Weights) -> list[Hypothesis]:
        """See ``Decoder.decode``."""
        return prefix_beam_search(
            predictions.padded(), predictions.num_frames_N, beam_size=self.beam_size, **self._options(weights)
        )

    def best(self, predictions: PosteriorPredictions, weights: Weights, *, count: int) -> list[list[Hypothesis]]:
        """Up to ``count``, 2 or more, hypotheses of every utterance, best first, in the predictions' order."""
        return prefix_beam_search(
            predictions.padded(),
            predictions.num_frames_N,
            beam_size=self.beam_size,
            n_best=count,
            **self._options(weights),
        )

    def _options(self, weights: Weights) -> BeamOptions:
        bonus = weights["word_bonus"]
        return {
            "language_model": self._model,
            "lm_weight": weights["lm_weight"],
            "word_bonus": 0.0 if self.log_bonus else bonus,
            "log_word_bonus": bonus if self.log_bonus else 0.0,
        }


class Rescored(PosteriorDecoder):
    """The beam's ``n_best`` without a language model, reordered by one: any model can be asked (Graves & Jaitly 2014).

    Beam and model are asked once a split; every other weight costs nothing.
    """

    def __init__(
        self,
        *,
        beam_size: int = 100,
        n_best: int = 50,
        lm_weights: Sequence[float] = LM_WEIGHTS,
        word_bonuses: Sequence[float] = WORD_BONUSES,
    ) -> None:
        check_weights(beam_size=beam_size, lm_weights=lm_weights, word_bonuses=word_bonuses)
        if not 2 <= n_best <= beam_size:
            raise ValueError(f"n_best {n_best} must lie within 2 and beam_size {beam_size}")
        self.beam_size = beam_size
        self.n_best = n_best
        self._grid = {"lm_weight": tuple(lm_weights), "word_bonus": tuple(word_bonuses)}
        self._model: LanguageModel | None = None
        self._scored: tuple[PosteriorPredictions, NBestScores] | None = None

    @property
    def weight_grid(self) -> Mapping[str, Sequence[float]]:
        """See ``Decoder.weight_grid``."""
        return self._grid

    def prepare(
        self, *, folders: Mapping[str, Path], validation: PosteriorPredictions, references: UtteranceReferences
    ) -> None:
        """See ``Decoder.prepare``."""
        self._model = read_language_model(folders, references.symbols)

    def decode(self, predictions: PosteriorPredictions, weights: Weights) -> list[Hypothesis]:
        """See ``Decoder.decode``. The first time that a split comes, its N best are found and scored."""
        if self._scored is None or self._scored[0] is not predictions:
            assert self._model is not None
            n_best = prefix_beam_search(
                predictions.padded(), predictions.num_frames_N, beam_size=self.beam_size, n_best=self.n_best
            )
            self._scored = predictions, language_model_scores(n_best, self._model, symbols=predictions.symbols)
        return [
            hypotheses[0]
            for hypotheses in self._scored[1].combine(lm_weight=weights["lm_weight"], word_bonus=weights["word_bonus"])
        ]
