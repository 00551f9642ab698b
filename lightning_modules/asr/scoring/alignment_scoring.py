"""Word boundaries of a recogniser that is told the text, against real ones: is it adapted to alignment?

The corpus says when each phone is said (``datamodules/phones.py``). Everything that is chosen, the aligner's weights,
the pause up to which words meet, and a constant shift in time, is chosen on validation by the median error of its
boundaries; one candidate each is no choice.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from datamodules.phones import TimedReferences, letter_spans, word_spans
from datamodules.run_warning import RunWarning, first_names
from lightning_modules.asr.aligner import Aligned, Aligner, TokenTime
from lightning_modules.asr.tuning import Tuned, Weights, Within, climb
from lightning_modules.metrics.words.boundaries import boundary_figures, errors_ms, place_figures, places, shared_gaps
from lightning_modules.scoring import Scoring

WITHIN = {"gap_seconds": Within(low=0.0), "shift_seconds": Within()}


class AlignmentScoring(Scoring):
    """Scores one aligner on the test split; a character's own sound is measured where a text's are letters.

    ``gap_seconds`` and ``shift_seconds`` are candidates: words that are no further apart than the first meet in the
    middle, and all times are moved by the second. ``SPLIT/boundary_ms`` is the median error, and so on
    (``metrics/words/boundaries.py``), ``SPLIT/words`` how many words were aligned, ``SPLIT/words_left_out`` how many
    were not.
    """

    def __init__(
        self,
        *,
        aligner: Aligner,
        gap_seconds: Sequence[float] = (0.0,),
        shift_seconds: Sequence[float] = (0.0,),
    ) -> None:
        if not gap_seconds or not shift_seconds or min(gap_seconds) < 0:
            raise ValueError(
                f"gap_seconds {list(gap_seconds)} and shift_seconds {list(shift_seconds)} need one number or more "
                "each, gaps of 0 or above"
            )
        self.aligner = aligner
        self._grid = {"gap_seconds": tuple(gap_seconds), "shift_seconds": tuple(shift_seconds)}

    def check(self, system: object) -> None:
        """The aligner must read what the system stores."""
        if not isinstance(system, self.aligner.SYSTEMS):
            allowed = ", ".join(kind.__name__ for kind in self.aligner.SYSTEMS)
            raise ValueError(
                f"scoring.aligner: {type(self.aligner).__name__} cannot align a {type(system).__name__}; "
                f"it reads what those of {allowed} store"
            )

    def score(
        self, *, predictions: Mapping[str, Path], references: Mapping[str, Any], output_dir: Path
    ) -> dict[str, float]:
        """See ``Scoring.score``."""
        timed = {split: _timed(references[split]) for split in ("validation", "test")}
        self.aligner.prepare(folders=predictions, references=timed)
        kept = _Kept(self.aligner, timed)
        tuned = self._fit(kept)
        output_dir.mkdir(parents=True, exist_ok=True)
        metrics = {f"aligning/{name}": value for name, value in tuned.weights.items()}
        for split in timed:
            measured = kept.measure(split, tuned.weights)
            metrics |= {f"{split}/{name}": value for name, value in measured.figures().items()}
            _say_left_out(split, measured, timed[split])
            if split == "test":
                _write_words(output_dir / "boundaries.tsv", measured, timed[split])
        _write_scores(output_dir, tuned, metrics)
        return metrics

    def _fit(self, kept: _Kept) -> Tuned:
        grid = {**self.aligner.weight_grid, **self._grid}
        if all(len(set(candidates)) == 1 for candidates in grid.values()):
            fixed = {name: float(candidates[0]) for name, candidates in grid.items()}
            return Tuned(fixed, [], {name: [value] for name, value in fixed.items()})
        return climb(
            lambda weights: kept.measure("validation", weights).figures().get("boundary_ms", np.inf),
            grid,
            within={**self.aligner.WITHIN, **WITHIN},
        )


class _Measured(NamedTuple):
    """Words of each utterance that was aligned, errors of all of their boundaries, places of all peaks."""

    words: dict[str, list[tuple[float, float]]]
    errors_W2: NDArray[np.float64]
    places_L: NDArray[np.float64]
    left_out: Mapping[str, str]
    words_left_out: int

    def figures(self) -> dict[str, float]:
        """By name; none of boundaries where no word was aligned."""
        aligned = boundary_figures(self.errors_W2) if len(self.errors_W2) else {}
        counts = {"words": float(len(self.errors_W2)), "words_left_out": float(self.words_left_out)}
        return {**aligned, **place_figures(self.places_L), **counts}


class _Kept:
    """Alignments that were made, by split and by the aligner's own weights: gaps and shifts cost nothing."""

    def __init__(self, aligner: Aligner, references: Mapping[str, TimedReferences]) -> None:
        self._aligner = aligner
        self._references = references
        self._made: dict[tuple[str, tuple[float, ...]], Aligned] = {}

    def measure(self, split: str, weights: Weights) -> _Measured:
        own = {name: weights[name] for name in self._aligner.weight_grid}
        key = split, tuple(own.values())
        if key not in self._made:
            self._made[key] = self._aligner.align(split, own)
        return _measure(self._made[key], self._references[split], weights)


def _measure(aligned: Aligned, references: TimedReferences, weights: Weights) -> _Measured:
    left_out = dict(aligned.left_out)
    left_out |= {name: "no phones" for name in references.texts if name not in references.phones}
    shift = weights["shift_seconds"]
    words: dict[str, list[tuple[float, float]]] = {}
    errors, peaks = [np.zeros((0, 2))], [np.zeros(0)]
    for name, times in aligned.times.items():
        if name in left_out:
            continue
        of_words = _of_words(references.texts[name], times)
        spans = [(word[0].start_seconds + shift, word[-1].end_seconds + shift) for word in of_words]
        words[name] = shared_gaps(spans, most_seconds=weights["gap_seconds"])
        errors.append(errors_ms(words[name], word_spans(references.phones[name])))
        letters = [letter for word in letter_spans(references.phones[name]) for letter in word]
        peaks.append(places([time.peak_seconds + shift for word in of_words for time in word], letters))
    missing = sum(len(references.texts[name].split()) for name in left_out)
    return _Measured(words, np.concatenate(errors), np.concatenate(peaks), left_out, missing)


def _of_words(text: str, times: Sequence[TokenTime]) -> list[list[TokenTime]]:
    words: list[list[TokenTime]] = [[]]
    for sign, time in zip(text, times, strict=True):
        if sign.isspace():
            words.append([])
        else:
            words[-1].append(time)
    return words


def _timed(references: object) -> TimedReferences:
    """Raises ``ValueError`` for references of a data module that knows no phones."""
    if not isinstance(references, TimedReferences):
        raise ValueError(
            "data: a corpus whose phones are not timed; alignments are scored with "
            "datamodules.timed_speech.TimedSpeechDataModule"
        )
    return references


def _say_left_out(split: str, measured: _Measured, references: TimedReferences) -> None:
    if measured.left_out:
        named = [f"{name} ({why})" for name, why in sorted(measured.left_out.items())]
        warnings.warn(
            f"{split}: {len(named)} of {len(references.texts)} utterances are not aligned: {first_names(named)}",
            RunWarning,
            stacklevel=2,
        )


def _write_words(path: Path, measured: _Measured, references: TimedReferences) -> None:
    """Every word with its times and the real ones, in seconds."""
    lines = ["utterance\tword\tstart\tend\treal_start\treal_end"]
    for name, spans in measured.words.items():
        real = word_spans(references.phones[name])
        for word, (start, end), own in zip(references.texts[name].split(), spans, real, strict=True):
            lines.append(f"{name}\t{word}\t{start:.3f}\t{end:.3f}\t{own.start_seconds:.3f}\t{own.end_seconds:.3f}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_scores(folder: Path, tuned: Tuned, metrics: Mapping[str, float]) -> None:
    """``alignment.json``, what was chosen and tried, and ``scores.json``."""
    chosen = {
        "fitted_for": "validation/boundary_ms",
        "weights": tuned.weights,
        "at_edge": tuned.at_edge,
        "trials": [trial._asdict() for trial in tuned.trials],
    }
    for name, content in (("alignment.json", chosen), ("scores.json", {"metrics": dict(metrics)})):
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        (folder / name).write_text(text, encoding="utf-8")
