"""The figures of a fit on validation events stand beside those of the row's constants, of the same curves and tags."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datamodules.annotations import ClipReferences, Event, FrameGrid
from lightning_modules.sed.detection_scoring import DetectionScoring
from lightning_modules.sed.predictions import DetectionPredictions

GRID = FrameGrid(hop_seconds=0.05)


def references(split: str) -> ClipReferences:
    events = {f"c{n}": (Event(0.5 + 0.1 * n, 1.5 + 0.1 * n, "dog"),) for n in range(6)}
    return ClipReferences(
        classes=("dog",), sample_rate_hz=8000, tags={clip: frozenset({"dog"}) for clip in events}, events=events,
        duration_seconds=dict.fromkeys(events, 4.0), load_waveform=lambda _: np.zeros(32000, np.float32), split=split,
    )  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> dict[str, Any]:
    """Curves of 1 in the event and of .6 for a second after it, which the default thresholds keep."""
    known = {split: references(split) for split in ("validation", "test")}
    for split, of in known.items():
        assert of.events is not None
        curves_NTC = np.stack(
            [
                np.maximum(
                    GRID.activity(rows, classes=of.classes, num_frames=80),
                    0.6 * GRID.activity([Event(rows[0][1], rows[0][1] + 1, "dog")], classes=of.classes, num_frames=80),
                )
                for rows in of.events.values()
            ]
        )
        num_frames_N = np.full(len(curves_NTC), 80)
        clips = tuple(of.events)
        DetectionPredictions(of.classes, clips, curves_NTC.max(1), curves_NTC, num_frames_N, 0.05).save(
            tmp_path / f"{split}.npz"
        )
    return {"predictions": {"own": tmp_path}, "references": known, "output_dir": tmp_path / "scores"}


def test_both_figures_are_there_and_only_one_is_fitted(run: dict[str, Any]) -> None:
    plain = DetectionScoring(fit="none", num_pictures=0).score(**run)
    both = DetectionScoring(fit="none", tuned=True, num_pictures=0).score(**run)
    assert {name: both[name] for name in plain} == plain
    assert plain["test/event_f1_macro"] == 0
    assert both["test/event_f1_macro_tuned"] == 1
    assert both["validation/event_f1_macro_tuned"] == 1
    scores: Path = run["output_dir"]
    stated, fitted = (
        json.loads((scores / name).read_text(encoding="utf-8"))
        for name in ("postprocessing.json", "postprocessing_tuned.json")
    )
    assert (stated["fit"], fitted["fit"]) == ("none", "events")
    fitted_alone = DetectionScoring(fit="events", num_pictures=0).score(**{**run, "output_dir": scores / "alone"})
    for name in ("event_f1_macro", "segment_f1_macro", "event_er"):
        assert both[f"test/{name}_tuned"] == fitted_alone[f"test/{name}"]


def test_test_labels_and_missing_events_are_refused(run: dict[str, Any]) -> None:
    known = run["references"]
    weak = {**known, "validation": replace(known["validation"], events=None)}
    with pytest.raises(ValueError, match=r"validation has no events to fit on; set data\.selection strong"):
        DetectionScoring(fit="none", tuned=True, num_pictures=0).score(**{**run, "references": weak})
    with pytest.raises(ValueError, match="validation"):
        DetectionScoring(fit="none", tuned=True, num_pictures=0).score(
            **{**run, "references": {**known, "validation": known["test"]}}
        )
    with pytest.raises(ValueError, match=r"scoring.tuned true with scoring.fit events"):
        DetectionScoring(fit="events", tuned=True)
