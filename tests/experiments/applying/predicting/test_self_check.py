"""The self-check passes here, and fails for each part of a prediction that is not as it should be."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from experiments.applying.predicting import self_check as module
from experiments.applying.predicting.self_check import SHIPPED, self_check, write_shipped
from lightning_modules.layers.log_mel import LogMel


def test_this_installation_is_sound_and_the_clips_are_made_by_their_rule(tmp_path: Path) -> None:
    said = self_check()
    assert said.is_sound, said.lines
    assert said.lines[-1] == "this installation predicts what it should"
    write_shipped(tmp_path)
    for name in ("long.flac", "stereo.flac"):
        assert (tmp_path / name).read_bytes() == (SHIPPED / name).read_bytes()


true_decibels = LogMel.decibels
WRONG = {
    "lightning_modules.layers.log_mel.LogMel.decibels": lambda self, waveforms_BS: (
        true_decibels(self, waveforms_BS) * 1.01
    ),
    "lightning_modules.decoding.sound_events.events.close_gaps": lambda active_TC, *, longest: active_TC,
    "lightning_modules.decoding.sound_events.events.drop_short": lambda active_TC, **settings: active_TC,
    "lightning_modules.decoding.sound_events.change_points.rescale": lambda curves_TC: curves_TC,
    "experiments.applying.predicting.decision.rescale": lambda curves_TC: curves_TC,
    "experiments.applying.predicting.joining.window_weights": lambda windows, *, overlap_frames: [
        np.ones(len(window.curves_TC), np.float32) for window in windows
    ],
    "torch.relu": torch.nn.functional.gelu,
}


@pytest.mark.parametrize("place", WRONG)
def test_features_network_joining_or_post_processing_that_differ_are_found(monkeypatch, place) -> None:
    monkeypatch.setattr(place, WRONG[place])
    said = self_check()
    assert not said.is_sound
    assert said.lines[-1] == "this installation is NOT sound"


@pytest.mark.parametrize("constant", ["median_seconds", "window_seconds", "longest_gap_seconds", "low_threshold",
                                      "shortest_event_seconds"])  # fmt: skip
def test_every_constant_of_the_thresholds_counts(monkeypatch, constant: str) -> None:
    true = module.PostProcessing
    monkeypatch.setattr(module, "PostProcessing", lambda **settings: true(**{**settings, constant: 0.0}))
    assert not self_check().is_sound


def test_other_clips_and_tables_are_found(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED, tmp_path / "shipped")
    table = tmp_path / "shipped" / "long.tsv"
    table.write_text(table.read_text().replace("7.08", "7.00"))
    assert "of long.tsv" in self_check(tmp_path / "shipped").lines[0]
    (tmp_path / "shipped" / "stereo.flac").write_bytes(b"")
    assert "an empty file" in self_check(tmp_path / "shipped").lines[1]
    assert module.CURVE_TOLERANCE < 0.01
