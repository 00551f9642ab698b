"""Frame curves -> tags -> events -> scores, with everything that is fitted fitted on validation alone.

Weak selection (validation carries no events): thresholds of the tags are fitted on validation *tags*; window and
hysteresis stay at the constants of the row. Strong selection (validation carries events): window and hysteresis are
the setting with the best event-based macro F1 on validation among the row's constants (they win ties) and the grid
below. Which one it is follows from ``references["validation"].events``; all values end in ``postprocessing.json``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from datamodules.annotations import ClipReferences, Event, FrameGrid
from lightning_modules.decoding.sound_events.events import PostProcessing
from lightning_modules.metrics.coactivation import coactivation
from lightning_modules.metrics.durations import score_by_duration
from lightning_modules.scoring import Scoring
from lightning_modules.sed.analysis.report import analyse_events, draw_analysis
from lightning_modules.sed.clip_tags import FittedTags, Tags, fitted_tags, load_split, oracle_tags
from lightning_modules.sed.detection_report import report_detection
from lightning_modules.sed.pictures import Curves, draw_clips
from lightning_modules.sed.predictions import DetectionPredictions

GRID_WINDOWS = ((0.0, 0.0), (0.0, 0.25), (0.0, 0.44), (0.0, 0.9), (0.25, 0.0), (0.44, 0.0), (0.9, 0.0))  # median, mean
GRID_HIGH_LOW = ((0.3, 0.15), (0.5, 0.25), (0.5, 0.5), (0.7, 0.35), (0.7, 0.7), (0.9, 0.6))


class DetectionScoring(Scoring):
    """Scores a detection system's frame curves.

    ``tags`` says whose tags choose a clip's classes: the system's own clip probabilities, those of
    ``predictions["tagger"]``, or the true test tags (``oracle``). The other arguments are ``PostProcessing``'s, in
    seconds and in [0, 1]; ``num_pictures`` clips are drawn, and with 0 the charts of the analysis neither.
    """

    def __init__(
        self,
        *,
        tags: Literal["own", "tagger", "oracle"] = "own",
        median_seconds: float = 0.0,
        window_seconds: float = 0.44,
        high_threshold: float = 0.5,
        low_threshold: float = 0.25,
        rescale: bool = True,
        longest_gap_seconds: float = 0.2,
        shortest_event_seconds: float = 0.1,
        num_pictures: int = 6,
    ) -> None:
        self.tags = tags
        self.num_pictures = num_pictures
        self.constants = PostProcessing(
            median_seconds=median_seconds,
            window_seconds=window_seconds,
            high_threshold=high_threshold,
            low_threshold=low_threshold,
            rescaled=rescale,
            longest_gap_seconds=longest_gap_seconds,
            shortest_event_seconds=shortest_event_seconds,
        )

    def score(
        self, *, predictions: Mapping[str, Path], references: Mapping[str, Any], output_dir: Path
    ) -> dict[str, float]:
        """See ``Scoring.score``. A system without frame curves (a tagger) is scored on its tags alone."""
        validation: ClipReferences = references["validation"]
        test: ClipReferences = references["test"]
        tags = self._tags(predictions, validation, test)
        own = load_split(predictions, "own", "test", test)
        chosen = self.constants
        fitted: dict[str, Any] = {"tags": self.tags}
        events: dict[str, tuple[Event, ...]] | None = None
        more: dict[str, float] = {}
        if own.frame_probabilities_NTC is not None:
            on_validation = load_split(predictions, "own", "validation", validation)
            chosen, validation_f1 = self._select(on_validation, tags.validation, validation)
            events = decode(own, tags.test, chosen, test)
            more = {"validation/event_f1_macro": validation_f1, **_coactivation(own, test)}
            selection = "weak" if validation.events is None else "strong"
            frames = chosen.frames(FrameGrid(hop_seconds=own.hop_seconds))
            fitted |= {"selection": selection, "events": asdict(chosen), "frames": frames}
        metrics = report_detection(
            tags=tags, events=events, validation=validation, test=test, output_dir=output_dir, fitted=fitted, more=more
        )
        if events is not None:
            with_true_tags = decode(own, test.tags, chosen, test)
            analyse_events(test, events, tags.test, with_true_tags=with_true_tags, output_dir=output_dir)
        if events is not None and self.num_pictures:
            curves = Curves(own, chosen)
            draw_clips(test, events, curves=curves, count=self.num_pictures, folder=output_dir / "clips")
            draw_analysis(output_dir)
        return metrics

    def _tags(self, predictions: Mapping[str, Path], validation: ClipReferences, test: ClipReferences) -> FittedTags:
        if self.tags == "oracle":
            return oracle_tags(validation=validation, test=test)
        return fitted_tags(predictions, self.tags, validation=validation, test=test)

    def _select(
        self, predictions: DetectionPredictions, tags: Tags, validation: ClipReferences
    ) -> tuple[PostProcessing, float]:
        """The post-processing to use, and its event-based macro F1 on validation (NaN under weak selection)."""
        if validation.events is None:
            return self.constants, float("nan")
        candidates = [self.constants]
        for (median, mean), (high, low) in product(GRID_WINDOWS, GRID_HIGH_LOW):
            windows = replace(self.constants, median_seconds=median, window_seconds=mean)
            candidates.append(replace(windows, high_threshold=high, low_threshold=low))
        scored = [(_event_f1(decode(predictions, tags, c, validation), validation), c) for c in candidates]
        best_f1, best = max(scored, key=lambda pair: pair[0])  # the first of equals
        return best, best_f1


def decode(
    predictions: DetectionPredictions, tags: Tags, post_processing: PostProcessing, references: ClipReferences
) -> dict[str, tuple[Event, ...]]:
    """Events of every clip of a split."""
    grid = FrameGrid(hop_seconds=predictions.hop_seconds)
    return {
        clip: post_processing.events(
            curves_TC,
            classes=predictions.classes,
            tagged=tags[clip],
            grid=grid,
            end_seconds=references.duration_seconds[clip],
        )
        for clip, curves_TC in _clip_curves(predictions)
    }


def _clip_curves(predictions: DetectionPredictions) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Each clip's curves without padding."""
    curves_NTC = predictions.frame_probabilities_NTC
    assert curves_NTC is not None
    for clip, curves_TC, num_frames in zip(predictions.clip_ids, curves_NTC, predictions.num_frames_N, strict=True):
        yield clip, curves_TC[: int(num_frames)]


def _event_f1(events: Mapping[str, tuple[Event, ...]], references: ClipReferences) -> float:
    assert references.events is not None
    groups = score_by_duration(references.events, events, classes=references.classes, short_below_seconds=0.0)
    return groups["long"].macro(lambda counts: counts.f1)


def _coactivation(predictions: DetectionPredictions, test: ClipReferences) -> dict[str, float]:
    """Of the raw curves, over true tags; and of the strong labels on the same grid."""
    assert test.events is not None
    grid = FrameGrid(hop_seconds=predictions.hop_seconds)
    column = {label: index for index, label in enumerate(predictions.classes)}
    estimated, true = [], []
    for clip, curves_TC in _clip_curves(predictions):
        tagged = np.array(sorted(column[label] for label in test.tags[clip]), dtype=np.int64)
        estimated.append((curves_TC, tagged))
        activity_TC = grid.activity(test.events[clip], classes=predictions.classes, num_frames=len(curves_TC))
        true.append((activity_TC, tagged))
    return {"test/coactivation": coactivation(estimated), "test/coactivation_reference": coactivation(true)}
