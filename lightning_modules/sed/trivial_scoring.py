"""The rows that keep a table honest: every tag's event is the whole clip.

With true tags this scores 25.98 event-based F1 on DCASE 2018 task 4, above trained systems, because many events there
fill their clip: no table of event scores can be read without it. No curve is looked at and nothing is trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from datamodules.annotations import ClipReferences, Event
from lightning_modules.scoring import Scoring
from lightning_modules.sed.analysis.report import analyse_events, draw_analysis
from lightning_modules.sed.clip_tags import FittedTags, constant_tags, fitted_tags, load_split, oracle_tags
from lightning_modules.sed.curve_scores.report import ClipScores, clip_scores, score_whole_clips, tag_scores
from lightning_modules.sed.detection_report import report_detection
from lightning_modules.sed.pictures import draw_clips


class TrivialScoring(Scoring):
    """Whole-clip events for the tags of a tagger, the true tags, or the same tags in every clip.

    ``tags``: ``tagger`` = ``predictions["tagger"]`` with thresholds fitted on validation tags; ``oracle`` = the true
    test tags; ``constant`` = the best constant set on validation tags for macro F1, which is every class.
    """

    def __init__(self, *, tags: Literal["tagger", "oracle", "constant"], num_pictures: int = 0) -> None:
        self.tags = tags
        self.num_pictures = num_pictures

    def score(
        self, *, predictions: Mapping[str, Path], references: Mapping[str, Any], output_dir: Path
    ) -> dict[str, float]:
        """See ``Scoring.score``; the metrics are those of ``DetectionScoring`` but for co-activation (no curves)."""
        validation: ClipReferences = references["validation"]
        test: ClipReferences = references["test"]
        tags = self._tags(predictions, validation, test)
        events = whole_clip_events(tags, test)
        of_curves = score_whole_clips(self._scores(predictions, tags, test), test, output_dir=output_dir)
        metrics = report_detection(
            tags=tags, events=events, validation=validation, test=test, output_dir=output_dir,
            fitted={"tags": self.tags, "events": "whole clip"}, more=of_curves,
        )  # fmt: skip
        if test.events is None:
            return metrics
        analyse_events(test, events, with_true_tags=None, output_dir=output_dir)
        if self.num_pictures:
            draw_clips(test, events, curves=None, count=self.num_pictures, folder=output_dir / "clips")
            draw_analysis(output_dir)
        return metrics

    def _tags(self, predictions: Mapping[str, Path], validation: ClipReferences, test: ClipReferences) -> FittedTags:
        if self.tags == "tagger":
            return fitted_tags(predictions, "tagger", validation=validation, test=test)
        if self.tags == "oracle":
            return oracle_tags(validation=validation, test=test)
        return constant_tags(validation=validation, test=test)

    def _scores(self, predictions: Mapping[str, Path], tags: FittedTags, test: ClipReferences) -> ClipScores:
        """How sure the row is of each class of a clip."""
        if self.tags == "tagger":
            return clip_scores(load_split(predictions, "tagger", "test", test))
        return tag_scores(tags.test, test.classes)


def whole_clip_events(tags: FittedTags, test: ClipReferences) -> dict[str, tuple[Event, ...]]:
    """One event from the start to the end of the clip for each of its tags."""
    return {
        clip: tuple(Event(0.0, test.duration_seconds[clip], label) for label in sorted(tags.test[clip]))
        for clip in test.tags
    }
