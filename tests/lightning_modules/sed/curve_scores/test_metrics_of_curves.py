"""Curve metrics of a run: which curves are scored, what is kept, and figures by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from datamodules.annotations import ClipReferences, Event, FrameGrid
from datamodules.run_warning import RunWarning
from experiments.statistics.unit_statistics import UnitStatistics
from experiments.stored_results.curve_counts import METRICS, curve_counts
from lightning_modules.sed.curve_scores.metrics import CUT, RANKED
from lightning_modules.sed.curve_scores.report import score_clips, score_whole_clips, tag_scores
from lightning_modules.sed.curve_scores.scored_curves import processed_curves, raw_curves
from lightning_modules.sed.curve_scores.statistics_file import FILE, load
from lightning_modules.sed.detection_scoring import DetectionScoring
from lightning_modules.sed.fitting.fitted import FittedPostProcessing
from lightning_modules.sed.predictions import DetectionPredictions
from lightning_modules.sed.trivial_scoring import TrivialScoring

CLASSES = ("cat", "dog")
HOP = 0.1


def references(num_clips: int, seed: int) -> ClipReferences:
    rng = np.random.default_rng(seed)
    events = {}
    for number in range(num_clips):
        onsets = rng.uniform(0, 2, size=2)
        rows = [Event(float(onset), float(onset) + 0.8, label) for onset, label in zip(onsets, CLASSES, strict=True)]
        events[f"clip{number:02}"] = tuple(sorted(rows[: number % 3]))
    return ClipReferences(
        classes=CLASSES,
        sample_rate_hz=16000,
        tags={clip: frozenset(event.label for event in of) for clip, of in events.items()},
        events=events,
        duration_seconds=dict.fromkeys(events, 3.0),
        load_waveform=lambda clip: np.zeros(48000, np.float32),
    )


def predictions(of: ClipReferences, seed: int, *, noise: float) -> DetectionPredictions:
    rng = np.random.default_rng(seed)
    clips = tuple(sorted(of.tags))
    curves_NTC = rng.uniform(0, 0.4 + noise, size=(len(clips), 30, len(CLASSES))).astype(np.float32)
    assert of.events is not None
    for number, clip in enumerate(clips):
        for event in of.events[clip]:
            first, last = round(event.onset_seconds / HOP), round(event.offset_seconds / HOP)
            curves_NTC[number, first:last, CLASSES.index(event.label)] += np.float32(0.6 - noise)
    curves_NTC = np.minimum(curves_NTC, 1.0)
    return DetectionPredictions(CLASSES, clips, curves_NTC.max(axis=1), curves_NTC, np.full(len(clips), 30), HOP)


@pytest.fixture
def run(tmp_path: Path) -> dict[str, object]:
    folder = tmp_path / "predictions"
    folder.mkdir()
    validation, test = replace(references(12, 1), split="validation"), replace(references(15, 2), split="test")
    predictions(validation, 3, noise=0.1).save(folder / "validation.npz")
    predictions(test, 4, noise=0.2).save(folder / "test.npz")
    return {
        "predictions": {"own": folder, "tagger": folder},
        "references": {"validation": validation, "test": test},
        "output_dir": tmp_path / "scores",
    }


def test_metrics_computed_from_the_file_are_those_that_were_logged(run) -> None:
    metrics = DetectionScoring(num_pictures=0).score(**run)
    path = run["output_dir"] / FILE
    assert metrics.keys() >= METRICS
    again = load(path).metrics()
    assert again == {metric: metrics[metric] for metric in METRICS}
    counts = curve_counts(path, METRICS)
    assert counts.keys() == METRICS
    for metric, of in counts.items():
        assert of.value() == pytest.approx(metrics[metric], rel=1e-12, abs=1e-15), metric
        assert isinstance(of, UnitStatistics) == (metric in RANKED)


def test_weights_of_clips_are_clips_that_are_there_so_often(run) -> None:
    """A draw as a corpus of its own: clips twice, others not at all, scored from their curves."""
    DetectionScoring(num_pictures=0).score(**run)
    test = run["references"]["test"]
    stored = DetectionPredictions.load(run["predictions"]["own"] / "test.npz")
    times = [2, 0, 1] * 5
    names = [(clip, copy) for clip, often in zip(stored.clip_ids, times, strict=True) for copy in range(often)]
    rows = [stored.clip_ids.index(clip) for clip, _ in names]
    ids = [f"{clip}.{copy}" for clip, copy in names]
    drawn = replace(
        test,
        tags={name: test.tags[clip] for name, (clip, _) in zip(ids, names, strict=True)},
        events={name: test.events[clip] for name, (clip, _) in zip(ids, names, strict=True)},
        duration_seconds=dict.fromkeys(ids, 3.0),
    )
    curves = replace(
        stored,
        clip_ids=tuple(ids),
        clip_probabilities_NC=stored.clip_probabilities_NC[rows],
        frame_probabilities_NTC=stored.frame_probabilities_NTC[rows],
        num_frames_N=stored.num_frames_N[rows],
    )
    folder = run["output_dir"].parent / "drawn"
    folder.mkdir()
    curves.save(folder / "test.npz")
    (folder / "validation.npz").write_bytes((run["predictions"]["own"] / "validation.npz").read_bytes())
    expected = DetectionScoring(num_pictures=0).score(
        predictions={"own": folder},
        references={**run["references"], "test": drawn},
        output_dir=run["output_dir"].parent / "of_draw",
    )
    counts = curve_counts(run["output_dir"] / FILE, RANKED)
    for metric, of in counts.items():
        assert of.on_draws(np.array([times], float))[0] == pytest.approx(expected[metric], rel=1e-9), metric


def test_raw_curves_are_scored_whatever_the_tags(run) -> None:
    own = DetectionScoring(num_pictures=0).score(**run)
    true = DetectionScoring(tags="oracle", num_pictures=0, window_seconds=0.0).score(**run)
    raw = [metric for metric in METRICS if not metric.endswith("_processed")]
    assert {metric: own[metric] for metric in raw} == {metric: true[metric] for metric in raw}


def test_processed_curves_are_those_of_the_tagged_classes(run) -> None:
    DetectionScoring(num_pictures=0).score(**run)
    chosen = FittedPostProcessing.load(run["output_dir"] / "postprocessing.json")
    test = run["references"]["test"]
    stored = predictions(test, 4, noise=0.2)
    tags = {clip: frozenset({"dog"}) for clip in test.tags}
    clips = ["clip03"]
    curves = processed_curves(stored, chosen, tags, clips=clips, duration_seconds=test.duration_seconds)
    assert list(curves.by_clip) == clips
    cat_T, dog_T = curves.by_clip["clip03"].scores_TC.T
    assert (cat_T == -np.inf).all()
    raw_TC = stored.frame_probabilities_NTC[3]
    ready_TC = chosen.settings["dog"].curves(raw_TC[:, [1]], grid=FrameGrid(hop_seconds=HOP))
    np.testing.assert_array_equal(dog_T, ready_TC[:, 0])


def test_thresholds_are_fitted_on_validation_events_alone(run) -> None:
    weak = {**run["references"], "validation": replace(run["references"]["validation"], events=None)}
    metrics = DetectionScoring(num_pictures=0).score(**{**run, "references": weak})
    assert not [metric for metric in metrics if metric in CUT and metric.endswith("_fitted")]
    assert "test/collar_f1_at_half" in metrics


def test_the_last_frame_ends_with_its_clip() -> None:
    of = references(1, 0)
    stored = predictions(of, 0, noise=0.0)
    curves = raw_curves(stored, clips=of.tags, duration_seconds={"clip00": 2.73})
    edges, scores_TC = curves.by_clip["clip00"]
    assert len(scores_TC) == 28
    assert edges[-2:] == pytest.approx([2.7, 2.73])


def test_whole_clip_rows_are_scored_by_how_sure_they_are_of_a_clip(run, tmp_path: Path) -> None:
    """Events that fill half of their clips, tags known: every one is found at an IoU of .5, none within a collar."""
    test = run["references"]["test"]
    halves = replace(test, events={c: tuple(Event(0.0, 1.5, e.label) for e in of) for c, of in test.events.items()})
    metrics = score_whole_clips(tag_scores(test.tags, CLASSES), halves, output_dir=tmp_path)
    assert metrics["test/tagging_map"] == 1.0
    assert metrics["test/collar_f1_best"] == 0.0
    assert metrics["test/intersection_f1_best"] == 1.0  # half of a detection is in an event, which it covers
    assert metrics["test/event_map"] == pytest.approx(2 / 3)  # at .3 and .5, not at .7
    assert metrics["test/psds1"] == 0.0
    trivial = TrivialScoring(tags="tagger").score(**run)
    own = DetectionScoring(num_pictures=0).score(**run)
    assert trivial["test/tagging_map"] == own["test/tagging_map"]


def test_a_tagger_has_metrics_of_its_tags(run, tmp_path: Path) -> None:
    test = run["references"]["test"]
    scores = {clip: np.array([0.9 if "cat" in of else 0.1, 0.5]) for clip, of in test.tags.items()}
    metrics = score_clips(scores, test, output_dir=tmp_path)
    share_of_dogs = np.mean(["dog" in of for of in test.tags.values()])
    assert metrics.keys() == {"test/tagging_map", "test/tagging_mpauc"}
    assert metrics["test/tagging_map"] == pytest.approx((1 + share_of_dogs) / 2)


def test_an_event_that_lasts_no_time_costs_the_metrics_of_curves_and_no_run(run) -> None:
    test = run["references"]["test"]
    run["references"]["test"] = replace(test, events={**test.events, "clip01": (Event(1.0, 1.0, "cat"),)})
    with pytest.warns(RunWarning, match="no metrics of curves: clip clip01: event of cat from 1.0 to 1.0 s"):
        metrics = DetectionScoring(num_pictures=0).score(**run)
    assert "test/event_f1_macro" in metrics
    assert metrics.keys() & METRICS == {"test/tagging_map", "test/tagging_mpauc"}
