"""One rung of a ladder on one checkpoint: decode validation to fit the weights, decode test once, score the texts.

Only stored predictions are read, so that every rung decodes the same checkpoint and none retrains. The real-time factor
is (seconds of the network + seconds of the decoder) / seconds of audio, the decoder's taken after a warm-up, with as
many threads as the run has. Every trial on validation is kept in ``decoding.json`` beside the weights that won, with
the validation error on either side of each; a weight that stays at the edge of what was tried is a warning. Splits
that the data module serves besides (joined test utterances) are decoded with these too, for their error rates alone.
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from datamodules.annotations import UtteranceReferences
from datamodules.run_warning import RunWarning
from datamodules.texts.transcripts import write_transcripts
from lightning_modules.asr.ctc.decoder import Decoder
from lightning_modules.asr.predictions import FramePredictions, spelled
from lightning_modules.asr.scoring.text_report import report_texts
from lightning_modules.asr.tuning import Tuned, Weights, climb
from lightning_modules.metrics.spikiness import spikiness
from lightning_modules.metrics.word_error import WordError
from lightning_modules.scoring import Scoring


class DecodingScoring(Scoring):
    """Scores a recogniser's stored predictions through one decoder.

    ``fitted_for`` is the validation error that chooses the decoder's weights; ``num_pictures`` test utterances are
    drawn with what the decoder knows of them (posteriors, attention), the worst first. ``word_list`` is a file of words
    that count as real beside those of the training texts; its contents are no part of the run's key.
    """

    def __init__(
        self,
        *,
        decoder: Decoder,  # type: ignore[type-arg]  # jsonargparse takes a subscripted class for one to make, no base
        fitted_for: Literal["wer", "cer"] = "wer",
        num_pictures: int = 0,
        word_list: Path | None = None,
    ) -> None:
        if word_list is not None and not word_list.is_file():
            raise ValueError(f"word_list {word_list}: no such file; expected a text file of words")
        self.word_list = word_list
        self.decoder = decoder
        self.fitted_for = fitted_for
        self.num_pictures = num_pictures

    def check(self, system: object) -> None:
        """The decoder must read what the system stores."""
        if not isinstance(system, self.decoder.SYSTEMS):
            allowed = ", ".join(kind.__name__ for kind in self.decoder.SYSTEMS)
            raise ValueError(
                f"scoring.decoder: {type(self.decoder).__name__} cannot decode a {type(system).__name__}; "
                f"it reads those of {allowed}"
            )

    def score(
        self, *, predictions: Mapping[str, Path], references: Mapping[str, Any], output_dir: Path
    ) -> dict[str, float]:
        """See ``Scoring.score``."""
        on_validation: UtteranceReferences = references["validation"]
        on_test: UtteranceReferences = references["test"]
        validation = self.decoder.read(predictions["own"], "validation", on_validation)
        test = self.decoder.read(predictions["own"], "test", on_test)
        self.decoder.prepare(folders=predictions, validation=validation, references=on_validation)
        tuned = self._fit(validation, on_validation)
        weights = tuned.weights
        errors = self._errors(validation, on_validation, weights)  # also warms the decoder up
        started = time.perf_counter()
        hypotheses = self.decoder.decode(test, weights)
        seconds = time.perf_counter() - started
        texts = spelled(test, hypotheses)
        audio_seconds = sum(on_test.duration_seconds.values())
        judged = self.decoder.judge(test, weights, on_test, folder=output_dir)
        metrics = {
            **{f"validation/{name}": value for name, value in errors.items()},
            **{f"decoding/{name}": value for name, value in weights.items()},
            **self._spikiness(test),
            **{f"test/{name}": value for name, value in {**self.decoder.measures(test, hypotheses), **judged}.items()},
            **self._of_more_splits(predictions["own"], references, weights, output_dir=output_dir),
            "test/decoding_seconds": seconds,
            "test/real_time_factor": (test.encoding_seconds + seconds) / audio_seconds,
        }
        self._record(tuned, errors[self.fitted_for], output_dir)
        if self.num_pictures:
            folder = output_dir / "utterances"
            self.decoder.draw(test, hypotheses, on_test, count=self.num_pictures, folder=folder)
        return report_texts(texts, on_test, output_dir=output_dir, more=metrics, word_list_file=self.word_list)

    def _record(self, tuned: Tuned, error: float, output_dir: Path) -> None:
        """Write ``decoding.json``, and say which weights lie at the edge of what was tried."""
        content = {
            "fitted_for": f"validation/{self.fitted_for}",
            "weights": tuned.weights,
            "error": error,
            "beside": {
                name: {
                    side: None if trial is None else {"weight": trial.weights[name], "error": trial.error}
                    for side, trial in sides.items()
                }
                for name, sides in tuned.beside().items()
            },
            "at_edge": tuned.at_edge,  # of all that was tried: a better weight may lie beyond
            "trials": [trial._asdict() for trial in tuned.trials],
        }
        (output_dir / "decoding.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        for name in tuned.at_edge:
            inside = next(trial for trial in tuned.beside()[name].values() if trial is not None)
            warnings.warn(
                f"scoring.decoder: the best {name}, {tuned.weights[name]:g}, lies at the edge of what was tried: "
                f"validation/{self.fitted_for} {error:.4f}; beside it, at {inside.weights[name]:g}, {inside.error:.4f}",
                RunWarning,
                stacklevel=2,
            )

    def _fit(self, validation: FramePredictions, references: UtteranceReferences) -> Tuned:
        grid = self.decoder.weight_grid
        if all(len(set(candidates)) == 1 for candidates in grid.values()):  # nothing to choose, or nothing at all
            fixed = {name: float(candidates[0]) for name, candidates in grid.items()}
            return Tuned(fixed, [], {name: [value] for name, value in fixed.items()})
        return climb(
            lambda weights: self._errors(validation, references, weights)[self.fitted_for],
            grid,
            within=self.decoder.WITHIN,
        )

    def _errors(
        self, predictions: FramePredictions, references: UtteranceReferences, weights: Weights
    ) -> dict[str, float]:
        """WER and CER of a split decoded with these weights."""
        return _rates(spelled(predictions, self.decoder.decode(predictions, weights)), references)

    def _of_more_splits(
        self, folder: Path, references: Mapping[str, UtteranceReferences], weights: Weights, *, output_dir: Path
    ) -> dict[str, float]:
        """``SPLIT/wer`` and ``/cer`` of every split but validation and test, their texts kept beside those of test."""
        rates: dict[str, float] = {}
        for split in sorted(references.keys() - {"validation", "test"}):
            predictions = self.decoder.read(folder, split, references[split])
            texts = spelled(predictions, self.decoder.decode(predictions, weights))
            write_transcripts(output_dir / f"hypotheses_{split}.tsv", texts)
            rates |= {f"{split}/{name}": rate for name, rate in _rates(texts, references[split]).items()}
        return rates

    def _spikiness(self, test: FramePredictions) -> dict[str, float]:
        posteriors = self.decoder.posteriors(test)
        if posteriors is None:
            return {}
        found = spikiness(posteriors.log_probs_FV, posteriors.num_frames_N)
        return {f"test/{name}": value for name, value in found.items()}


def _rates(texts: Mapping[str, str], references: UtteranceReferences) -> dict[str, float]:
    error = WordError()
    error.update([references.texts[utterance] for utterance in texts], list(texts.values()))
    return error.compute()
