"""Frame curves -> tags -> events -> scores, with everything that is fitted fitted on validation alone.

Thresholds of the tags are fitted on validation *tags*. Window, hysteresis and the like are the constants of the row, or
fitted as its ``fit`` says (``fitting/selection.py``); without ``fit``, ``data.selection`` says it: strong (validation
carries events) fits them on those, weak leaves the constants. All values end in ``postprocessing.json``. With ``tuned``
the same curves are scored once more, fitted on validation events, as further figures beside the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from datamodules.annotations import ClipReferences, Event, FrameGrid
from lightning_modules.decoding.sound_events.change_points import ChangePoints
from lightning_modules.decoding.sound_events.double_threshold import Hysteresis
from lightning_modules.decoding.sound_events.events import PostProcessing
from lightning_modules.metrics.coactivation import coactivation
from lightning_modules.scoring import Scoring
from lightning_modules.sed.analysis.report import analyse_events, draw_analysis
from lightning_modules.sed.clip_tags import FittedTags, fitted_tags, load_split, oracle_tags, tags_by
from lightning_modules.sed.curve_scores.report import clip_scores, score_clips, score_curves
from lightning_modules.sed.detection_report import report_detection
from lightning_modules.sed.fitting.choices import check_settings, unlike
from lightning_modules.sed.fitting.fitted import FittedPostProcessing, clip_curves
from lightning_modules.sed.fitting.selection import fit_post_processing
from lightning_modules.sed.fitting.tuned import score_tuned
from lightning_modules.sed.fitting.validation_split import ValidationSplit
from lightning_modules.sed.pictures import Curves, draw_clips
from lightning_modules.sed.predictions import DetectionPredictions


class DetectionScoring(Scoring):
    """Scores a detection system's frame curves.

    ``tags`` says whose tags choose a clip's classes: the system's own clip probabilities, those of
    ``predictions["tagger"]``, or the true test tags (``oracle``). Their thresholds are fitted by class; with a
    ``clip_threshold`` a class has events where its clip probability reaches that instead, in every clip at 0.
    ``fit`` says on which validation labels the rest is fitted (None: events where ``data.selection`` is strong), and
    ``by_class`` whether for each class by itself. ``tuned`` adds the figures of a fit on validation events, one setting
    for all classes, as ``test/…_tuned`` (``fitting/tuned.py``). ``change_points`` takes the place of thresholds on
    frames. The other arguments are ``PostProcessing``'s, in seconds and in [0, 1]; ``num_pictures`` clips are drawn,
    with 0 no charts of the analysis either.
    """

    def __init__(
        self,
        *,
        tags: Literal["own", "tagger", "oracle"] = "own",
        clip_threshold: float | None = None,
        fit: Literal["none", "tags", "events"] | None = None,
        by_class: bool = False,
        tuned: bool = False,
        median_seconds: float = 0.0,
        window_seconds: float = 0.44,
        high_threshold: float = 0.5,
        low_threshold: float = 0.25,
        hysteresis: Hysteresis = "extend",
        rescale: bool = True,
        longest_gap_seconds: float = 0.2,
        shortest_event_seconds: float = 0.1,
        keeps_one: bool = True,
        change_points: ChangePoints | None = None,
        num_pictures: int = 6,
    ) -> None:
        self.tags = tags
        self.clip_threshold = clip_threshold
        self.fit = fit
        self.by_class = by_class
        self.tuned = tuned
        self.num_pictures = num_pictures
        thresholds = PostProcessing(
            median_seconds=median_seconds,
            window_seconds=window_seconds,
            high_threshold=high_threshold,
            low_threshold=low_threshold,
            rescaled=rescale,
            longest_gap_seconds=longest_gap_seconds,
            shortest_event_seconds=shortest_event_seconds,
            hysteresis=hysteresis,
            keeps_one=keeps_one,
        )
        self.constants = thresholds if change_points is None else change_points
        check_settings(self.constants, tags=tags, clip_threshold=clip_threshold, fit=fit, by_class=by_class)
        if tuned and fit == "events":
            raise ValueError("scoring.tuned true with scoring.fit events: both figures would be fitted; set fit none")
        if change_points is not None and (unused := unlike(thresholds, DetectionScoring().constants)):
            raise ValueError(f"scoring.change_points leaves {', '.join(unused)} without use; unset one or the other")

    def score(
        self, *, predictions: Mapping[str, Path], references: Mapping[str, Any], output_dir: Path
    ) -> dict[str, float]:
        """See ``Scoring.score``. A tagger, or any system where no test clip has events: tags alone."""
        validation: ClipReferences = references["validation"]
        test: ClipReferences = references["test"]
        tags = self._tags(predictions, validation, test)
        own = self.curves_of(predictions, "test", test)
        fitted: dict[str, Any] = {"tags": self.tags}
        events: dict[str, tuple[Event, ...]] | None = None
        more: dict[str, float] = {}
        if own.frame_probabilities_NTC is None or test.events is None:
            more = score_clips(clip_scores(own), test, output_dir=output_dir)
        else:
            gate = self._gate(predictions, tags, validation, test)
            on_validation = self.curves_of(predictions, "validation", validation)
            chosen = self._fitted(on_validation, gate, ValidationSplit(validation))
            events = chosen.events(own, duration_seconds=test.duration_seconds, tags=gate.test)
            of_curves = score_curves(
                own, on_validation, chosen, gate.test, validation=validation, test=test, output_dir=output_dir
            )
            more = {**chosen.metrics(), **_coactivation(own, test), **of_curves}
            if self.tuned:
                more |= score_tuned(
                    self.constants, own, on_validation, gate, validation=validation, test=test, tags_of=self.tags,
                    output_dir=output_dir,
                )  # fmt: skip
            fitted = chosen.as_json(FrameGrid(hop_seconds=own.hop_seconds))
        metrics = report_detection(
            tags=tags, events=events, validation=validation, test=test, output_dir=output_dir, fitted=fitted, more=more
        )
        if events is not None:
            with_true_tags = chosen.events(own, duration_seconds=test.duration_seconds, tags=test.tags)
            analyse_events(test, events, with_true_tags=with_true_tags, output_dir=output_dir)
        if events is not None and self.num_pictures:
            curves = Curves(own, chosen.settings)
            draw_clips(test, events, curves=curves, count=self.num_pictures, folder=output_dir / "clips")
            draw_analysis(output_dir)
        return metrics

    def curves_of(
        self, predictions: Mapping[str, Path], split: str, references: ClipReferences
    ) -> DetectionPredictions:
        """What is scored of a split: the system's own predictions."""
        return load_split(predictions, "own", split, references)

    def _tags(self, predictions: Mapping[str, Path], validation: ClipReferences, test: ClipReferences) -> FittedTags:
        if self.tags == "oracle":
            return oracle_tags(validation=validation, test=test)
        return fitted_tags(predictions, self.tags, validation=validation, test=test)

    def _gate(
        self, predictions: Mapping[str, Path], tags: FittedTags, validation: ClipReferences, test: ClipReferences
    ) -> FittedTags:
        """The classes that may have events in a clip."""
        if self.clip_threshold is None:
            return tags
        thresholds = dict.fromkeys(test.classes, self.clip_threshold)
        return tags_by(predictions, self.tags, thresholds, validation=validation, test=test)

    def _fitted(
        self, on_validation: DetectionPredictions, gate: FittedTags, validation: ValidationSplit
    ) -> FittedPostProcessing:
        fit = self.fit
        if fit is None:
            fit = "none" if validation.references.events is None else "events"
        return fit_post_processing(
            self.constants, on_validation, gate.validation, validation,
            fit=fit, by_class=self.by_class, gate=gate.thresholds, tags_of=self.tags,
        )  # fmt: skip


def _coactivation(predictions: DetectionPredictions, test: ClipReferences) -> dict[str, float]:
    """Of the raw curves, over true tags; and of the strong labels on the same grid."""
    assert test.events is not None
    grid = FrameGrid(hop_seconds=predictions.hop_seconds)
    column = {label: index for index, label in enumerate(predictions.classes)}
    estimated, true = [], []
    for clip, curves_TC in clip_curves(predictions):
        if clip not in test.events:  # a weak clip among strong ones
            continue
        tagged = np.array(sorted(column[label] for label in test.tags[clip]), dtype=np.int64)
        estimated.append((curves_TC, tagged))
        activity_TC = grid.activity(test.events[clip], classes=predictions.classes, num_frames=len(curves_TC))
        true.append((activity_TC, tagged))
    return {"test/coactivation": coactivation(estimated), "test/coactivation_reference": coactivation(true)}
