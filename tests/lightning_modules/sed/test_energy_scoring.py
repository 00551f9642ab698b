"""What learns nothing: the curve is above one half where a burst is, and which class has it is a matter of tags."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datamodules.annotations import ClipReferences, Event, FrameGrid
from datamodules.clips.dcase_tsv import read_events
from lightning_modules.sed.energy_scoring import EnergyDetector, EnergyScoring
from lightning_modules.sed.predictions import DetectionPredictions

RATE_HZ, SECONDS = 16000, 6.0
CLASSES = ("high", "low")
BURSTS = {"a": (1.0, 1.8, "low"), "b": (3.2, 4.4, "high"), "c": (2.0, 2.6, "low")}
HERTZ = {"low": 400.0, "high": 3000.0}


def clip(name: str) -> np.ndarray:
    """Noise at -50 dB with one tone burst of -14."""
    onset, offset, label = BURSTS[name]
    seconds_S = np.arange(round(SECONDS * RATE_HZ)) / RATE_HZ
    noise_S = np.random.default_rng(len(name)).normal(size=len(seconds_S)) * 0.003
    burst_S = 0.2 * np.sin(2 * np.pi * HERTZ[label] * seconds_S) * ((seconds_S >= onset) & (seconds_S < offset))
    return (noise_S + burst_S).astype(np.float32)


def references(split: str) -> ClipReferences:
    events = {name: (Event(*burst),) for name, burst in BURSTS.items()}
    return ClipReferences(
        classes=CLASSES,
        sample_rate_hz=RATE_HZ,
        tags={name: frozenset({burst[2]}) for name, burst in BURSTS.items()},
        events=events,
        duration_seconds=dict.fromkeys(BURSTS, SECONDS),
        load_waveform=clip,
        split=split,
    )


@pytest.fixture
def known() -> dict[str, Any]:
    return {"validation": references("validation"), "test": references("test")}


@pytest.mark.parametrize("name", BURSTS)
def test_the_curve_is_above_one_half_exactly_where_the_burst_is(name: str) -> None:
    curves, hop_seconds = EnergyDetector().curves(references("test"))
    grid = FrameGrid(hop_seconds=hop_seconds)
    burst_T = grid.activity([Event(*BURSTS[name])], classes=CLASSES, num_frames=len(curves[name])).max(axis=1) > 0
    loud_T = curves[name] > 0.5
    off = np.flatnonzero(loud_T != burst_T)
    edges = [grid.nearest_edge(seconds) for seconds in BURSTS[name][:2]]
    assert all(min(abs(frame - edge) for edge in edges) <= 1 for frame in off)  # a window reaches a frame further
    assert loud_T[edges[0] + 1 : edges[1] - 1].all()
    assert loud_T.sum() <= burst_T.sum() + 2


def test_true_tags_say_which_class_the_loud_frames_are(known: dict[str, Any], tmp_path: Path) -> None:
    metrics = EnergyScoring(tags="oracle", fit="none", tuned=True, num_pictures=0).score(
        predictions={}, references=known, output_dir=tmp_path
    )
    for name in ("event_f1_macro", "tagging_f1_macro", "event_f1_macro_tuned"):
        assert metrics[f"test/{name}"] == 1.0, name


def test_a_mistaken_tagger_has_its_class_where_it_is_loud(known: dict[str, Any], tmp_path: Path) -> None:
    """It is right on validation and hears "high" in every test clip, which is true of b alone."""
    right_NC = np.array([[burst[2] == label for label in CLASSES] for burst in BURSTS.values()], np.float32)
    high_NC = np.tile(np.array([[1.0, 0.0]], np.float32), (len(BURSTS), 1))
    for split, scores_NC in (("validation", right_NC), ("test", high_NC)):
        num_frames_N = np.zeros(len(BURSTS), np.int64)
        DetectionPredictions(CLASSES, tuple(BURSTS), scores_NC, None, num_frames_N, 0.0).save(tmp_path / f"{split}.npz")
    metrics = EnergyScoring(tags="tagger", fit="none", num_pictures=0).score(
        predictions={"tagger": tmp_path}, references=known, output_dir=tmp_path / "scores"
    )
    found = read_events(tmp_path / "scores" / "events_test.tsv")
    assert all([event.label for event in found[clip]] == ["high"] for clip in BURSTS)
    assert metrics["test/event_f1_micro"] == pytest.approx(1 / 3)


def test_other_tags_are_refused() -> None:
    with pytest.raises(ValueError, match=r"scoring.tags 'own', allowed: tagger, oracle"):
        EnergyScoring(tags="own")  # type: ignore[arg-type]
