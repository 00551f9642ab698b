"""A row's figures with a post-processing that validation events have chosen, beside those of its constants.

Both are of the same curves and the same tags, so the difference is what the fit is worth, and an order of systems that
hangs on the constants of one of them shows. It reads validation *events*, which a row with ``data.selection: weak``
does not have; of the test split nothing is fitted.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

from datamodules.annotations import ClipReferences, FrameGrid
from datamodules.clips.dcase_tsv import write_events
from lightning_modules.decoding.sound_events.setting import EventSetting
from lightning_modules.metrics.summary import summarise
from lightning_modules.sed.clip_tags import FittedTags
from lightning_modules.sed.detection_report import event_metrics
from lightning_modules.sed.fitting.selection import fit_post_processing
from lightning_modules.sed.fitting.validation_split import ValidationSplit
from lightning_modules.sed.predictions import DetectionPredictions

SUFFIX = "_tuned"  # of the metrics; in experiments/stored_results/stored_counts.py too


def score_tuned(
    constants: EventSetting,
    own: DetectionPredictions,
    on_validation: DetectionPredictions,
    gate: FittedTags,
    *,
    validation: ClipReferences,
    test: ClipReferences,
    tags_of: str,
    output_dir: Path,
) -> dict[str, float]:
    """``test/event_f1_macro_tuned`` and the like, with ``events_tuned_test.tsv`` and ``postprocessing_tuned.json``.

    Raises ``ValueError`` where validation has no events to fit on.
    """
    assert test.events is not None
    if validation.events is None:
        raise ValueError("scoring.tuned true, but validation has no events to fit on; set data.selection strong")
    chosen = fit_post_processing(
        constants, on_validation, gate.validation, ValidationSplit(validation), fit="events", by_class=False,
        gate=gate.thresholds, tags_of=tags_of,
    )  # fmt: skip
    events = chosen.events(own, duration_seconds=test.duration_seconds, tags=gate.test)
    output_dir.mkdir(parents=True, exist_ok=True)
    write_events(output_dir / "events_tuned_test.tsv", events)
    said = json.dumps(chosen.as_json(FrameGrid(hop_seconds=own.hop_seconds)), indent=2, ensure_ascii=False)
    (output_dir / "postprocessing_tuned.json").write_text(said + "\n", encoding="utf-8")
    scored = {clip: found for clip, found in events.items() if clip in test.events}
    summary = summarise(test.events, scored, reference_tags=test.tags, estimated_tags=gate.test, classes=test.classes)
    metrics = {f"{name}{SUFFIX}": value for name, value in event_metrics(summary).items()}
    reached = {f"{name}{SUFFIX}": value for name, value in chosen.metrics().items()}
    return {name: value for name, value in {**metrics, **reached}.items() if not math.isnan(value)}
