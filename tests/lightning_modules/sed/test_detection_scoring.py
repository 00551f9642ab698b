"""Scoring stored predictions: what is fitted on what, the metrics and files that come out, and the trivial rows."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from datamodules.annotations import ClipReferences, Event, FrameGrid
from datamodules.clips.dcase_tsv import read_events, read_tags
from datamodules.run_warning import RunWarning
from lightning_modules.sed.detection_scoring import DetectionScoring
from lightning_modules.sed.pictures import choose_clips
from lightning_modules.sed.predictions import DetectionPredictions
from lightning_modules.sed.trivial_scoring import TrivialScoring

CLASSES = ("bird", "dog", "rain")
GRID = FrameGrid(hop_seconds=0.05)


def references(num_clips: int, seed: int, split: str = "test") -> ClipReferences:
    """4-second clips: short birds and dogs, rain that fills the clip, every fourth clip empty."""
    rng = np.random.default_rng(seed)
    events = {}
    for number in range(num_clips):
        rows = []
        for label in CLASSES[:2]:
            if number % 4 and rng.random() < 0.6:
                onset = float(rng.uniform(0, 3))
                rows.append(Event(onset, onset + float(rng.uniform(0.4, 1.0)), label))
        if number % 4 == 1:
            rows.append(Event(0.0, 4.0, "rain"))
        events[f"clip{number:02d}"] = tuple(sorted(rows))
    return ClipReferences(
        classes=CLASSES,
        sample_rate_hz=8000,
        tags={clip: frozenset(event.label for event in rows) for clip, rows in events.items()},
        events=events,
        duration_seconds=dict.fromkeys(events, 4.0),
        load_waveform=lambda clip: np.random.default_rng(0).normal(size=32000).astype(np.float32) / 10,
        split=split,
    )


def predictions(of: ClipReferences, *, peak: float = 0.9, floor: float = 0.05) -> DetectionPredictions:
    """Curves that follow the events, between ``floor`` and ``peak``."""
    clips = tuple(sorted(of.tags))
    assert of.events is not None
    activity_NTC = np.stack([GRID.activity(of.events[clip], classes=CLASSES, num_frames=80) for clip in clips])
    curves_NTC = (floor + (peak - floor) * activity_NTC).astype(np.float32)
    num_frames_N = np.full(len(clips), 80, dtype=np.int64)
    return DetectionPredictions(CLASSES, clips, curves_NTC.max(axis=1), curves_NTC, num_frames_N, GRID.hop_seconds)


@pytest.fixture
def run(tmp_path):
    """Stored predictions of a system, with what scoring may know of the data."""
    validation, test = references(16, seed=1, split="validation"), references(24, seed=2)
    folder = tmp_path / "predictions"
    folder.mkdir()
    predictions(validation).save(folder / "validation.npz")
    predictions(test).save(folder / "test.npz")
    return {
        "predictions": {"own": folder, "tagger": folder},
        "references": {"validation": replace(validation, events=None), "test": test},
        "output_dir": tmp_path / "scores",
    }


def test_good_curves_score_high_and_leave_every_file(run):
    metrics = DetectionScoring(num_pictures=2).score(**run)
    for name in ("tagging_f1_macro", "tagging_f1_micro", "event_f1_macro", "event_f1_short", "event_recall_long"):
        assert metrics[f"test/{name}"] == 1.0, name
    assert metrics["test/event_er"] == pytest.approx(0.0, abs=1e-12)
    assert metrics["test/segment_f1_macro"] > 0.9
    assert metrics["validation/fitted_tagging_f1_macro"] == 1.0
    assert metrics["test/event_free_clips"] == sum(not rows for rows in run["references"]["test"].events.values())
    assert metrics["test/coactivation"] > metrics["test/coactivation_reference"]  # the floor of 0.05 is shared
    output: Path = run["output_dir"]
    assert set(read_events(output / "events_test.tsv")) == set(run["references"]["test"].tags)
    assert read_tags(output / "tags_test.tsv") == run["references"]["test"].tags
    with (output / "per_class.csv").open(encoding="utf-8") as file:
        rows = {row["class"]: row for row in csv.DictReader(file)}
    assert tuple(rows) == CLASSES
    assert float(rows["rain"]["event_f1"]) == 1.0
    assert rows["rain"]["event_recall_short"] == ""  # rain is never short: undefined, not 0
    scores = json.loads((output / "scores.json").read_text(encoding="utf-8"))
    assert scores["metrics"] == metrics
    assert scores["event_based"]["micro"]["num_reference"] == int(scores["counts"]["reference_events"])
    assert len(list((output / "clips").glob("*.png"))) == 2


@pytest.mark.parametrize("scoring", [DetectionScoring(num_pictures=2), TrivialScoring(tags="oracle", num_pictures=2)])
def test_a_test_split_of_weak_clips_alone_is_scored_by_its_tags(run, scoring):
    known = run["references"]["test"]
    run["references"]["test"] = replace(known, events=None)
    metrics = scoring.score(**run)
    assert metrics["test/tagging_f1_macro"] == 1.0
    assert not [name for name in metrics if "event" in name or "segment" in name or "coactivation" in name]
    output: Path = run["output_dir"]
    scores = json.loads((output / "scores.json").read_text(encoding="utf-8"))
    assert scores["counts"] == {"files": 24}
    assert not {"event_based", "segment_based"} & set(scores)
    assert not (output / "events_test.tsv").exists()
    assert not list(output.glob("clips/*.png"))


@pytest.mark.parametrize("scoring", [DetectionScoring(num_pictures=2), TrivialScoring(tags="oracle", num_pictures=2)])
def test_events_are_scored_on_the_strong_clips_alone(run, scoring, tmp_path):
    known = run["references"]["test"]
    strong = dict(list(known.events.items())[:12])
    run["references"]["test"] = replace(known, events=strong)
    with pytest.warns(RunWarning, match=r"test split: events are scored on 12 clips .* not on 12 without: clip12, "):
        mixed = scoring.score(**run)
    scores = json.loads((run["output_dir"] / "scores.json").read_text(encoding="utf-8"))
    assert scores["counts"]["clips_without_strong_labels"] == 12
    assert scores["counts"]["unknown_files"] == 0
    alone = replace(
        known, events=strong, tags={c: known.tags[c] for c in strong}, duration_seconds=dict.fromkeys(strong, 4.0)
    )
    folder = tmp_path / "alone"
    folder.mkdir()
    predictions(replace(alone, tags={clip: frozenset() for clip in strong})).save(folder / "test.npz")
    predictions(references(16, seed=1, split="validation")).save(folder / "validation.npz")
    run |= {"predictions": dict.fromkeys(run["predictions"], folder), "output_dir": tmp_path / "alone_scores"}
    run["references"]["test"] = alone
    of_strong = scoring.score(**run)
    names = [name for name in of_strong if "event" in name or "segment" in name or "coactivation" in name]
    assert {name: mixed[name] for name in names} == pytest.approx({name: of_strong[name] for name in names})
    assert names


def test_weak_selection_keeps_the_rows_constants_and_fits_tags_only(run):
    DetectionScoring(window_seconds=0.3, high_threshold=0.7, low_threshold=0.4, num_pictures=0).score(**run)
    stored = json.loads((run["output_dir"] / "postprocessing.json").read_text(encoding="utf-8"))
    assert stored["selection"] == "weak"
    chosen = (stored["events"]["window_seconds"], stored["events"]["high_threshold"], stored["events"]["low_threshold"])
    assert chosen == (0.3, 0.7, 0.4)
    assert stored["frames"] == {"median": 1, "window": 7, "longest_gap": 4, "shortest_event": 2}  # of 50 ms
    assert stored["tag_thresholds"]["dog"] == pytest.approx((0.9 + 0.05) / 2)


def test_strong_selection_fits_on_validation_events_and_never_on_test(run):
    validation = references(16, seed=1, split="validation")
    run["references"]["validation"] = validation
    far_off = DetectionScoring(window_seconds=3.0, num_pictures=0)  # smooths every short event away
    metrics = far_off.score(**run)
    stored = json.loads((run["output_dir"] / "postprocessing.json").read_text(encoding="utf-8"))
    assert stored["selection"] == "strong"
    assert stored["events"]["window_seconds"] < 1.0
    assert metrics["validation/event_f1_macro"] == 1.0
    before = stored
    silent = replace(run["references"]["test"], events=dict.fromkeys(run["references"]["test"].tags, ()))
    run["references"]["test"] = silent  # other test labels: the same fit
    far_off.score(**run)
    assert json.loads((run["output_dir"] / "postprocessing.json").read_text(encoding="utf-8")) == before


def test_tags_come_from_where_the_row_says(run, tmp_path):
    """A tagger that hears no dog, and the truth, on the same curves."""
    deaf = tmp_path / "deaf"
    deaf.mkdir()
    for split in ("validation", "test"):
        full = DetectionPredictions.load(run["predictions"]["own"] / f"{split}.npz")
        clip_NC = full.clip_probabilities_NC.copy()
        clip_NC[:, 1] = np.where(np.arange(len(clip_NC)) == 0, 1.0, 0.0)  # tags one clip, an empty one
        replace(full, clip_probabilities_NC=clip_NC, frame_probabilities_NTC=None).save(deaf / f"{split}.npz")
    run["predictions"]["tagger"] = deaf
    own = DetectionScoring(num_pictures=0).score(**run)
    assert DetectionScoring(tags="oracle", num_pictures=0).score(**run) == own
    tagger = DetectionScoring(tags="tagger", num_pictures=0).score(**run)
    assert tagger["test/tagging_f1_macro"] < 1.0
    run["predictions"]["own"] = deaf  # a tagger's own scoring: tags, and no claim about events
    alone = DetectionScoring(num_pictures=0).score(**run)
    assert alone["test/tagging_f1_macro"] == tagger["test/tagging_f1_macro"]
    assert not [name for name in alone if "event" in name or "segment" in name]


def test_a_missing_tagger_or_other_clips_are_named(run):
    del run["predictions"]["tagger"]
    with pytest.raises(ValueError, match="predictions 'tagger', but from: names only"):
        DetectionScoring(tags="tagger").score(**run)
    run["references"]["test"] = references(25, seed=2)
    with pytest.raises(ValueError, match=r"test.npz: predictions of 24 clips, but the test split has 25.*clip24"):
        DetectionScoring().score(**run)


def test_a_diverged_training_is_named_as_such(run):
    path = run["predictions"]["own"] / "test.npz"
    full = DetectionPredictions.load(path)
    replace(full, frame_probabilities_NTC=full.frame_probabilities_NTC * np.float32("nan")).save(path)
    with pytest.raises(ValueError, match=r"test.npz: probabilities that are no finite numbers: the training diverged"):
        DetectionScoring().score(**run)


def test_trivial_rows(run):
    oracle = TrivialScoring(tags="oracle").score(**run)
    assert oracle["test/tagging_f1_macro"] == 1.0
    assert oracle["test/event_recall_long"] == 1.0  # rain fills its clips: the reason for this row
    assert oracle["test/event_recall_short"] == 0.0
    assert TrivialScoring(tags="tagger").score(**run) == oracle  # this tagger is perfect
    constant = TrivialScoring(tags="constant").score(**run)
    tags = run["references"]["test"].tags.values()
    prevalences = [sum(label in of_clip for of_clip in tags) / len(tags) for label in CLASSES]
    expected = np.mean([2 * p / (1 + p) for p in prevalences])
    assert constant["test/tagging_f1_macro"] == pytest.approx(expected)
    assert set(read_tags(run["output_dir"] / "tags_test.tsv").values()) == {frozenset(CLASSES)}


def test_pictures_are_of_the_same_clips_each_time_from_bad_to_good(run):
    test: ClipReferences = run["references"]["test"]
    estimated = {clip: (rows if index % 2 else ()) for index, (clip, rows) in enumerate(sorted(test.events.items()))}
    chosen = choose_clips(test, estimated, count=4)
    backwards = dict(reversed(estimated.items()))
    assert choose_clips(test, backwards, count=4) == chosen
    assert len(set(chosen)) == 4
    assert not estimated[chosen[0]]
    assert estimated[chosen[-1]] == test.events[chosen[-1]]
    assert len(choose_clips(test, estimated, count=99)) == len(test.tags)
