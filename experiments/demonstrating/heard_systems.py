"""A finished run as the page knows it: its graph, and how what the graph says becomes events or a text."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as lightning

from experiments.applying.chosen_run import ChosenRun
from experiments.applying.loaded_system import facts_of, load_system
from experiments.applying.predicting.chosen_predictor import make_predictor
from experiments.applying.predicting.decision import Decision
from experiments.applying.predicting.settings import Settings
from experiments.applying.predicting.windows import WindowPlan
from experiments.errors import UserError
from experiments.exporting.exportable import CLIP, CURVES, MODEL, Exportable, NotExportableError, exportable
from experiments.exporting.exported_folder import check_exact
from experiments.exporting.graphs import WAVEFORM
from experiments.exporting.step_graphs import LOG_PROBS
from lightning_modules.decoding.sound_events.events import PostProcessing
from lightning_modules.decoding.sound_events.setting import EventSetting
from lightning_modules.decoding.texts import are_words
from lightning_modules.sed.detector import SoundEventDetector

TEXT_WINDOW_SECONDS, TEXT_OVERLAP_SECONDS = 30.0, 4.0  # an utterance is one window; earmark transcribe cuts at pauses
FIGURES = {"test/event_f1_macro": "event F1", "test/tagging_f1_macro": "tag F1", "test/wer": "WER", "test/cer": "CER"}


@dataclass(frozen=True, kw_only=True)
class HeardSystem:
    """``facts`` go to the page as JSON, ``model`` as its graph; ``title`` is what the run is called there."""

    title: str
    facts: Mapping[str, Any]
    model: bytes


def heard_system(chosen: ChosenRun, *, title: str) -> HeardSystem:
    """Raises ``UserError`` for a run that has neither events nor CTC posteriors, or whose graph is not exact."""
    system = load_system(chosen)
    if isinstance(system, SoundEventDetector):
        predictor = make_predictor(chosen, Settings())
        graph = _graph(chosen, system, outputs={CURVES, CLIP})
        facts = facts_of_events(predictor.decision, predictor.plan, sample_rate_hz=predictor.sample_rate_hz)
    else:
        graph = _graph(chosen, system, outputs={LOG_PROBS})
        known = facts_of(chosen)
        facts = facts_of_texts(known.symbols, sample_rate_hz=known.sample_rate_hz, hop_seconds=graph.hop_seconds)
    return HeardSystem(title=title, facts={**facts, "summary": summary(chosen)}, model=_written(chosen, graph))


def facts_of_events(decision: Decision, plan: WindowPlan, *, sample_rate_hz: int) -> dict[str, Any]:
    """What the page must know of a sound event system."""
    return {
        "kind": "events",
        "input": WAVEFORM,
        "outputs": [CURVES, CLIP],
        "sampleRate": sample_rate_hz,
        "hopSeconds": plan.frame_samples / sample_rate_hz,
        "windows": _windows(plan),
        "classes": list(decision.classes),
        "settings": [_setting(decision.settings[label]) for label in decision.classes],
        "gate": [decision.gate[label] for label in decision.classes],
    }


def facts_of_texts(symbols: Sequence[str], *, sample_rate_hz: int, hop_seconds: float) -> dict[str, Any]:
    """What the page must know of a recogniser with CTC posteriors."""
    plan = WindowPlan(
        frame_samples=round(hop_seconds * sample_rate_hz),
        window_frames=round(TEXT_WINDOW_SECONDS / hop_seconds),
        overlap_frames=round(TEXT_OVERLAP_SECONDS / hop_seconds),
    )
    return {
        "kind": "text",
        "input": WAVEFORM,
        "outputs": [LOG_PROBS],
        "sampleRate": sample_rate_hz,
        "hopSeconds": plan.frame_samples / sample_rate_hz,
        "windows": _windows(plan),
        "symbols": list(symbols),
        "unit": "word" if are_words(symbols) else "piece",
    }


def summary(chosen: ChosenRun) -> str:
    """A line for people: the system and its figures on its test split."""
    class_path = chosen.config["model"]
    name = str(class_path if isinstance(class_path, str) else class_path["class_path"]).rsplit(".", 1)[-1]
    figures = [f"{label} {chosen.scores[key]:.3f}" for key, label in FIGURES.items() if key in chosen.scores]
    return f"{name}, run {chosen.key_id[:8]}" + (f"; on its test split {', '.join(figures)}" if figures else "")


def _setting(setting: EventSetting) -> dict[str, Any]:
    kind = "thresholds" if isinstance(setting, PostProcessing) else "change_points"
    return {"kind": kind, **asdict(setting)}  # type: ignore[call-overload]  # a dataclass, as all settings are


def _windows(plan: WindowPlan) -> dict[str, int]:
    return {
        "frameSamples": plan.frame_samples,
        "windowFrames": plan.window_frames,
        "overlapFrames": plan.overlap_frames,
    }


def _graph(chosen: ChosenRun, system: lightning.LightningModule, *, outputs: set[str]) -> Exportable:
    try:
        graph = exportable(system)
    except NotExportableError as error:
        raise UserError(f"run {chosen.name}: can't be on the page: {error}") from None
    if MODEL not in graph.graphs or not outputs <= set(graph.graphs[MODEL].outputs):
        raise UserError(
            f"run {chosen.name}: {type(system).__name__} can't be on the page; allowed: sound event systems with frame "
            "curves, and CTC recognisers"
        )
    return graph


def _written(chosen: ChosenRun, graph: Exportable) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        try:
            check_exact(graph, Path(folder))
        except NotExportableError as error:
            raise UserError(f"run {chosen.name}: can't be on the page: {error}") from None
        return Path(folder, MODEL).read_bytes()
