"""What is fitted on which labels, against trying everything; what a run stores and reads back; test data refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datamodules.annotations import ClipReferences, Event, FrameGrid
from lightning_modules.decoding.sound_events.change_points import ChangePoints
from lightning_modules.decoding.sound_events.events import PostProcessing
from lightning_modules.decoding.sound_events.setting import EventSetting
from lightning_modules.metrics.event_based import score_event_based
from lightning_modules.metrics.tag_sets import score_tags
from lightning_modules.sed.clip_tags import fitted_tags
from lightning_modules.sed.detection_scoring import DetectionScoring
from lightning_modules.sed.fitting.fitted import FittedPostProcessing
from lightning_modules.sed.fitting.selection import fit_post_processing
from lightning_modules.sed.fitting.validation_split import ValidationSplit
from lightning_modules.sed.predictions import DetectionPredictions

CLASSES = ("dog", "kind", "rain")  # rain is in no clip; "kind" is a name that the stored form uses too
GRID = FrameGrid(hop_seconds=0.1)
PLAIN = PostProcessing(
    median_seconds=0.0, window_seconds=0.0, high_threshold=0.5, low_threshold=0.25, rescaled=False,
    longest_gap_seconds=0.1, shortest_event_seconds=0.1,
)  # fmt: skip


class Few(PostProcessing):
    """A handful of alternatives, so that a test can try every choice by class."""

    def alternatives(self) -> Any:
        return iter(FEW)


FEW = [replace(PLAIN, high_threshold=high, low_threshold=high / 2, window_seconds=window)
       for high, window in ((0.3, 0.0), (0.7, 0.3), (0.9, 0.0))]  # fmt: skip


def some_split(
    seed: int, *, split: str = "validation", num_clips: int = 6
) -> tuple[ClipReferences, DetectionPredictions]:
    """Dogs and kinds of any length, and curves that follow them through noise, each class at its own level."""
    rng = np.random.default_rng(seed)
    events: dict[str, tuple[Event, ...]] = {}
    curves = []
    for number in range(num_clips):
        rows = []
        for label in CLASSES[:2]:
            if rng.random() < 0.7:
                onset = float(rng.uniform(0, 2))
                rows.append(Event(onset, onset + float(rng.uniform(0.3, 1.0)), label))
        events[f"clip{number}"] = tuple(sorted(rows))
        activity_TC = GRID.activity(rows, classes=CLASSES, num_frames=30)
        curves.append(np.clip(activity_TC * (0.9, 0.45, 0.5) + rng.uniform(0, 0.5, (30, 3)), 0, 1).astype(np.float32))
    references = ClipReferences(
        classes=CLASSES,
        sample_rate_hz=8000,
        tags={clip: frozenset(event.label for event in rows) for clip, rows in events.items()},
        events=events,
        duration_seconds=dict.fromkeys(events, 3.0),
        load_waveform=lambda clip: np.zeros(24000, dtype=np.float32),
        split=split,
    )
    curves_NTC = np.stack(curves)
    frames_N = np.full(num_clips, 30, dtype=np.int64)
    return references, DetectionPredictions(CLASSES, tuple(events), curves_NTC.max(1), curves_NTC, frames_N, 0.1)


def fit(references: ClipReferences, predictions: DetectionPredictions, **choice: Any) -> FittedPostProcessing:
    choice = {"fit": "events", "by_class": False, "gate": {}, "tags_of": "oracle", **choice}
    constants = choice.pop("constants", Few(**PLAIN.__dict__))
    return fit_post_processing(constants, predictions, references.tags, ValidationSplit(references), **choice)


def objective(
    references: ClipReferences, predictions: DetectionPredictions, by_class: Sequence[EventSetting], fit: str
) -> float:
    """The macro F1 of one choice by class, by sed_eval or by counting tags; of the classes that occur."""
    chosen = FittedPostProcessing(settings=dict(zip(CLASSES, by_class, strict=True)), gate={}, fitted={})
    events = chosen.events(predictions, duration_seconds=references.duration_seconds, tags=references.tags)
    assert references.events is not None
    if fit == "events":
        scores = score_event_based(references.events, events, classes=CLASSES).by_class
        f1 = {label: scores[label].f1 for label in CLASSES}
    else:
        found = {clip: frozenset(event.label for event in of) for clip, of in events.items()}
        f1 = {label: of.f1 for label, of in score_tags(references.tags, found, classes=CLASSES).by_class.items()}
    occur = [label for label in CLASSES if any(label in of for of in references.tags.values())]
    return float(np.mean([f1[label] for label in occur]))


@given(seed=st.integers(0, 200), on=st.sampled_from(["events", "tags"]))
@settings(max_examples=15, deadline=None)
def test_by_class_is_the_best_of_all_choices_by_class(seed: int, on: str) -> None:
    references, predictions = some_split(seed)
    candidates = [Few(**PLAIN.__dict__), *FEW]
    best = max(objective(references, predictions, [*two, candidates[0]], on) for two in product(candidates, repeat=2))
    fitted = fit(references, predictions, fit=on, by_class=True)
    assert fitted.fitted["reached"] == pytest.approx(best, abs=1e-12)
    chosen = [fitted.settings[label] for label in CLASSES]
    assert objective(references, predictions, chosen, on) == pytest.approx(best, abs=1e-12)
    assert "rain" in fitted.fitted["not_fitted"]  # no label: the row's own setting
    assert fitted.settings["rain"] == candidates[0]


@given(seed=st.integers(0, 200), on=st.sampled_from(["events", "tags"]))
@settings(max_examples=15, deadline=None)
def test_one_for_all_is_the_first_of_the_best(seed: int, on: str) -> None:
    references, predictions = some_split(seed)
    candidates = [Few(**PLAIN.__dict__), *FEW]
    scores = [objective(references, predictions, [one] * 3, on) for one in candidates]
    fitted = fit(references, predictions, fit=on)
    assert set(fitted.settings.values()) == {candidates[int(np.argmax(np.round(scores, 12)))]}


def test_fitting_with_test_references_raises(tmp_path: Path) -> None:
    references, predictions = some_split(0, split="test")
    with pytest.raises(ValueError, match="references of the split 'test', allowed: 'validation'"):
        ValidationSplit(references)
    with pytest.raises(ValueError, match="split None"):
        ValidationSplit(replace(references, split=None))
    for split in ("validation", "test"):
        predictions.save(tmp_path / f"{split}.npz")
    with pytest.raises(ValueError, match="split 'test'"):
        fitted_tags({"own": tmp_path}, "own", validation=references, test=references)
    for choice in ({}, {"tags": "oracle", "fit": "events"}):
        with pytest.raises(ValueError, match="split 'test'"):
            DetectionScoring(num_pictures=0, **choice).score(
                predictions={"own": tmp_path},
                references={"validation": references, "test": references},
                output_dir=tmp_path / "scores",
            )


def test_events_of_a_part_of_the_clips_are_enough_to_fit_on() -> None:
    """Clips with weak labels alone among those with strong ones say nothing, and are no false alarms."""
    references, predictions = some_split(3)
    assert references.events is not None
    strong = dict(list(references.events.items())[:4])
    part = replace(predictions, clip_ids=predictions.clip_ids[:4], num_frames_N=predictions.num_frames_N[:4],
                   clip_probabilities_NC=predictions.clip_probabilities_NC[:4],
                   frame_probabilities_NTC=predictions.frame_probabilities_NTC[:4])  # fmt: skip
    tags = {clip: references.tags[clip] for clip in strong}
    mixed = fit(replace(references, events=strong), predictions, by_class=True)
    alone = fit(replace(references, events=strong, tags=tags), part, by_class=True)
    assert (mixed.settings, mixed.fitted["reached"]) == (alone.settings, alone.fitted["reached"])


@pytest.fixture
def run(tmp_path: Path) -> dict[str, Any]:
    folder = tmp_path / "predictions"
    folder.mkdir()
    references = {}
    for number, split in enumerate(("validation", "test")):
        references[split], predictions = some_split(number, split=split, num_clips=12)
        predictions.save(folder / f"{split}.npz")
    return {"predictions": {"own": folder}, "references": references, "output_dir": tmp_path / "scores"}


@pytest.mark.parametrize(
    "choice",
    [
        {},
        {"fit": "none", "hysteresis": "switch"},
        {"by_class": True},
        {"fit": "tags", "by_class": True, "clip_threshold": 0.0, "rescale": False, "keeps_one": False},
        {"clip_threshold": 0.5, "rescale": False, "high_threshold": 0.75, "low_threshold": 0.2},
        {"change_points": ChangePoints(), "fit": "none"},
        {"change_points": ChangePoints(rescaled=True), "by_class": True},
    ],
)
def test_what_is_stored_makes_the_same_events_again(run: dict[str, Any], choice: dict[str, Any]) -> None:
    DetectionScoring(num_pictures=0, **choice).score(**run)
    test: ClipReferences = run["references"]["test"]
    stored = FittedPostProcessing.load(run["output_dir"] / "postprocessing.json")
    predictions = DetectionPredictions.load(run["predictions"]["own"] / "test.npz")
    events = stored.events(predictions, duration_seconds=test.duration_seconds)
    rows = [line.split("\t") for line in (run["output_dir"] / "events_test.tsv").read_text().splitlines()[1:]]
    written = [(clip, float(onset), float(offset), label) for clip, onset, offset, label in rows if label]
    again = [(clip, e.onset_seconds, e.offset_seconds, e.label) for clip, of in events.items() for e in of]
    assert sorted((c, round(a, 6), round(b, 6), d) for c, a, b, d in again) == sorted(
        (c, round(a, 6), round(b, 6), d) for c, a, b, d in written
    )
    content = json.loads((run["output_dir"] / "postprocessing.json").read_text(encoding="utf-8"))
    assert stored.as_json(GRID) == content
    assert ("fitted_on" in content) == (content["fit"] != "none")


def test_the_hash_is_of_what_was_fitted_on(run: dict[str, Any]) -> None:
    def hashed() -> str:
        DetectionScoring(num_pictures=0).score(**run)
        return str(json.loads((run["output_dir"] / "postprocessing.json").read_text(encoding="utf-8"))["fitted_on"])

    first = hashed()
    validation = run["references"]["validation"]
    run["references"]["test"] = some_split(9, split="test", num_clips=12)[0]
    assert hashed() == first
    run["references"]["validation"] = replace(validation, events=dict.fromkeys(validation.events, ()))
    assert hashed() != first


def test_a_stored_one_refuses_other_classes_tags_and_versions(run: dict[str, Any]) -> None:
    DetectionScoring(num_pictures=0, tags="oracle").score(**run)
    path = run["output_dir"] / "postprocessing.json"
    stored = FittedPostProcessing.load(path)
    predictions = DetectionPredictions.load(run["predictions"]["own"] / "test.npz")
    seconds = run["references"]["test"].duration_seconds
    with pytest.raises(ValueError, match="goes by the tags of 'oracle'; give tags"):
        stored.events(predictions, duration_seconds=seconds)
    with pytest.raises(ValueError, match="other classes; they differ in cow, rain"):
        stored.events(replace(predictions, classes=("dog", "kind", "cow")), duration_seconds=seconds, tags={})
    path.write_text(json.dumps({"tags": "own", "events": "whole clip"}), encoding="utf-8")
    with pytest.raises(ValueError, match=r"postprocessing.json: version None, allowed: 2"):
        FittedPostProcessing.load(path)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"fit": "test"}, "scoring.fit 'test', allowed: none, tags, events"),
        ({"fit": "none", "by_class": True}, "scoring.by_class true with scoring.fit none"),
        ({"fit": "tags"}, "scoring.fit tags with rescaled curves"),
        ({"fit": "tags", "change_points": ChangePoints()}, "change_points.keeps_one"),
        ({"clip_threshold": 1.5}, "scoring.clip_threshold 1.5, allowed: 0 to 1"),
        ({"clip_threshold": 0.5, "tags": "oracle"}, "true tags have no probability"),
        ({"clip_threshold": 0.0}, "scoring.clip_threshold 0 lets every class"),
        ({"change_points": ChangePoints(), "window_seconds": 0.3}, "change_points leaves window_seconds without use"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(choice: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DetectionScoring(**choice)


def test_without_a_strong_test_clip_a_system_with_curves_is_scored_on_its_tags_alone(run: dict[str, Any]) -> None:
    run["references"] = {split: replace(of, events=None) for split, of in run["references"].items()}
    metrics = DetectionScoring(num_pictures=1).score(**run)
    assert "test/tagging_f1_macro" in metrics
    assert not [name for name in metrics if "event" in name or "segment" in name]


def test_fit_events_without_events_says_what_to_set(run: dict[str, Any]) -> None:
    run["references"]["validation"] = replace(run["references"]["validation"], events=None)
    with pytest.raises(ValueError, match=r"scoring.fit events, but validation has none; set data.selection strong"):
        DetectionScoring(num_pictures=0, fit="events").score(**run)
