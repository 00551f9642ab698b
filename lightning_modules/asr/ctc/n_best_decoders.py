"""Rungs that use the whole N-best list of a beam with a language model: minimum risk, and confidence a word."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from datamodules.annotations import Hypothesis, UtteranceReferences
from lightning_modules.asr.ctc.confidence_report import write_confidences
from lightning_modules.asr.ctc.decoder import PosteriorDecoder
from lightning_modules.asr.ctc.fused_decoders import LM_WEIGHTS, WORD_BONUSES, FusedBeam
from lightning_modules.asr.predictions import PosteriorPredictions
from lightning_modules.asr.tuning import Weights, Within
from lightning_modules.decoding.texts import spell
from lightning_modules.metrics.edits import align
from lightning_modules.metrics.n_best.minimum_risk import Risk, edit_distances, least_risk, list_posterior
from lightning_modules.metrics.n_best.word_confidence import word_confidences, words_at_place
from lightning_modules.metrics.words.calibration import (
    calibration_error,
    cross_entropy_bits,
    normalised_cross_entropy,
    roc_area,
)
from lightning_modules.metrics.words.logit_map import LogitMap, fit_logit_map

POSTERIOR_SCALES = (0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0)
TEMPERATURES = tuple(float(scale) for scale in np.geomspace(0.01, 2.0, 40))  # scales of the posterior, in fact


class _Lists(NamedTuple):
    """The N best of a split with some weights, and how far their texts are from each other, (N, N) an utterance."""

    of: PosteriorPredictions
    weights: Weights
    n_best: list[list[Hypothesis]]
    edits: list[NDArray[np.float64]]


class MinimumRisk(FusedBeam):
    """``FusedBeam``'s ``n_best``, and of them the text of the least expected error in ``risk``: words or characters.

    ``posterior_scales`` is fitted on validation beside the weights.
    """

    WITHIN: ClassVar[Mapping[str, Within]] = {
        **PosteriorDecoder.WITHIN,
        "posterior_scale": Within(low=0.0, is_above=True),
    }

    def __init__(
        self,
        *,
        beam_size: int = 100,
        lm_weights: Sequence[float] = LM_WEIGHTS,
        word_bonuses: Sequence[float] = WORD_BONUSES,
        log_bonus: bool = False,
        only_known_words: bool = False,
        n_best: int = 50,
        posterior_scales: Sequence[float] = POSTERIOR_SCALES,
        risk: Risk = "word",
    ) -> None:
        super().__init__(
            beam_size=beam_size,
            lm_weights=lm_weights,
            word_bonuses=word_bonuses,
            log_bonus=log_bonus,
            only_known_words=only_known_words,
        )
        check_n_best(n_best, beam_size)
        if not posterior_scales or not min(posterior_scales) > 0:
            raise ValueError(f"posterior_scales {list(posterior_scales)}, allowed: one number or more, above 0")
        self.n_best = n_best
        self.risk: Risk = risk
        self._grid["posterior_scale"] = tuple(posterior_scales)
        self._lists: _Lists | None = None

    def decode(self, predictions: PosteriorPredictions, weights: Weights) -> list[Hypothesis]:
        """See ``Decoder.decode``. Lists are kept from one call to the next: another scale costs nothing."""
        others = {name: weight for name, weight in weights.items() if name != "posterior_scale"}
        if self._lists is None or self._lists.of is not predictions or self._lists.weights != others:
            n_best = self.best(predictions, weights, count=self.n_best)
            texts = [[spell(one.tokens, predictions.symbols) for one in row] for row in n_best]
            self._lists = _Lists(predictions, others, n_best, [edit_distances(row, unit=self.risk) for row in texts])
        scale = weights["posterior_scale"]
        return [
            row[least_risk(edits_NN, list_posterior([one.score for one in row], scale=scale))]
            for row, edits_NN in zip(self._lists.n_best, self._lists.edits, strict=True)
        ]


class ConfidentBeam(FusedBeam):
    """``FusedBeam``, and how sure each word of its texts is, from its ``n_best``.

    The posterior's scale and a map of the confidences' logit (``metrics/words/logit_map.py``) are those of the least
    cross entropy on validation, kept in ``scores/confidence.json``; ECE, NCE and the area under the ROC
    (``metrics/words/calibration.py``) are those of test: mapped, of the best scale without a map (``_unmapped``) and of
    scale 1 (``_unscaled``). ``scores/confidences.tsv`` has every word, ``scores/reliability.png`` the picture.
    """

    def __init__(
        self,
        *,
        beam_size: int = 100,
        lm_weights: Sequence[float] = LM_WEIGHTS,
        word_bonuses: Sequence[float] = WORD_BONUSES,
        log_bonus: bool = False,
        only_known_words: bool = False,
        n_best: int = 50,
    ) -> None:
        super().__init__(
            beam_size=beam_size,
            lm_weights=lm_weights,
            word_bonuses=word_bonuses,
            log_bonus=log_bonus,
            only_known_words=only_known_words,
        )
        check_n_best(n_best, beam_size)
        self.n_best = n_best
        self._validation: tuple[PosteriorPredictions, UtteranceReferences] | None = None

    def prepare(
        self, *, folders: Mapping[str, Path], validation: PosteriorPredictions, references: UtteranceReferences
    ) -> None:
        """See ``Decoder.prepare``."""
        super().prepare(folders=folders, validation=validation, references=references)
        self._validation = validation, references

    def judge(
        self, predictions: PosteriorPredictions, weights: Weights, references: UtteranceReferences, *, folder: Path
    ) -> dict[str, float]:
        """See ``Decoder.judge``."""
        assert self._validation is not None
        on_validation = self._doubted(self._validation[0], weights, self._validation[1])
        right_M = _joined_right(on_validation)
        scale = min(TEMPERATURES, key=lambda one: cross_entropy_bits(_confidences(on_validation, one), right_M))
        mapped = _best_map(on_validation, right_M)
        on_test = self._doubted(predictions, weights, references)
        confidence_M, right_M = mapped.map(_confidences(on_test, mapped.scale)), _joined_right(on_test)
        write_confidences(
            [(one.utterance_id, word) for one in on_test for word in one.words],
            confidence_M,
            right_M,
            before_M=_confidences(on_test, 1.0),
            settings={"posterior_scale": mapped.scale, **mapped.map._asdict()},
            folder=folder,
        )
        figures = {
            "confidence_scale": mapped.scale,
            "confidence_slope": mapped.map.slope,
            "confidence_offset": mapped.map.offset,
            "confidence_roc_area": roc_area(confidence_M, right_M),
        }
        unmapped = {"_unmapped": _confidences(on_test, scale), "_unscaled": _confidences(on_test, 1.0)}
        for name, of in {"": confidence_M, **unmapped}.items():
            figures[f"confidence_ece{name}"] = calibration_error(of, right_M)
            figures[f"confidence_nce{name}"] = normalised_cross_entropy(of, right_M)
        # Undefined where no word is wrong, or none right.
        known = {name: figure for name, figure in figures.items() if not math.isnan(figure)}
        of_words = [name for name in known if name.startswith(("confidence_roc", "confidence_ece", "confidence_nce"))]
        return known | {f"{name}_n": float(len(right_M)) for name in of_words}

    def _doubted(
        self, predictions: PosteriorPredictions, weights: Weights, references: UtteranceReferences
    ) -> list[_Doubted]:
        lists = self.best(predictions, weights, count=self.n_best)
        return [
            _doubted(utterance_id, row, predictions.symbols, references.texts[utterance_id])
            for utterance_id, row in zip(predictions.utterance_ids, lists, strict=True)
        ]


def check_n_best(n_best: int, beam_size: int) -> None:
    """Raise ``ValueError`` now for what would end a run after its training."""
    if not 2 <= n_best <= beam_size:
        raise ValueError(f"n_best {n_best} must lie within 2 and beam_size {beam_size}")


class _Doubted(NamedTuple):
    """An utterance's best words, which of the N best have each, and which are right: said there in the reference."""

    utterance_id: str
    words: list[str]
    has_word_NW: NDArray[np.bool_]
    score_N: list[float]
    is_right_W: list[bool]


def _doubted(utterance_id: str, row: Sequence[Hypothesis], symbols: Sequence[str], reference: str) -> _Doubted:
    texts = [spell(one.tokens, symbols) for one in row]
    words = texts[0].split()
    pairs = [pair for pair in align(reference.split(), words) if pair[1] is not None]
    return _Doubted(
        utterance_id,
        words,
        words_at_place(texts[0], texts),
        [one.score for one in row],
        [said == heard for said, heard in pairs],
    )


class _Mapped(NamedTuple):
    """A scale of the posterior, and the map of the confidences that it gives."""

    scale: float
    map: LogitMap


def _best_map(utterances: Sequence[_Doubted], right_M: NDArray[np.bool_]) -> _Mapped:
    """Of every scale with its best map the one of least cross entropy."""
    mapped = [_Mapped(scale, fit_logit_map(_confidences(utterances, scale), right_M)) for scale in TEMPERATURES]
    return min(mapped, key=lambda of: cross_entropy_bits(of.map(_confidences(utterances, of.scale)), right_M))


def _confidences(utterances: Sequence[_Doubted], scale: float) -> NDArray[np.float64]:
    found = [word_confidences(one.has_word_NW, list_posterior(one.score_N, scale=scale)) for one in utterances]
    return np.concatenate([np.zeros(0), *found])


def _joined_right(utterances: Sequence[_Doubted]) -> NDArray[np.bool_]:
    return np.array([right for one in utterances for right in one.is_right_W], np.bool_)
