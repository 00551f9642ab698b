"""The analysis as pictures, each drawn from the lines of its CSV file alone, so that a report can draw it again.

matplotlib's object interface, imported when drawing. Values are text as ``csv.DictReader`` gives them; empty ones are
undefined and left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Rows = Sequence[Mapping[str, str]]
FOUND, HEARD, MISSED = "#1b7837", "#a6dba0", "#d9d9d9"
FIGURES = {"tagging_f1": "tags", "segment_f1": "segments (1 s)", "event_f1": "events"}
COLLAR_SECONDS = 0.2


def draw_by_class(rows: Rows) -> Any:
    """Of ``per_class.csv``: F1 of tags and, where they are scored, segments and events, the most frequent on top."""
    what, counted = ("events", "reference_events") if "reference_events" in rows[0] else ("clips", "tagged_clips")
    ordered = sorted(rows, key=lambda row: int(row[counted]))
    figure, axis = _blank(8, 1.2 + 0.42 * len(ordered))
    for number, (name, label) in enumerate((name, label) for name, label in FIGURES.items() if name in rows[0]):
        places = np.arange(len(ordered)) + 0.26 * (1 - number)
        values = [_number(row[name]) for row in ordered]
        axis.barh(places, np.nan_to_num(values), height=0.24, color=f"C{number}", label=label)
    names = [f"{row['class']} ({row[counted]})" for row in ordered]
    axis.set_yticks(range(len(ordered)), names)
    axis.set_xlim(0, 100)
    axis.set_xlabel(f"F1 (%); in brackets the reference {what}")
    axis.grid(axis="x", alpha=0.3)
    axis.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    return figure


def draw_by_duration(rows: Rows) -> Any:
    """Of ``by_duration.csv``: what became of the reference events of each length, and how many estimates are right."""
    shown = [row for row in rows if int(row["reference_events"]) or int(row["estimated_events"])]
    figure, axis = _blank(8, 4.2)
    places = np.arange(len(shown))
    parts = np.array([(int(row["found"]), int(row["heard"]), int(row["reference_events"])) for row in shown]).reshape(
        -1, 3
    )
    share = 100 * parts / np.maximum(parts[:, 2:], 1)
    axis.bar(places, share[:, 0], color=FOUND, width=0.7, label="found: both ends right")
    axis.bar(places, share[:, 1] - share[:, 0], bottom=share[:, 0], color=HEARD, width=0.7, label="heard, ends wrong")
    axis.bar(places, share[:, 2] - share[:, 1], bottom=share[:, 1], color=MISSED, width=0.7, label="missed")
    precision = [_number(row["precision"]) for row in shown]
    axis.plot(places, precision, "kD", markersize=6, label="precision of estimates of this length")
    names = [f"{_span(row)}\n{row['reference_events']} / {row['estimated_events']}" for row in shown]
    axis.set_xticks(places, names)
    axis.set_xlabel("length (s), below it reference / estimated events")
    axis.set_ylabel("share of events (%)")
    axis.set_ylim(0, 102)
    axis.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    return figure


def draw_boundary_errors(rows: Rows) -> Any:
    """Of ``boundary_errors.csv``: how far onsets and offsets lie from the reference's; bars at the ends are open."""
    from matplotlib.figure import Figure

    inner = rows[1:-1]
    width = float(inner[0]["to_seconds"]) - float(inner[0]["from_seconds"])
    lefts = [float(row["from_seconds"]) for row in inner]
    lefts = [lefts[0] - width, *lefts, lefts[-1] + width]
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    for axis, ends in zip(figure.subplots(1, 2, sharey=True), ("onsets", "offsets"), strict=True):
        counts = np.array([int(row[ends]) for row in rows])
        total = max(counts.sum(), 1)
        axis.bar(lefts, 100 * counts / total, width=width, align="edge", color="C0", edgecolor="white", linewidth=0.4)
        axis.axvspan(-COLLAR_SECONDS, COLLAR_SECONDS, color=FOUND, alpha=0.15, linewidth=0)
        inside = sum(int(row[ends]) for row in inner if _is_within_collar(row))
        says = f"{ends}: {100 * inside / total:.0f} % of {counts.sum()} within {COLLAR_SECONDS:g} s"
        axis.set_title(says, fontsize=11)
        axis.set_xlabel("early ← error (s) → late")
        axis.grid(axis="y", alpha=0.3)
        axis.set_xlim(lefts[0] - width, lefts[-1] + 2 * width)
    figure.axes[0].set_ylabel("share of paired events (%)")
    return figure


def draw_co_occurrence(rows: Rows) -> Any:
    """Of ``co_occurrence.csv``: the share of seconds of each row's sound in which each column's class is found."""
    sounding, found = (list(dict.fromkeys(row[name] for row in rows)) for name in ("sounding", "found"))
    share_RC = np.array([_number(row["share"]) for row in rows]).reshape(len(sounding), len(found))
    side = 0.55 * len(found)
    figure, axis = _blank(2.6 + side, 2.2 + 0.5 * len(sounding))
    image = axis.imshow(share_RC, cmap="Blues", vmin=0, vmax=100, aspect="auto")
    for (r, c), value in np.ndenumerate(share_RC):
        if np.isfinite(value):
            colour = "white" if value > 55 else "black"
            axis.text(c, r, f"{value:.0f}", ha="center", va="center", color=colour, fontsize=9)
    axis.set_xticks(range(len(found)), found, rotation=45, ha="right", rotation_mode="anchor")
    axis.set_yticks(range(len(sounding)), [name or "(nothing)" for name in sounding])
    axis.set_xlabel("is found")
    axis.set_ylabel("where this sounds (off the diagonal: without it)")
    figure.colorbar(image, ax=axis, label="share of seconds (%)", shrink=0.8)
    return figure


def draw_tags_and_times(rows: Rows) -> Any:
    """Of ``tags_and_times.csv``: event F1 as it is, and with the tags or the times of the truth."""
    figure, axis = _blank(8, 1.2 + 0.62 * len(rows))
    places = np.arange(len(rows))[::-1]
    own = _number(rows[0]["event_f1_macro"])
    for name, shift, colour in (("event_f1_macro", 0.18, "C0"), ("event_f1_micro", -0.18, "C1")):
        values = [_number(row[name]) for row in rows]
        bars = axis.barh(places + shift, np.nan_to_num(values), height=0.34, color=colour, label=name[-5:])
        axis.bar_label(bars, ["–" if np.isnan(value) else f"{value:.1f}" for value in values], padding=3, fontsize=9)
    axis.axvline(own, color="0.3", linewidth=0.9, linestyle="--")
    axis.set_yticks(places, [f"{row['tags']} tags, {_times(row['times'])}" for row in rows])
    axis.set_xlim(0, 108)
    axis.set_xlabel("event-based F1 (%)")
    axis.grid(axis="x", alpha=0.3)
    axis.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    return figure


def _is_within_collar(row: Mapping[str, str]) -> bool:
    """The collar's ends are edges of bins."""
    middle = (float(row["from_seconds"]) + float(row["to_seconds"])) / 2
    return abs(middle) < COLLAR_SECONDS


def _times(origin: str) -> str:
    return "whole-clip events" if origin == "whole clip" else f"{origin} times"


def _blank(width: float, height: float) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axis = figure.subplots()
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    return figure, axis


def _number(text: str) -> float:
    """In percent; NaN of an empty one."""
    return 100 * float(text) if text else float("nan")


def _span(row: Mapping[str, str]) -> str:
    low, high = row["from_seconds"], row["to_seconds"]
    return f"{low}+" if high == "inf" else f"{low}–{high}"
