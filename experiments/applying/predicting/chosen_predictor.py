"""A chosen run made ready to hear files: its system, its window, its post-processing."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import torch

from datamodules.run_warning import RunWarning
from experiments.applying.chosen_run import EXPORTED, ChosenRun
from experiments.applying.loaded_system import facts_of, load_system
from experiments.applying.predicting.decision import Decision, Overrides, decision_of
from experiments.applying.predicting.file_events import FilePredictor
from experiments.applying.predicting.settings import Settings
from experiments.applying.predicting.windows import WindowPlan
from experiments.errors import UserError
from experiments.runs.run_folder import PREDICTIONS
from lightning_modules.sed.detector import SoundEventDetector
from lightning_modules.sed.fitting.fitted import FittedPostProcessing
from lightning_modules.sed.tagger import Tagger

LONGEST_CLIP = "longest_clip_frames"  # in what earmark export writes
POST_PROCESSING = ("scores/postprocessing.json", "postprocessing.json")  # of a run's folder, of an exported one
WINDOW_SECONDS = 10.0  # where a run does not say how long its clips were
OVERLAP = 4  # a window is so many times its overlap


def make_predictor(chosen: ChosenRun, settings: Settings) -> FilePredictor:
    """Raises ``UserError`` for a run of another family, and for settings that do not fit it."""
    system = load_system(chosen)
    if not isinstance(system, SoundEventDetector):
        raise UserError(
            f"run {chosen.name}: {type(system).__name__} hears no sound events; allowed: a system of lightning_modules."
            "sed (earmark transcribe is for speech)"
        )
    if isinstance(system, Tagger):
        raise UserError(f"run {chosen.name}: Tagger says which classes a clip has and not when, so it has no events")
    facts = facts_of(chosen)
    plan = window_plan(system, sample_rate_hz=facts.sample_rate_hz, settings=settings, folder=chosen.folder)
    decision = _decision(chosen, facts.classes, settings.overrides)
    return FilePredictor(
        system=_on_device(system, settings.device),
        sample_rate_hz=facts.sample_rate_hz,
        plan=plan,
        decision=decision,
        batch_size=settings.batch_size,
    )


def window_plan(
    system: SoundEventDetector, *, sample_rate_hz: int, settings: Settings, folder: Path | None = None
) -> WindowPlan:
    """Windows as long as the longest clip that the run's own ``folder`` has predictions of, where nothing is set."""
    frame_samples = round(system.hop_seconds * sample_rate_hz)
    frame_seconds = frame_samples / sample_rate_hz
    window_seconds = settings.window_seconds
    frames = longest_clip(folder) if folder is not None and window_seconds is None else 0
    if window_seconds is None and not frames:
        text = (
            f"the run does not say how long its clips were: windows of {WINDOW_SECONDS:g} s; best is a "
            "--window-seconds as long as they were"
        )
        warnings.warn(text, RunWarning, stacklevel=2)
    frames = frames or round((WINDOW_SECONDS if window_seconds is None else window_seconds) / frame_seconds)
    overlap = frames // OVERLAP
    if settings.overlap_seconds is not None:
        overlap = round(settings.overlap_seconds / frame_seconds)
    try:
        return WindowPlan(frame_samples=frame_samples, window_frames=frames, overlap_frames=overlap)
    except ValueError as error:
        raise UserError(f"--window-seconds, --overlap: {error}; a frame is {frame_seconds:g} s") from None


def longest_clip(folder: Path) -> int:
    """Frames of the longest clip of validation and test; 0 where a run's folder has no predictions."""
    if (exported := folder / EXPORTED).is_file():
        return int(json.loads(exported.read_text(encoding="utf-8")).get(LONGEST_CLIP, 0))
    longest = 0
    for split in ("validation", "test"):
        path = folder / PREDICTIONS / f"{split}.npz"
        if path.is_file():
            with np.load(path, allow_pickle=False) as file:
                longest = max(longest, int(file["num_frames_N"].max(initial=0)))
    return longest


def _decision(chosen: ChosenRun, classes: tuple[str, ...], overrides: Overrides) -> Decision:
    path = next((chosen.folder / name for name in POST_PROCESSING if (chosen.folder / name).is_file()), None)
    if path is None:
        raise UserError(
            f"run {chosen.name}: no {' or '.join(POST_PROCESSING)} in {chosen.folder}: nothing says how its curves "
            "become events; score the run again (earmark run)"
        )
    try:
        fitted = FittedPostProcessing.load(path)
    except ValueError as error:
        raise UserError(f"run {chosen.name}: {error}") from None
    if set(fitted.settings) != set(classes):
        strange = ", ".join(sorted(set(fitted.settings) ^ set(classes)))
        raise UserError(f"run {chosen.name}: {path} is of other classes than its system; they differ in {strange}")
    return decision_of(fitted, classes=classes, overrides=overrides, where=f"run {chosen.name}")


def _on_device(system: SoundEventDetector, device: str) -> SoundEventDetector:
    try:
        return system.to(torch.device(device))
    except (RuntimeError, AssertionError) as error:
        line = str(error).strip().splitlines()[0]
        raise UserError(f"--device {device}: {line}; allowed: cpu, cuda, mps, where they are") from None
