"""The picture of a chosen clip: spectrogram, reference events, and of each system its frame curves over its events."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from datamodules.annotations import Event, FrameGrid
from experiments.reporting.pictures.example_choice import ChosenClip, System
from experiments.reporting.pictures.styles import COLOURS, LINE_STYLES, blank
from lightning_modules.layers.log_mel_picture import draw_log_mel
from lightning_modules.metrics.event_matching import match_events

WIDTH_INCHES, SPECTROGRAM_INCHES, CURVES_INCHES, LANE_INCHES = 9.0, 1.6, 1.05, 0.18
DPI = 150
LINE_CHARACTERS, HEADING_CHARACTERS = 135, 122
OTHER = "0.6"  # the grey of classes that are not in the clip
Look = tuple[str, Any]  # colour and style of a class


def draw_example(chosen: ChosenClip, *, title: str, path: Path) -> Path:
    """Write the picture. Raises ``CorpusMissingError`` where the clip's sound is not on this disk."""
    labels = [label for label in chosen.references.classes if label in chosen.references.tags[chosen.clip]]
    looks = {
        label: (COLOURS[number % len(COLOURS)], LINE_STYLES[number % len(LINE_STYLES)])
        for number, label in enumerate(labels)
    }
    lanes = {system.cell.row.name: [*labels, *_others(chosen, system, labels)] for system in chosen.systems}
    heights = [SPECTROGRAM_INCHES, LANE_INCHES * max(len(labels), 1) + 0.1]
    for system in chosen.systems:
        heights += [CURVES_INCHES, LANE_INCHES * len(lanes[system.cell.row.name]) + 0.1]
    figure = blank(WIDTH_INCHES, sum(heights) + 0.42 * len(heights) / 2 + 1.3)
    figure.get_layout_engine().set(h_pad=0.02, hspace=0.0)
    axes = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
    draw_log_mel(axes[0], chosen.references.load_waveform(chosen.clip), sample_rate_hz=chosen.references.sample_rate_hz)
    axes[0].set_ylabel("Hz", fontsize=9)
    _heading(axes[1], f"reference events{_said(_reference_coactivation(chosen))}")
    _draw_lanes(axes[1], labels, looks, chosen.reference)
    for number, system in enumerate(chosen.systems):
        _draw_system(axes[2 + 2 * number : 4 + 2 * number], chosen, system, lanes[system.cell.row.name], looks)
    for axis in axes:
        axis.tick_params(labelsize=8.5)
    axes[-1].set_xlim(0, chosen.references.duration_seconds[chosen.clip])
    axes[-1].set_xlabel("time (s)", fontsize=9)
    figure.suptitle(f"{title} · {chosen.clip}", x=0.01, ha="left", fontsize=12, parse_math=False)
    says = "\n".join(textwrap.wrap(caption(chosen), LINE_CHARACTERS))
    figure.supxlabel(says, x=0.01, ha="left", fontsize=8.5, color="0.3", parse_math=False)
    figure.savefig(path, dpi=DPI)
    return path


def caption(chosen: ChosenClip) -> str:
    """Which clip and runs these are, and what there is to see."""
    run = chosen.systems[0].cell.place.run
    return (
        f"Clip {chosen.clip}: {chosen.rule}; runs of {run}. Curves: the network's own probability of each class in the "
        "clip, before smoothing and thresholds (shaded: where it truly sounds); bars under them: the events that were "
        "detected (grey: of classes that are not in the clip). Co-activation: the mean cosine of two such curves, 1 "
        "where they rise and fall together."
    )


def _others(chosen: ChosenClip, system: System, labels: Sequence[str]) -> list[str]:
    """Classes that the system detects in the clip and that are not there."""
    found = {event.label for event in system.events.get(chosen.clip, ())}
    return [label for label in chosen.references.classes if label in found and label not in labels]


def _reference_coactivation(chosen: ChosenClip) -> float:
    """Of the true events, on the grid of the first system."""
    first = chosen.systems[0]
    grid = FrameGrid(hop_seconds=first.predictions.hop_seconds)
    activity_TC = grid.activity(
        chosen.reference, classes=first.predictions.classes, num_frames=len(first.curves[chosen.clip])
    )
    true = replace(first, curves={chosen.clip: activity_TC})
    return true.coactivation(chosen.clip, chosen.references.tags[chosen.clip])


def _said(coactivation: float) -> str:
    return "" if math.isnan(coactivation) else f" · co-activation {coactivation:.2f}"


def _heading(axis: Any, text: str) -> None:
    axis.set_title(text, loc="left", fontsize=9.2, pad=3, parse_math=False)


def _draw_system(
    axes: Sequence[Any], chosen: ChosenClip, system: System, lanes: Sequence[str], looks: Mapping[str, Look]
) -> None:
    """Curves above, detected events below."""
    clip, row = chosen.clip, system.cell.row
    events = system.events.get(clip, ())
    hits = len(match_events(chosen.reference, events))
    figures = f" · {hits} of {len(chosen.reference)} events found, {len(events)} detected"
    figures += _said(system.coactivation(clip, chosen.references.tags[clip]))
    says = textwrap.shorten(f"{row.name}: {row.why}", HEADING_CHARACTERS - len(figures), placeholder=" …")
    _heading(axes[0], says + figures)
    curves_TC = system.curves[clip]
    seconds_T = (np.arange(len(curves_TC)) + 0.5) * system.predictions.hop_seconds
    for label, (colour, style) in looks.items():
        curve_T = curves_TC[:, system.predictions.classes.index(label)]
        axes[0].plot(seconds_T, curve_T, color=colour, linestyle=style, linewidth=1.6, label=label)
        for event in (event for event in chosen.reference if event.label == label):
            axes[0].axvspan(event.onset_seconds, event.offset_seconds, color=colour, alpha=0.12, linewidth=0)
    if system is chosen.systems[0]:
        for text in axes[0].legend(loc="upper right", fontsize=8.5, ncols=4, framealpha=0.9).get_texts():
            text.set_parse_math(False)
    axes[0].set_ylim(-0.04, 1.06)
    axes[0].set_yticks([0, 0.5, 1])
    axes[0].grid(alpha=0.25)
    _draw_lanes(axes[1], lanes, looks, events)


def _draw_lanes(axis: Any, lanes: Sequence[str], looks: Mapping[str, Look], events: Sequence[Event]) -> None:
    for number, label in enumerate(lanes):
        colour = looks[label][0] if label in looks else OTHER
        bars = [(event.onset_seconds, event.duration_seconds) for event in events if event.label == label]
        axis.broken_barh(bars, (number - 0.36, 0.72), facecolor=colour, linewidth=0)
    axis.set_yticks(range(len(lanes)), lanes)
    for text, label in zip(axis.get_yticklabels(), lanes, strict=True):
        text.set(color=looks[label][0] if label in looks else OTHER, parse_math=False)
    axis.set_ylim(max(len(lanes), 1) - 0.5, -0.5)  # the axis points down: the first class on top
    axis.grid(axis="x", alpha=0.25)
    axis.tick_params(axis="y", length=0)
