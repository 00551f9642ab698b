"""A run made ready: its own window and post-processing, and what no events can be had of."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from datamodules.annotations import FrameGrid
from datamodules.run_warning import RunWarning
from experiments.applying.chosen_run import ChosenRun
from experiments.applying.predicting import chosen_predictor as module
from experiments.applying.predicting.chosen_predictor import make_predictor
from experiments.applying.predicting.settings import Settings
from experiments.errors import UserError
from lightning_modules.layers.crnn import demo_tagging_cnn
from lightning_modules.layers.log_mel import LogMelSettings
from lightning_modules.sed.fitting.fitted import FittedPostProcessing
from lightning_modules.sed.tagger import Tagger


@pytest.fixture
def run(tmp_path: Path, systems, monkeypatch: pytest.MonkeyPatch) -> ChosenRun:
    """A run's folder with predictions of clips of 4 s, whose system is a small one."""
    made = systems.system()
    monkeypatch.setattr(module, "load_system", lambda chosen: made)
    monkeypatch.setattr(module, "facts_of", lambda chosen: module_facts(systems))
    fitted = FittedPostProcessing(
        settings=dict.fromkeys(systems.CLASSES, systems.PLAIN), gate={"cat": 0.25, "dog": 0.5}, fitted={"tags": "own"}
    )
    (tmp_path / "scores").mkdir()
    said = json.dumps(fitted.as_json(FrameGrid(made.hop_seconds)))
    (tmp_path / "scores" / "postprocessing.json").write_text(said, encoding="utf-8")
    (tmp_path / "predictions").mkdir()
    np.savez(tmp_path / "predictions" / "test.npz", num_frames_N=np.array([90, 100]))
    return ChosenRun("mil", "abc", tmp_path, tmp_path / "best.ckpt", {}, "sed", {})


def module_facts(systems) -> object:
    from experiments.applying.loaded_system import ModelFacts

    return ModelFacts(systems.RATE_HZ, systems.CLASSES)


def test_window_and_decision_are_the_runs_own_until_something_is_set(run: ChosenRun) -> None:
    predictor = make_predictor(run, Settings())
    assert (predictor.plan.window_frames, predictor.plan.overlap_frames, predictor.plan.frame_samples) == (100, 25, 320)
    assert predictor.decision.gate == {"cat": 0.25, "dog": 0.5}
    predictor = make_predictor(run, Settings(window_seconds=2.0, overlap_seconds=0.8, clip_threshold=0.1))
    assert (predictor.plan.window_frames, predictor.plan.overlap_frames) == (50, 20)
    assert predictor.decision.gate == {"cat": 0.1, "dog": 0.1}
    with pytest.raises(UserError, match=r"--overlap: 75 frames .* at most half .* a frame is 0\.04 s"):
        make_predictor(run, Settings(overlap_seconds=3.0))
    with pytest.raises(UserError, match=r"--device nowhere: .*allowed: cpu"):
        make_predictor(run, Settings(device="nowhere"))


def test_a_window_that_is_guessed_is_said(run: ChosenRun) -> None:
    (run.folder / "predictions" / "test.npz").unlink()
    with pytest.warns(RunWarning, match="windows of 10 s"):
        assert make_predictor(run, Settings()).plan.window_frames == 250


def test_runs_without_events_are_refused_with_the_reason(run: ChosenRun, monkeypatch: pytest.MonkeyPatch) -> None:
    (run.folder / "scores" / "postprocessing.json").unlink()
    with pytest.raises(UserError, match="nothing says how its curves become events"):
        make_predictor(run, Settings())
    monkeypatch.setattr(module, "load_system", lambda chosen: torch.nn.Linear(1, 1))
    with pytest.raises(UserError, match=r"Linear hears no sound events.*earmark transcribe"):
        make_predictor(run, Settings())
    tagger = Tagger(classes=("cat",), sample_rate_hz=8000, encoder=demo_tagging_cnn(),
                    features=LogMelSettings(num_mels=40, hop_seconds=0.04, window_seconds=0.064))  # fmt: skip
    monkeypatch.setattr(module, "load_system", lambda chosen: tagger)
    with pytest.raises(UserError, match="which classes a clip has and not when"):
        make_predictor(run, Settings())
