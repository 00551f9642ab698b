"""Pictures of test clips: log-mel, reference and predicted events, and the frame curves under each other.

One PNG a clip on one time axis in seconds. matplotlib's object interface with the Agg canvas, imported when drawing:
no display, no state that other threads see, no cost for runs without pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from datamodules.annotations import ClipReferences, Event, FrameGrid
from lightning_modules.decoding.sound_events.setting import EventSetting
from lightning_modules.layers.log_mel_picture import draw_log_mel
from lightning_modules.metrics.event_matching import match_events
from lightning_modules.sed.predictions import DetectionPredictions

Events = Mapping[str, Sequence[Event]]
SHORT_BELOW_SECONDS = 1.0
RICHNESS_WEIGHT = 0.25  # a clip with all there is to see may lie this far in F1 from the step that it stands for


@dataclass(frozen=True)
class Curves:
    """Frame curves of a split, and how events were made of each class's."""

    predictions: DetectionPredictions
    settings: Mapping[str, EventSetting]


def draw_clips(
    references: ClipReferences, events: Events, *, curves: Curves | None, count: int, folder: Path
) -> list[Path]:
    """Draw ``choose_clips`` to ``folder/ID.png`` in place of what an earlier scoring drew there.

    Without ``curves`` (whole-clip events) their panels are left out. A split without a strong clip has no pictures.
    """
    if references.events is None:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("*.png"):
        stale.unlink()
    paths = []
    for clip in choose_clips(references, events, count=count):
        path = folder / f"{clip.replace('/', '_')}.png"
        _draw_clip(clip, references, events[clip], curves).savefig(path, dpi=110)
        paths.append(path)
    return paths


def choose_clips(references: ClipReferences, estimated: Events, *, count: int) -> list[str]:
    """Clips worth looking at, from the worst scored to the best; the same for the same input.

    Steps evenly from the lowest event-based F1 of a clip to the highest, and takes the clip near each step, with a
    preference for much to see: several co-tagged classes, both short and long events. Event-free clips come last.
    """
    assert references.events is not None
    events = references.events
    f1 = {clip: _clip_f1(events[clip], estimated[clip]) for clip in events}

    def richness(clip: str) -> float:
        short = {event.duration_seconds < SHORT_BELOW_SECONDS for event in events[clip]}
        return (2 * min(len(references.tags[clip]), 3) + len(short)) / 8 if short else -4.0

    left = sorted(events)
    seen = [f1[clip] for clip in left if events[clip]] or [1.0]
    chosen = []
    for target in np.linspace(min(seen), max(seen), min(count, len(left))).tolist():
        best = min(left, key=lambda clip: abs(f1[clip] - target) - RICHNESS_WEIGHT * richness(clip))
        left.remove(best)
        chosen.append(best)
    return sorted(chosen, key=lambda clip: (f1[clip], clip))


def _clip_f1(reference: Sequence[Event], estimated: Sequence[Event]) -> float:
    total = len(reference) + len(estimated)
    return 2 * len(match_events(reference, estimated)) / total if total else 1.0


def _draw_clip(clip: str, references: ClipReferences, estimated: Sequence[Event], curves: Curves | None) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    assert references.events is not None
    reference = references.events[clip]
    labels = {event.label for event in (*reference, *estimated)} | references.tags[clip]
    shown = [label for label in references.classes if label in labels]
    curve_rows = len(shown) if curves is not None else 0
    heights = [2.6, 0.5 + 0.42 * max(len(shown), 1), *[0.95] * curve_rows]
    figure = Figure(figsize=(11, sum(heights) + 1.3), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0]
    hits = len(match_events(reference, estimated))
    figure.suptitle(
        f"{clip}: {hits} of {len(reference)} reference events found, {len(estimated)} predicted "
        f"(event F1 {_clip_f1(reference, estimated):.2f})",
        fontsize=13,
    )
    colours = {label: f"C{references.classes.index(label) % 10}" for label in shown}
    draw_log_mel(axes[0], references.load_waveform(clip), sample_rate_hz=references.sample_rate_hz)
    _draw_events(axes[1], shown, colours, reference, estimated)
    if curves is not None:
        _draw_curves(list(axes[2:]), clip, shown, colours, reference, curves)
        predicted = {event.label for event in estimated}
        for ax, label in zip(axes[2:], shown, strict=True):
            text = label if label in predicted else f"{label}\n(not tagged)"
            ax.set_ylabel(text, fontsize=10, rotation=0, ha="right", va="center")
    axes[-1].set_xlabel("time (s)", fontsize=11)
    axes[-1].set_xlim(0, references.duration_seconds[clip])
    for ax in axes:
        ax.tick_params(labelsize=10)
    return figure


def _draw_events(
    ax: Any, shown: Sequence[str], colours: Mapping[str, str], reference: Sequence[Event], estimated: Sequence[Event]
) -> None:
    for row, label in enumerate(shown):
        for events, bottom, style in (
            (reference, row - 0.36, {"facecolor": colours[label]}),
            (estimated, row + 0.02, {"facecolor": "white", "hatch": "////", "edgecolor": colours[label]}),
        ):
            bars = [(e.onset_seconds, e.duration_seconds) for e in events if e.label == label]
            ax.broken_barh(bars, (bottom, 0.34), linewidth=1.2, **style)
    ax.set_yticks(range(len(shown)), shown)
    ax.set_ylim(len(shown) - 0.45, -0.55)  # the axis points down: first class on top, reference above prediction
    ax.set_ylabel("events", fontsize=11)
    ax.grid(axis="x", alpha=0.3)
    from matplotlib.patches import Patch

    keys = [
        Patch(facecolor="0.4", label="reference"),
        Patch(facecolor="white", hatch="////", edgecolor="0.4", label="predicted"),
    ]
    ax.legend(handles=keys, loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=10, frameon=False)


def _draw_curves(
    axes: Sequence[Any],
    clip: str,
    shown: Sequence[str],
    colours: Mapping[str, str],
    reference: Sequence[Event],
    curves: Curves,
) -> None:
    predictions = curves.predictions
    assert predictions.frame_probabilities_NTC is not None
    row = predictions.clip_ids.index(clip)
    grid = FrameGrid(hop_seconds=predictions.hop_seconds)
    raw_TC = predictions.frame_probabilities_NTC[row, : int(predictions.num_frames_N[row])]
    seconds_T = (np.arange(len(raw_TC)) + 0.5) * grid.hop_seconds
    for ax, label in zip(axes, shown, strict=True):
        column, setting = predictions.classes.index(label), curves.settings[label]
        ready_T = setting.curves(raw_TC[:, [column]], grid=grid)[:, 0]
        for event in reference:
            if event.label == label:
                ax.axvspan(event.onset_seconds, event.offset_seconds, color=colours[label], alpha=0.15, linewidth=0)
        ax.plot(seconds_T, raw_TC[:, column], color="0.55", linewidth=0.9, label="network's probability")
        ax.plot(seconds_T, ready_T, color=colours[label], linewidth=1.8, label="smoothed, rescaled")
        for (name, level), style in zip(setting.levels().items(), ("-", "--"), strict=False):
            ax.axhline(level, color="0.2", linewidth=0.9, linestyle=style, label=name)
        ax.set_ylim(-0.03, 1.05)
        ax.set_yticks([0, 0.5, 1])
    for ax in axes[:1]:  # none, where nothing is tagged, predicted or there
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=10, frameon=False)
